package dev.winnow.runtime.text.jinja;

import java.util.List;
import java.util.Map;

/** The values of a call. Values are Java's: String, Long, Double, Boolean, null for none, List, and Map for a dict. */
public record Arguments(List<Object> positional, Map<String, Object> named) {
    static final Arguments NONE = new Arguments(List.of(), Map.of());

    /** The argument at a place, which must be there. */
    public Object get(int place) {
        if (place >= positional.size()) throw new JinjaException("an argument is missing");
        return positional.get(place);
    }

    boolean has(int place, String name) {
        return place < positional.size() || named.containsKey(name);
    }

    Object get(int place, String name, Object otherwise) {
        if (place < positional.size()) return positional.get(place);
        return named.getOrDefault(name, otherwise);
    }

    /** A text at a place or by a name, which must be there. */
    public String text(int place, String name) {
        return Values.text(get(place, name, new Undefined("the argument '" + name + "' is missing")));
    }

    String text(int place, String name, String otherwise) {
        return has(place, name) ? text(place, name) : otherwise;
    }

    int integer(int place, String name, int otherwise) {
        return has(place, name) ? Values.index(get(place, name, null)) : otherwise;
    }

    boolean flag(int place, String name, boolean otherwise) {
        return has(place, name) ? Values.isTrue(get(place, name, null)) : otherwise;
    }

    /** The arguments after the first ones. */
    Arguments from(int place) {
        return new Arguments(positional.subList(Math.min(place, positional.size()), positional.size()), named);
    }
}
