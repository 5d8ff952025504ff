package dev.winnow.runtime.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Python's rules for values: what is true, equal, less, and what the operators give. */
final class Values {
    private Values() {}

    /** The Python name of a value's type. */
    static String kind(Object value) {
        return switch (value) {
            case null -> "NoneType";
            case Boolean b -> "bool";
            case Long l -> "int";
            case Double d -> "float";
            case String s -> "str";
            case Tuple t -> "tuple";
            case List<?> l -> "list";
            case Map<?, ?> m -> "dict";
            case Namespace n -> "Namespace";
            case Loop l -> "LoopContext";
            case Callable c -> "function";
            case Undefined u -> "Undefined";
            default -> throw new IllegalArgumentException("a template was given a " + value.getClass().getName());
        };
    }

    static boolean isTrue(Object value) {
        return switch (value) {
            case null -> false;
            case Boolean truth -> truth;
            case Long number -> number != 0;
            case Double number -> number != 0;
            case String text -> !text.isEmpty();
            case List<?> list -> !list.isEmpty();
            case Map<?, ?> map -> !map.isEmpty();
            case Undefined undefined -> false;
            default -> true;
        };
    }

    static boolean isNumber(Object value) {
        return value instanceof Long || value instanceof Double || value instanceof Boolean;
    }

    static double number(Object value) {
        return switch (value) {
            case Long number -> number;
            case Double number -> number;
            case Boolean truth -> truth ? 1 : 0;
            case Undefined undefined -> throw undefined.used();
            case null, default -> throw new JinjaException("a number is needed, not a " + kind(value));
        };
    }

    private static long integer(Object value) {
        return value instanceof Boolean truth ? truth ? 1 : 0 : (Long) value;
    }

    /** An int such as a place in a list; far-off values come back as the nearest int. */
    static int index(Object value) {
        if (value instanceof Undefined undefined) throw undefined.used();
        boolean whole = value instanceof Long || value instanceof Boolean;
        if (!whole) throw new JinjaException("an integer is needed, not a " + kind(value));
        return Math.clamp(integer(value), Integer.MIN_VALUE, Integer.MAX_VALUE);
    }

    static String text(Object value) {
        if (value instanceof String text) return text;
        if (value instanceof Undefined undefined) throw undefined.used();
        throw new JinjaException("a text is needed, not a " + kind(value));
    }

    static Map<?, ?> dict(Object value) {
        if (value instanceof Map<?, ?> map) return map;
        if (value instanceof Undefined undefined) throw undefined.used();
        throw new JinjaException("a dict is needed, not a " + kind(value));
    }

    /** What a loop goes over: items of a list, keys of a dict, characters of a text. */
    static List<Object> items(Object value) {
        return Budget.made(switch (value) {
            case List<?> list -> new ArrayList<>(list);
            case Map<?, ?> map -> new ArrayList<>(map.keySet());
            case String text -> new ArrayList<>(text.codePoints().mapToObj(Character::toString).toList());
            case Undefined undefined -> new ArrayList<>();
            case null, default -> throw new JinjaException("a " + kind(value) + " cannot be iterated over");
        });
    }

    static long length(Object value) {
        return switch (value) {
            case String text -> text.codePointCount(0, text.length());
            case List<?> list -> list.size();
            case Map<?, ?> map -> map.size();
            case Undefined undefined -> 0;
            case null, default -> throw new JinjaException("a " + kind(value) + " has no length");
        };
    }

    static boolean equal(Object a, Object b) {
        // lists inside lists may hold the same list often: a short template can spell a comparison without end
        Budget.spend(1);
        if (isNumber(a) && isNumber(b)) {
            return a instanceof Double || b instanceof Double ? number(a) == number(b) : integer(a) == integer(b);
        }
        if (a instanceof List<?> left && b instanceof List<?> right) {
            if (left.size() != right.size() || left instanceof Tuple != right instanceof Tuple) return false;
            for (int i = 0; i < left.size(); i++) if (!equal(left.get(i), right.get(i))) return false;
            return true;
        }
        if (a instanceof Map<?, ?> left && b instanceof Map<?, ?> right) {
            if (left.size() != right.size()) return false;
            for (Map.Entry<?, ?> entry : left.entrySet()) {
                if (!right.containsKey(entry.getKey()) || !equal(entry.getValue(), right.get(entry.getKey()))) return false;
            }
            return true;
        }
        if (a instanceof Undefined) return b instanceof Undefined;
        return a == b || a instanceof String && a.equals(b);
    }

