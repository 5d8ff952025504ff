package dev.winnow.runtime.text.jinja;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What follows {@code is}. */
final class Tests {
    private Tests() {}

    static boolean holds(String name, Object value, Arguments given) {
        return switch (name) {
            case "defined" -> !(value instanceof Undefined);
            case "undefined" -> value instanceof Undefined;
            case "none" -> value == null;
            case "boolean" -> value instanceof Boolean;
            case "true" -> value instanceof Boolean truth && truth;
            case "false" -> value instanceof Boolean truth && !truth;
            case "integer" -> value instanceof Long;
            case "float" -> value instanceof Double;
            case "number" -> Values.isNumber(value);
            case "string" -> value instanceof String;
            case "mapping" -> value instanceof Map<?, ?>;
            case "sequence", "iterable" -> switch (value) {
                case List<?> list -> true;
                case Map<?, ?> map -> true;
                case String text -> true;
                case Undefined undefined -> true;
                case null, default -> false;
            };
            case "callable" -> value instanceof Callable;
            case "sameas" -> same(value, given.get(0));
            case "eq", "equalto", "==" -> Values.equal(value, given.get(0));
            case "ne", "!=" -> !Values.equal(value, given.get(0));
            case "lt", "lessthan", "<" -> Values.compare(value, given.get(0)) < 0;
            case "le", "<=" -> Values.compare(value, given.get(0)) <= 0;
            case "gt", "greaterthan", ">" -> Values.compare(value, given.get(0)) > 0;
            case "ge", ">=" -> Values.compare(value, given.get(0)) >= 0;
            case "in" -> Values.contains(given.get(0), value);
            case "odd" -> remainder(value, 2) == 1;
            case "even" -> remainder(value, 2) == 0;
            case "divisibleby" -> remainder(value, Values.number(given.get(0))) == 0;
            case "lower" -> Values.text(value).equals(Values.text(value).toLowerCase(Locale.ROOT));
            case "upper" -> Values.text(value).equals(Values.text(value).toUpperCase(Locale.ROOT));
            default -> throw new JinjaException("the test '" + name + "' is not known");
        };
    }

    // small values have no identity in Java; equal ones of one type are as good as the same
    private static boolean same(Object a, Object b) {
        boolean small = a instanceof String || Values.isNumber(a);
        return a == b || small && b != null && a.getClass() == b.getClass() && a.equals(b);
    }

    private static double remainder(Object value, double by) {
        if (by == 0) throw new JinjaException("division by zero");
        double number = Values.number(value);
        return number - by * Math.floor(number / by);
    }
}
