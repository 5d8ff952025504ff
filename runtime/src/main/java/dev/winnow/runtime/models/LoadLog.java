package dev.winnow.runtime.models;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a model read of a checkpoint, and what became of it on the way, by the name under which it is read. Of one thread. */
final class LoadLog {
    /** One thing that was read. */
    static final class Reading {
        private final String name;
        private final String use;
        private final List<String> steps = new ArrayList<>();
        private List<String> tensors;
        private String held = "";
        private long growth;

        private Reading(String name, String use) {
            this.name = name;
            this.use = use;
            this.tensors = List.of(name);
        }

        String name() {
            return name;
        }

        /** What kind of parameter it is. */
        String use() {
            return use;
        }

        /** The stored tensors that it is made of. */
        List<String> tensors() {
            return tensors;
        }

        /** What happened, in order. */
        List<String> steps() {
            return Collections.unmodifiableList(steps);
        }

        /** The type and shape that the model computes with. */
        String held() {
            return held;
        }
    }

    private final Map<String, Reading> readings = new LinkedHashMap<>();

    /** The reading of a name; the first use of it counts. */
    Reading reading(String name, String use) {
        return readings.computeIfAbsent(name, n -> new Reading(n, use));
    }

    /** Says of what stored tensors something is made that is stored in parts. */
    void made(String name, List<String> tensors) {
        reading(name, "matrix").tensors = List.copyOf(tensors);
    }

    void step(String name, String what) {
        Reading reading = reading(name, "matrix");
        if (!reading.steps.contains(what)) reading.steps.add(what);
    }

    void held(String name, String what) {
        reading(name, "matrix").held = what;
    }

    /** Counts by how many bytes what is held is larger than what is stored, in all. */
    void grew(String name, long bytes) {
        reading(name, "matrix").growth += bytes;
    }

    long growth() {
        return readings.values().stream().mapToLong(r -> r.growth).sum();
    }

    Collection<Reading> readings() {
        return Collections.unmodifiableCollection(readings.values());
    }
}