    static int compare(Object a, Object b) {
        Budget.spend(1);
        if (a instanceof Undefined undefined) throw undefined.used();
        if (b instanceof Undefined undefined) throw undefined.used();
        if (isNumber(a) && isNumber(b)) {
            boolean real = a instanceof Double || b instanceof Double;
            return real ? Double.compare(number(a), number(b)) : Long.compare(integer(a), integer(b));
        }
        if (a instanceof String left && b instanceof String right) return left.compareTo(right);
        if (a instanceof List<?> left && b instanceof List<?> right) {
            for (int i = 0; i < Math.min(left.size(), right.size()); i++) {
                if (!equal(left.get(i), right.get(i))) return compare(left.get(i), right.get(i));
            }
            return Integer.compare(left.size(), right.size());
        }
        throw new JinjaException("a " + kind(a) + " and a " + kind(b) + " have no order");
    }

    static boolean contains(Object container, Object item) {
        return switch (container) {
            case String text -> text.contains(text(item));
            case List<?> list -> list.stream().anyMatch(each -> equal(each, item));
            case Map<?, ?> map -> map.containsKey(key(item));
            case Undefined undefined -> false;
            case null, default -> throw new JinjaException("a " + kind(container) + " contains nothing");
        };
    }

    static Object negate(Object value) {
        double number = number(value);
        return value instanceof Double ? (Object) (-number) : (Object) Math.negateExact(integer(value));
    }

    static Object arithmetic(String operator, Object a, Object b) {
        if (operator.equals("~")) return Budget.made(PythonText.str(a) + PythonText.str(b));
        if (a instanceof Undefined undefined) throw undefined.used();
        if (b instanceof Undefined undefined) throw undefined.used();
        if (isNumber(a) && isNumber(b)) return numeric(operator, a, b);
        if (operator.equals("+")) {
            if (a instanceof String left && b instanceof String right) {
                Budget.spend((long) left.length() + right.length());
                return left + right;
            }
            if (a instanceof List<?> left && b instanceof List<?> right && left instanceof Tuple == right instanceof Tuple) {
                Budget.spend((long) left.size() + right.size());
                List<Object> all = new ArrayList<>(left);
                all.addAll(right);
                return left instanceof Tuple ? new Tuple(all) : all;
            }
        }
        if (operator.equals("*")) {
            if (a instanceof Long times && b instanceof String text) return repeated(text, times);
            if (a instanceof String text && b instanceof Long times) return repeated(text, times);
        }
        if (operator.equals("%") && a instanceof String template) {
            return Budget.made(PythonText.format(template, b instanceof Tuple values ? values : List.of(b)));
        }
        throw new JinjaException("'" + operator + "' does not go between a " + kind(a) + " and a " + kind(b));
    }

    private static String repeated(String text, long times) {
        Budget.spend(times, text.length());
        return text.repeat((int) Math.max(0, times));
    }

    private static Object numeric(String operator, Object a, Object b) {
        boolean dividing = operator.equals("/") || operator.equals("//") || operator.equals("%");
        if (dividing && number(b) == 0) throw new JinjaException("division by zero");
        if (operator.equals("/")) return number(a) / number(b);
        if (a instanceof Double || b instanceof Double || operator.equals("**") && integer(b) < 0) {
            double x = number(a);
            double y = number(b);
            return switch (operator) {
                case "+" -> x + y;
                case "-" -> x - y;
                case "*" -> x * y;
                case "//" -> Math.floor(x / y);
                case "%" -> x - y * Math.floor(x / y);
                default -> Math.pow(x, y);
            };
        }
        long x = integer(a);
        long y = integer(b);
        try {
            return switch (operator) {
                case "+" -> Math.addExact(x, y);
                case "-" -> Math.subtractExact(x, y);
                case "*" -> Math.multiplyExact(x, y);
                case "//" -> Math.floorDivExact(x, y);
                case "%" -> Math.floorMod(x, y);
                default -> Math.powExact(x, (int) Math.min(y, Integer.MAX_VALUE));
            };
        } catch (ArithmeticException e) {
            throw new JinjaException("a number became too large");
        }
    }

