package dev.winnow.runtime.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.function.Predicate;

/** The methods of Python's texts, lists and dicts that only read. There is no way from here to any class or object of Java. */
final class Methods {
    private static final int UNLIMITED = Integer.MAX_VALUE;

    private Methods() {}

    /** The method of that name, or null. */
    static Callable of(Object object, String name) {
        return switch (object) {
            case String text -> ofText(text, name);
            case Map<?, ?> map -> ofDict(map, name);
            case List<?> list -> ofList(list, name);
            case null, default -> null;
        };
    }

    private static Callable ofDict(Map<?, ?> map, String name) {
        return switch (name) {
            case "items" -> given -> items(map);
            case "keys" -> given -> new ArrayList<Object>(map.keySet());
            case "values" -> given -> new ArrayList<Object>(map.values());
            case "get" -> given -> {
                Object key = Values.key(given.get(0));
                return map.containsKey(key) ? map.get(key) : given.get(1, "default", null);
            };
            default -> null;
        };
    }

    static List<Object> items(Map<?, ?> map) {
        List<Object> items = new ArrayList<>(map.size());
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            List<Object> pair = new ArrayList<>(2);
            pair.add(entry.getKey());
            pair.add(entry.getValue());
            items.add(new Tuple(pair));
        }
        return items;
    }

    private static Callable ofList(List<?> list, String name) {
        return switch (name) {
            case "count" -> given -> list.stream().filter(item -> Values.equal(item, given.get(0))).count();
            case "index" -> given -> {
                for (int i = 0; i < list.size(); i++) if (Values.equal(list.get(i), given.get(0))) return (long) i;
                throw new JinjaException(PythonText.repr(given.get(0)) + " is not in the list");
            };
            default -> null;
        };
    }

    private static Callable ofText(String text, String name) {
        return switch (name) {
            case "strip" -> given -> strip(text, given.text(0, "chars", null), true, true);
            case "lstrip" -> given -> strip(text, given.text(0, "chars", null), true, false);
            case "rstrip" -> given -> strip(text, given.text(0, "chars", null), false, true);
            case "split" -> given -> split(text, given);
            case "rsplit" -> given -> rsplit(text, given);
            case "splitlines" -> given -> new ArrayList<Object>(text.lines().toList());
            case "partition" -> given -> partition(text, given.text(0, "sep"), false);
            case "rpartition" -> given -> partition(text, given.text(0, "sep"), true);
            case "startswith" -> given -> any(given.get(0), text::startsWith);
            case "endswith" -> given -> any(given.get(0), text::endsWith);
            case "removeprefix" -> given -> {
                String prefix = given.text(0, "prefix");
                return text.startsWith(prefix) ? text.substring(prefix.length()) : text;
            };
            case "removesuffix" -> given -> {
                String suffix = given.text(0, "suffix");
                return text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text;
            };
            case "upper" -> given -> text.toUpperCase(Locale.ROOT);
            case "lower" -> given -> text.toLowerCase(Locale.ROOT);
            case "title" -> given -> title(text);
            case "capitalize" -> given -> capitalize(text);
            case "replace" -> given -> replace(text, given.text(0, "old"), given.text(1, "new"), given.integer(2, "count", -1));
            case "join" -> given -> join(text, Values.items(given.get(0)));
            case "find" -> given -> place(text, text.indexOf(given.text(0, "sub")));
            case "rfind" -> given -> place(text, text.lastIndexOf(given.text(0, "sub")));
            case "count" -> given -> count(text, given.text(0, "sub"));
            case "isdigit" -> given -> all(text, Character::isDigit);
            case "isalpha" -> given -> all(text, Character::isLetter);
            case "isalnum" -> given -> all(text, Character::isLetterOrDigit);
            case "isspace" -> given -> all(text, PythonText::isSpace);
            case "isupper" -> given -> !text.equals(text.toLowerCase(Locale.ROOT)) && text.equals(text.toUpperCase(Locale.ROOT));
            case "islower" -> given -> !text.equals(text.toUpperCase(Locale.ROOT)) && text.equals(text.toLowerCase(Locale.ROOT));
            case "format" -> given -> format(text, given);
            default -> null;
        };
    }

    /** Without the characters of {@code chars}, or white space when that is null, at the ends. */
    static String strip(String text, String chars, boolean left, boolean right) {
        int from = 0;
        int to = text.length();
        while (left && from < to && strips(text.codePointAt(from), chars)) from += Character.charCount(text.codePointAt(from));
        while (right && from < to && strips(text.codePointBefore(to), chars)) to -= Character.charCount(text.codePointBefore(to));
        return text.substring(from, to);
    }

    private static boolean strips(int c, String chars) {
        return chars == null ? PythonText.isSpace(c) : chars.indexOf(c) >= 0;
    }

    private static List<Object> split(String text, Arguments given) {
        int limit = limit(given);
        Object separator = given.get(0, "sep", null);
        if (separator == null) return words(text, limit);
        String by = separator(separator);
        List<Object> parts = new ArrayList<>();
        int from = 0;
        for (int at; parts.size() < limit && (at = text.indexOf(by, from)) >= 0; from = at + by.length()) {
            parts.add(text.substring(from, at));
        }
        parts.add(text.substring(from));
        return parts;
    }

    private static List<Object> rsplit(String text, Arguments given) {
        Object separator = given.get(0, "sep", null);
        int limit = limit(given);
        if (separator == null && limit == UNLIMITED) return words(text, limit);
        if (separator == null) throw new JinjaException("rsplit needs a separator here");
        String by = separator(separator);
        List<Object> parts = new ArrayList<>();
        int to = text.length();
        for (int at; parts.size() < limit && (at = text.lastIndexOf(by, to - by.length())) >= 0; to = at) {
            parts.addFirst(text.substring(at + by.length(), to));
            if (at < by.length()) {
                to = at;
                break;
            }
        }
        parts.addFirst(text.substring(0, to));
        return parts;
    }

    private static int limit(Arguments given) {
        int limit = given.integer(1, "maxsplit", -1);
        return limit < 0 ? UNLIMITED : limit;
    }

    private static String separator(Object separator) {
        String by = Values.text(separator);
        if (by.isEmpty()) throw new JinjaException("a text cannot be split at an empty separator");
        return by;
    }

    private static List<Object> words(String text, int limit) {
        List<Object> words = new ArrayList<>();
        int at = 0;
        while (true) {
            while (at < text.length() && PythonText.isSpace(text.charAt(at))) at++;
            if (at >= text.length()) return words;
            int start = at;
            if (words.size() == limit) {
                words.add(strip(text.substring(start), null, false, true));
                return words;
            }
            while (at < text.length() && !PythonText.isSpace(text.charAt(at))) at++;
            words.add(text.substring(start, at));
        }
    }

    private static Tuple partition(String text, String given, boolean fromTheEnd) {
        String separator = separator(given);
        int at = fromTheEnd ? text.lastIndexOf(separator) : text.indexOf(separator);
        if (at < 0) return new Tuple(fromTheEnd ? List.of("", "", text) : List.of(text, "", ""));
        return new Tuple(List.of(text.substring(0, at), separator, text.substring(at + separator.length())));
    }

    private static boolean any(Object candidates, Predicate<String> matches) {
        if (candidates instanceof Tuple several) return several.stream().anyMatch(each -> matches.test(Values.text(each)));
        return matches.test(Values.text(candidates));
    }

    private static boolean all(String text, IntPredicate property) {
        return !text.isEmpty() && text.codePoints().allMatch(property);
    }

    static String capitalize(String text) {
        if (text.isEmpty()) return text;
        int first = text.offsetByCodePoints(0, 1);
        return text.substring(0, first).toUpperCase(Locale.ROOT) + text.substring(first).toLowerCase(Locale.ROOT);
    }

    static String title(String text) {
        StringBuilder out = new StringBuilder();
        boolean inWord = false;
        for (int c : text.codePoints().toArray()) {
            out.appendCodePoint(inWord ? Character.toLowerCase(c) : Character.toTitleCase(c));
            inWord = Character.isLetter(c);
        }
        return out.toString();
    }

    /** @param count how many at most; all when negative */
    static String replace(String text, String old, String by, int count) {
        Budget.spend(old.isEmpty() ? text.length() + 1 : text.length() / old.length(), by.length());
        if (count < 0) return text.replace(old, by);
        StringBuilder out = new StringBuilder();
        int from = 0;
        for (int at; count > 0 && (at = text.indexOf(old, from)) >= 0 && !old.isEmpty(); count--) {
            out.append(text, from, at).append(by);
            from = at + old.length();
        }
        return out.append(text, from, text.length()).toString();
    }

    private static String join(String separator, List<Object> items) {
        Budget.spend(items.size(), separator.length());
        return String.join(separator, items.stream().map(Values::text).toList());
    }

    private static long place(String text, int at) {
        return at < 0 ? -1 : text.codePointCount(0, at);
    }

    private static long count(String text, String part) {
        if (part.isEmpty()) return Values.length(text) + 1;
        long count = 0;
        for (int at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length())) count++;
        return count;
    }

    /** {@code "{} {0} {name}".format(...)} without conversions and format specifications. */
    private static String format(String text, Arguments given) {
        StringBuilder out = new StringBuilder();
        int automatic = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if ((c == '{' || c == '}') && i + 1 < text.length() && text.charAt(i + 1) == c) {
                out.append(c);
                i++;
            } else if (c == '{') {
                int end = text.indexOf('}', i);
                if (end < 0) throw new JinjaException("a format has a '{' without '}'");
                String field = text.substring(i + 1, end);
                if (field.isEmpty()) out.append(Budget.made(PythonText.str(given.get(automatic++))));
                else if (field.chars().allMatch(Character::isDigit) && field.length() < 4) {
                    out.append(Budget.made(PythonText.str(given.get(Integer.parseInt(field)))));
                } else if (given.named().containsKey(field)) out.append(Budget.made(PythonText.str(given.named().get(field))));
                else throw new JinjaException("a format has the unknown field '" + field + "'");
                i = end;
            } else {
                out.append(c);
            }
        }
        return out.toString();
    }
}
