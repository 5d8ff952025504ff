package dev.winnow.runtime.text.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

/** What follows {@code |}. */
final class Filters {
    private Filters() {}

    static Object apply(String name, Object value, Arguments given) {
        return Budget.made(switch (name) {
            case "trim" -> Methods.strip(PythonText.str(value), given.text(0, "chars", null), true, true);
            case "upper" -> PythonText.str(value).toUpperCase(Locale.ROOT);
            case "lower" -> PythonText.str(value).toLowerCase(Locale.ROOT);
            case "capitalize" -> Methods.capitalize(PythonText.str(value));
            case "title" -> Methods.title(PythonText.str(value));
            case "replace" -> Methods.of(PythonText.str(value), "replace").call(given);
            case "string" -> PythonText.str(value);
            case "safe" -> value;
            case "e", "escape" -> escape(PythonText.str(value));
            case "format" -> PythonText.format(Values.text(value), given.positional());
            case "indent" -> indent(PythonText.str(value), given);
            case "wordcount" -> (long) Values.items(Methods.of(PythonText.str(value), "split").call(Arguments.NONE)).size();
            case "tojson" -> json(value, given);
            case "default", "d" -> value instanceof Undefined || given.flag(1, "boolean", false) && !Values.isTrue(value)
                    ? given.get(0, "default_value", "") : value;
            case "length", "count" -> Values.length(value);
            case "int" -> integer(value, given);
            case "float" -> real(value, given);
            case "abs" -> Values.number(value) < 0 ? Values.negate(value) : value;
            case "round" -> round(value, given);
            case "list" -> Values.items(value);
            case "items" -> value instanceof Undefined ? new ArrayList<>() : Methods.items(Values.dict(value));
            case "dictsort" -> dictsort(value);
            case "first" -> first(Values.items(value));
            case "last" -> first(Values.items(value).reversed());
            case "reverse" -> value instanceof String text ? new StringBuilder(text).reverse().toString() : reversed(value);
            case "sort" -> sort(value, given);
            case "unique" -> unique(value, given);
            case "min" -> extreme(value, given, Values::compare);
            case "max" -> extreme(value, given, (a, b) -> Values.compare(b, a));
            case "sum" -> sum(value, given);
            case "join" -> join(value, given);
            case "attr" -> Values.attribute(value, given.text(0, "name"), false);
            case "map" -> map(value, given);
            case "select" -> select(value, given, null, true);
            case "reject" -> select(value, given, null, false);
            case "selectattr" -> select(value, given.from(1), given.text(0, "attribute"), true);
            case "rejectattr" -> select(value, given.from(1), given.text(0, "attribute"), false);
            default -> throw new JinjaException("the filter '" + name + "' is not known");
        });
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#39;").replace("\"", "&#34;");
    }

    private static String indent(String text, Arguments given) {
        Object width = given.get(0, "width", 4L);
        String space = width instanceof String literal ? literal : " ".repeat(Math.clamp(Values.index(width), 0, 1000));
        boolean blank = given.flag(2, "blank", false);
        String[] lines = text.split("\n", -1);
        Budget.spend(lines.length, space.length());
        for (int i = 0; i < lines.length; i++) {
            boolean wanted = i > 0 ? blank || !lines[i].isEmpty() : given.flag(1, "first", false);
            if (wanted) lines[i] = space + lines[i];
        }
        return String.join("\n", lines);
    }

    /** With the arguments of transformers' own filter: ensure_ascii, indent, separators, sort_keys. */
    private static String json(Object value, Arguments given) {
        int indent = given.get(1, "indent", null) == null ? -1 : given.integer(1, "indent", -1);
        String between = indent < 0 ? ", " : ",";
        String afterKey = ": ";
        if (given.get(2, "separators", null) != null) {
            List<Object> separators = Values.items(given.get(2, "separators", null));
            if (separators.size() != 2) throw new JinjaException("separators should be two texts");
            between = Values.text(separators.getFirst());
            afterKey = Values.text(separators.getLast());
        }
        return PythonText.json(value, new PythonText.JsonStyle(indent, between, afterKey, given.flag(3, "sort_keys", false)));
    }

    private static Object integer(Object value, Arguments given) {
        if (value instanceof Long) return value;
        if (value instanceof Undefined undefined) throw undefined.used();
        try {
            if (value instanceof String text) return Long.valueOf(Methods.strip(text, null, true, true).replace("_", ""));
            return (long) Values.number(value);
        } catch (NumberFormatException | JinjaException e) {
            // a text with a fraction is a number too
            Object real = value instanceof String ? real(value, new Arguments(List.of(Double.NaN), Map.of())) : Double.NaN;
            return Double.isNaN((Double) real) ? given.get(0, "default", 0L) : (Object) (long) (double) (Double) real;
        }
    }

    private static Object real(Object value, Arguments given) {
        if (value instanceof Undefined undefined) throw undefined.used();
        try {
            return value instanceof String text ? Double.valueOf(text.strip()) : (Double) Values.number(value);
        } catch (NumberFormatException | JinjaException e) {
            return given.get(0, "default", 0.0);
        }
    }