    /** A value fit to be a key of a dict. */
    static Object key(Object value) {
        if (value == null || value instanceof String || isNumber(value)) return value;
        if (value instanceof Undefined undefined) throw undefined.used();
        throw new JinjaException("a " + kind(value) + " cannot be a key");
    }

    /** {@code object[key]}. */
    static Object item(Object object, Object key) {
        switch (object) {
            case Map<?, ?> map -> {
                if (map.containsKey(key(key))) return map.get(key);
            }
            case List<?> list when isNumber(key) -> {
                int place = index(key);
                if (place < 0) place += list.size();
                if (place < 0 || place >= list.size()) return new Undefined("a list has no item " + PythonText.str(key));
                return list.get(place);
            }
            case String text when isNumber(key) -> {
                int length = (int) length(text);
                int place = index(key);
                if (place < 0) place += length;
                if (place < 0 || place >= length) return new Undefined("a text has no character " + PythonText.str(key));
                return Character.toString(text.codePointAt(text.offsetByCodePoints(0, place)));
            }
            case Undefined undefined -> throw undefined.used();
            case null, default -> { }
        }
        if (key instanceof String name) return attribute(object, name, false);
        return new Undefined("a " + kind(object) + " has no item " + PythonText.repr(key));
    }

    /** {@code object.name}: a method before an entry of that name, the other way round for {@code object['name']}. */
    static Object attribute(Object object, String name, boolean entries) {
        if (object instanceof Undefined undefined) throw undefined.used();
        if (object instanceof Namespace(Map<String, Object> own) && own.containsKey(name)) return own.get(name);
        if (object instanceof Loop loop) return loop.attribute(name);
        Callable method = Methods.of(object, name);
        if (method != null) return method;
        if (entries && object instanceof Map<?, ?> map && map.containsKey(name)) return map.get(name);
        return new Undefined("a " + kind(object) + " has no '" + name + "'");
    }

    /** {@code object[start:stop:step]} with Python's bounds; a bound that is null is left out. */
    static Object slice(Object object, Object start, Object stop, Object step) {
        if (object instanceof Undefined undefined) throw undefined.used();
        boolean sliceable = object instanceof List<?> || object instanceof String;
        if (!sliceable) throw new JinjaException("a " + kind(object) + " cannot be sliced");
        List<Object> items = items(object);
        int size = items.size();
        int by = step == null ? 1 : index(step);
        if (by == 0) throw new JinjaException("a slice cannot have the step 0");
        int from = start == null ? by > 0 ? 0 : size - 1 : bound(index(start), size, by);
        int to = stop == null ? by > 0 ? size : -1 : bound(index(stop), size, by);
        List<Object> taken = new ArrayList<>();
        for (long i = from; by > 0 ? i < to : i > to; i += by) taken.add(items.get((int) i));
        if (object instanceof Tuple) return new Tuple(taken);
        return object instanceof String ? String.join("", taken.stream().map(String.class::cast).toList()) : taken;
    }

    private static int bound(int bound, int size, int step) {
        int lowest = step > 0 ? 0 : -1;
        int highest = step > 0 ? size : size - 1;
        return Math.clamp(bound < 0 ? (long) bound + size : bound, lowest, highest);
    }

    /** A value from outside, in the types that templates know; lists and maps are copied. */
    static Object of(Object value) {
        return switch (value) {
            case Integer number -> number.longValue();
            case Float number -> number.doubleValue();
            case List<?> list -> {
                List<Object> copy = new ArrayList<>(list.size());
                for (Object item : list) copy.add(of(item));
                yield copy;
            }
            case Map<?, ?> map -> {
                Map<Object, Object> copy = new LinkedHashMap<>();
                map.forEach((k, v) -> copy.put(k, of(v)));
                yield copy;
            }
            case null -> null;
            default -> {
                kind(value);
                yield value;
            }
        };
    }
}
