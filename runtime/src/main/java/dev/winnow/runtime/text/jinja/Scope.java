package dev.winnow.runtime.text.jinja;

import java.util.HashMap;
import java.util.Map;

/** Names and their values, those of the surrounding scope included unless hidden. Assignments stay in the scope itself. */
final class Scope {
    private final Map<String, Object> names = new HashMap<>();
    private final Scope outer;

    /** @param outer the surrounding scope, or null */
    Scope(Scope outer) {
        this.outer = outer;
    }

    void set(String name, Object value) {
        names.put(name, value);
    }

    Object get(String name) {
        for (Scope scope = this; scope != null; scope = scope.outer) {
            if (scope.names.containsKey(name)) return scope.names.get(name);
        }
        return new Undefined("'" + name + "' is undefined");
    }
}
