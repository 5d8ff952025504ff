package dev.winnow.runtime.text.jinja;

import java.util.HashMap;
import java.util.Map;

/** Names and their values, those of the surrounding scope included unless hidden. Assignments stay in the scope itself. */
final class Scope {
    private final Map<String, Object> names = new HashMap<>();
    private final Scope outer;
    private final int loops;

    Scope(Scope outer) {
        this(outer, outer == null ? 0 : outer.loops);
    }

    private Scope(Scope outer, int loops) {
        this.outer = outer;
        this.loops = loops;
    }

    Scope loop() {
        return new Scope(this, loops + 1);
    }

    /** How many loops are around this scope. */
    int loops() {
        return loops;
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
