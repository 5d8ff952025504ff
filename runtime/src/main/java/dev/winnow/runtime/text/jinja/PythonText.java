package dev.winnow.runtime.text.jinja;

import java.math.BigDecimal;
import java.util.IllegalFormatException;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Values as Python writes them: {@code str}, {@code repr} and {@code json.dumps}. */
final class PythonText {
    private PythonText() {}

    /** Python's str.isspace for one character. */
    static boolean isSpace(int c) {
        return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == 0x85;
    }

    /** What {@code {{ value }}} prints. */
    static String str(Object value) {
        return switch (value) {
            case String text -> text;
            case Undefined undefined -> "";
            case null, default -> {
                StringBuilder out = new StringBuilder();
                repr(value, out);
                yield out.toString();
            }
        };
    }

    static String repr(Object value) {
        StringBuilder out = new StringBuilder();
        repr(value, out);
        return out.toString();
    }

    private static void repr(Object value, StringBuilder out) {
        // what is written, not what is stored, counts: a list can hold another many times
        Budget.spend(value instanceof String text ? text.length() : 1);
        switch (value) {
            case null -> out.append("None");
            case Boolean truth -> out.append(truth ? "True" : "False");
            case String text -> quote(text, out);
            case Double number -> out.append(number(number));
            case Undefined undefined -> out.append("Undefined");
            case List<?> list -> {
                boolean tuple = list instanceof Tuple;
                out.append(tuple ? '(' : '[');
                String separator = "";
                for (Object item : list) {
                    out.append(separator);
                    repr(item, out);
                    separator = ", ";
                }
                if (tuple && list.size() == 1) out.append(',');
                out.append(tuple ? ')' : ']');
            }
            case Map<?, ?> map -> {
                out.append('{');
                String separator = "";
                for (Map.Entry<?, ?> entry : map.entrySet()) {
                    out.append(separator);
                    repr(entry.getKey(), out);
                    out.append(": ");
                    repr(entry.getValue(), out);
                    separator = ", ";
                }
                out.append('}');
            }
            case Namespace namespace -> {
                out.append("<Namespace ");
                repr(namespace.attributes(), out);
                out.append('>');
            }
            case Long number -> out.append(number.longValue());
            default -> out.append("<").append(Values.kind(value)).append('>');
        }
    }

    private static void quote(String text, StringBuilder out) {
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        out.append(quote);
        text.codePoints().forEach(c -> {
            switch (c) {
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\\' -> out.append("\\\\");
                default -> {
                    if (c == quote) out.append('\\').append(quote);
                    else if (c < 0x20 || c >= 0x7f && c <= 0xa0) out.append(String.format("\\x%02x", c));
                    else out.appendCodePoint(c);
                }
            }
        });
        out.append(quote);
    }

    /** Python's shortest form, which changes to an exponent at other places than Java's. */
    static String number(double number) {
        if (Double.isNaN(number)) return "nan";
        if (Double.isInfinite(number)) return number > 0 ? "inf" : "-inf";
        if (number == 0) return 1 / number < 0 ? "-0.0" : "0.0";
        BigDecimal exact = new BigDecimal(Double.toString(number)).stripTrailingZeros();
        int exponent = exact.precision() - exact.scale() - 1;
        if (exponent >= -4 && exponent < 16) {
            String plain = exact.toPlainString();
            return plain.contains(".") ? plain : plain + ".0";
        }
        String digits = exact.unscaledValue().abs().toString();
        String mantissa = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
        String sign = exponent < 0 ? "-" : "+";
        int size = Math.abs(exponent);
        return (number < 0 ? "-" : "") + mantissa + "e" + sign + (size < 10 ? "0" : "") + size;
    }

    /**
     * How JSON is written.
     *
     * @param indent   spaces per level, or -1 for one line
     * @param between  stands between items
     * @param afterKey stands between a key and its value
     */
    record JsonStyle(int indent, String between, String afterKey, boolean sortKeys) {}

