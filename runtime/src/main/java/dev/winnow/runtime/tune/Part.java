package dev.winnow.runtime.tune;

import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.Options;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * One method of a composition, with the options that differ from its defaults.
 *
 * @param values by the option's name
 */
record Part(MethodType type, Map<String, String> values) {
    static final String KEEP = "keep";

    Part {
        values = Map.copyOf(values);
    }

    static Part of(MethodType type) {
        return new Part(type, Map.of());
    }

    Part with(String option, String value) {
        Map<String, String> changed = new LinkedHashMap<>(values);
        changed.put(option, value);
        return new Part(type, changed);
    }

    boolean takes(String option) {
        return type.options().stream().anyMatch(o -> o.name().equals(option));
    }

    /** As given, or the default; empty where there is none. */
    String value(Options.Option option) {
        return values.getOrDefault(option.name(), option.defaultValue());
    }

    /** Whether layers attend in another way because of it: such a method comes last in a plan. */
    boolean changesAttention() {
        return type.site().contains("attention of the prompt");
    }

    /** What parses back to this, options in their declared order. */
    String spec() {
        String given = type.options().stream().filter(o -> values.containsKey(o.name())).map(o -> o.name() + "=" + values.get(o.name()))
                .collect(Collectors.joining(","));
        return given.isEmpty() ? type.name() : type.name() + ":" + given;
    }
}