    private static Object round(Object value, Arguments given) {
        RoundingMode mode = switch (given.text(1, "method", "common")) {
            case "common" -> RoundingMode.HALF_EVEN;
            case "ceil" -> RoundingMode.CEILING;
            case "floor" -> RoundingMode.FLOOR;
            default -> throw new JinjaException("a number is rounded by 'common', 'ceil' or 'floor'");
        };
        double number = Values.number(value);
        if (!Double.isFinite(number) || value instanceof Long && mode == RoundingMode.HALF_EVEN) return value;
        int precision = Math.clamp(given.integer(0, "precision", 0), -300, 300);
        return new BigDecimal(number).setScale(precision, mode).doubleValue();
    }

    private static Object first(List<Object> items) {
        return items.isEmpty() ? new Undefined("an empty list has no first or last item") : items.getFirst();
    }

    private static List<Object> reversed(Object value) {
        return new ArrayList<>(Values.items(value).reversed());
    }

    private static List<Object> dictsort(Object value) {
        List<Object> items = Methods.items(Values.dict(value));
        items.sort(byKey(item -> folded(((Tuple) item).get(0))));
        return items;
    }

    private static List<Object> sort(Object value, Arguments given) {
        List<Object> items = Values.items(value);
        boolean exact = given.flag(1, "case_sensitive", false);
        Object attribute = given.get(2, "attribute", null);
        Comparator<Object> order = byKey(item -> {
            Object key = attribute == null ? item : path(item, attribute);
            return exact ? key : folded(key);
        });
        items.sort(given.flag(0, "reverse", false) ? order.reversed() : order);
        return items;
    }

    private static List<Object> unique(Object value, Arguments given) {
        boolean exact = given.flag(0, "case_sensitive", false);
        Object attribute = given.get(1, "attribute", null);
        List<Object> seen = new ArrayList<>();
        List<Object> kept = new ArrayList<>();
        for (Object item : Values.items(value)) {
            Object key = attribute == null ? item : path(item, attribute);
            Object folded = exact ? key : folded(key);
            if (seen.stream().anyMatch(each -> Values.equal(each, folded))) continue;
            seen.add(folded);
            kept.add(item);
        }
        return kept;
    }

    private static Object extreme(Object value, Arguments given, Comparator<Object> order) {
        boolean exact = given.flag(0, "case_sensitive", false);
        Object attribute = given.get(1, "attribute", null);
        return Values.items(value).stream()
                .min((a, b) -> order.compare(key(a, attribute, exact), key(b, attribute, exact)))
                .orElse(new Undefined("an empty list has no least or greatest item"));
    }

    private static Object key(Object item, Object attribute, boolean exact) {
        Object key = attribute == null ? item : path(item, attribute);
        return exact ? key : folded(key);
    }

    private static Comparator<Object> byKey(Function<Object, Object> key) {
        return (a, b) -> Values.compare(key.apply(a), key.apply(b));
    }

    private static Object folded(Object value) {
        return value instanceof String text ? text.toLowerCase(Locale.ROOT) : value;
    }

    private static Object sum(Object value, Arguments given) {
        Object attribute = given.get(0, "attribute", null);
        Object sum = given.get(1, "start", 0L);
        for (Object item : Values.items(value)) {
            sum = Values.arithmetic("+", sum, attribute == null ? item : path(item, attribute));
        }
        return sum;
    }

    private static String join(Object value, Arguments given) {
        String separator = PythonText.str(given.get(0, "d", ""));
        Object attribute = given.get(1, "attribute", null);
        StringBuilder out = new StringBuilder();
        String before = "";
        for (Object item : Values.items(value)) {
            String text = PythonText.str(attribute == null ? item : path(item, attribute));
            Budget.spend((long) before.length() + text.length());
            out.append(before).append(text);
            before = separator;
        }
        return out.toString();
    }

    private static List<Object> map(Object value, Arguments given) {
        List<Object> mapped = new ArrayList<>();
        for (Object item : Values.items(value)) {
            if (given.named().containsKey("attribute")) {
                Object found = path(item, given.named().get("attribute"));
                mapped.add(found instanceof Undefined ? given.named().getOrDefault("default", found) : found);
            } else {
                mapped.add(apply(given.text(0, "filter"), item, given.from(1)));
            }
        }
        return mapped;
    }

    /** @param attribute what the test looks at, or null for the item itself; without a test it is whether that is true */
    private static List<Object> select(Object value, Arguments given, String attribute, boolean wanted) {
        List<Object> kept = new ArrayList<>();
        for (Object item : Values.items(value)) {
            Object tested = attribute == null ? item : path(item, attribute);
            boolean holds = given.positional().isEmpty() ? Values.isTrue(tested)
                    : Tests.holds(given.text(0, "test"), tested, given.from(1));
            if (holds == wanted) kept.add(item);
        }
        return kept;
    }

    /** An attribute such as {@code function.name}, or the place of an item. */
    private static Object path(Object item, Object attribute) {
        if (!(attribute instanceof String names)) return Values.item(item, attribute);
        Object value = item;
        for (String name : names.split("\\.")) {
            boolean place = !name.isEmpty() && name.length() < 9 && name.chars().allMatch(c -> c >= '0' && c <= '9');
            value = Values.item(value, place ? (Object) Long.valueOf(name) : name);
        }
        return value;
    }
}