    /** {@code json.dumps(value, ensure_ascii=False)}, which Hugging Face puts in the place of Jinja's own tojson. */
    static String json(Object value, JsonStyle style) {
        StringBuilder out = new StringBuilder();
        json(value, style, 1, out);
        return out.toString();
    }

    private static void json(Object value, JsonStyle style, int level, StringBuilder out) {
        Budget.spend(value instanceof String text ? text.length() : 1);
        switch (value) {
            case null -> out.append("null");
            case Boolean truth -> out.append(truth);
            case Long number -> out.append(number.longValue());
            case Double number -> out.append(number(number));
            case String text -> jsonString(text, out);
            case List<?> list -> {
                out.append('[');
                Iterator<?> items = list.iterator();
                while (items.hasNext()) {
                    line(style.indent, level, out);
                    json(items.next(), style, level + 1, out);
                    if (items.hasNext()) out.append(style.between);
                }
                if (!list.isEmpty()) line(style.indent, level - 1, out);
                out.append(']');
            }
            case Map<?, ?> map -> {
                Map<Object, Object> entries = style.sortKeys ? new TreeMap<>(Values::compare) : null;
                if (style.sortKeys) entries.putAll(map);
                out.append('{');
                Iterator<? extends Map.Entry<?, ?>> items = (style.sortKeys ? entries : map).entrySet().iterator();
                while (items.hasNext()) {
                    Map.Entry<?, ?> entry = items.next();
                    line(style.indent, level, out);
                    jsonString(str(entry.getKey()), out);
                    out.append(style.afterKey);
                    json(entry.getValue(), style, level + 1, out);
                    if (items.hasNext()) out.append(style.between);
                }
                if (!map.isEmpty()) line(style.indent, level - 1, out);
                out.append('}');
            }
            case Undefined undefined -> throw undefined.used();
            default -> throw new JinjaException("a " + Values.kind(value) + " cannot be written as JSON");
        }
    }

    private static void line(int indent, int level, StringBuilder out) {
        if (indent >= 0) out.append('\n').append(" ".repeat(Math.min(indent, 16) * level));
    }

    private static void jsonString(String text, StringBuilder out) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\b' -> out.append("\\b");
                case '\f' -> out.append("\\f");
                default -> {
                    if (c < 0x20) out.append(String.format("\\u%04x", (int) c));
                    else out.append(c);
                }
            }
        }
        out.append('"');
    }

    /** Python's {@code template % values} with the conversions s, r, d, i, f, x and %. */
    static String format(String template, List<?> values) {
        StringBuilder out = new StringBuilder();
        int next = 0;
        for (int i = 0; i < template.length(); i++) {
            char c = template.charAt(i);
            if (c != '%') {
                out.append(c);
                continue;
            }
            int start = ++i;
            while (i < template.length() && "0123456789.-+ ".indexOf(template.charAt(i)) >= 0) i++;
            if (i >= template.length()) throw new JinjaException("a format ends within a conversion");
            String flags = template.substring(start, i);
            if (flags.length() > 4) throw new JinjaException("a format asks for '%" + flags + "'");
            char conversion = template.charAt(i);
            if (conversion == '%') {
                out.append('%');
                continue;
            }
            if (next >= values.size()) throw new JinjaException("a format has too few values");
            out.append(converted(flags, conversion, values.get(next++)));
        }
        if (next < values.size()) throw new JinjaException("a format has too many values");
        return out.toString();
    }

    private static String converted(String flags, char conversion, Object value) {
        try {
            return switch (conversion) {
                case 's' -> String.format("%" + flags + "s", Budget.made(str(value)));
                case 'r' -> String.format("%" + flags + "s", repr(value));
                case 'd', 'i' -> String.format("%" + flags + "d", (long) Values.number(value));
                case 'x' -> String.format("%" + flags + "x", (long) Values.number(value));
                case 'f' -> String.format(Locale.ROOT, "%" + flags + "f", Values.number(value));
                default -> throw new JinjaException("a format uses the unknown conversion '%" + conversion + "'");
            };
        } catch (IllegalFormatException e) {
            throw new JinjaException("a format asks for '%" + flags + conversion + "', which is not possible");
        }
    }
}
