package dev.winnow.reduction;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Methods that act together on one forward pass. */
public record ReductionPlan(List<ReductionMethod> methods) {
    /** The dense model. */
    public static final ReductionPlan NONE = new ReductionPlan(List.of());

    public ReductionPlan {
        methods = List.copyOf(methods);
    }

    /**
     * Reads specs of the form {@code name} or {@code name:option=value,option=value}; a list value is written {@code 1/2/3} or
     * {@code [1,2,3]}.
     *
     * @throws PlanException naming the bad part
     */
    public static ReductionPlan parse(List<String> specs) {
        List<ReductionMethod> methods = new ArrayList<>();
        for (String spec : specs) methods.add(parse(spec));
        return new ReductionPlan(methods);
    }

    private static ReductionMethod parse(String spec) {
        int colon = spec.indexOf(':');
        String name = (colon < 0 ? spec : spec.substring(0, colon)).strip();
        if (name.isEmpty()) throw new PlanException("'" + spec + "' names no reduction method");
        Map<String, String> values = new LinkedHashMap<>();
        if (colon >= 0) {
            for (String part : splitOutsideBrackets(spec.substring(colon + 1))) {
                int equals = part.indexOf('=');
                if (equals <= 0) throw new PlanException(name + ": '" + part.strip() + "' is not of the form option=value");
                if (values.put(part.substring(0, equals).strip(), part.substring(equals + 1)) != null) {
                    throw new PlanException(name + ": option '" + part.substring(0, equals).strip() + "' is given twice");
                }
            }
        }
        return Methods.named(name).create(values);
    }

    private static List<String> splitOutsideBrackets(String text) {
        List<String> parts = new ArrayList<>();
        int depth = 0;
        int from = 0;
        for (int i = 0; i <= text.length(); i++) {
            char c = i < text.length() ? text.charAt(i) : ',';
            if (c == '[' || c == '(') depth++;
            if (c == ']' || c == ')') depth--;
            if (c == ',' && depth <= 0 || i == text.length()) {
                parts.add(text.substring(from, i));
                from = i + 1;
            }
        }
        return parts;
    }

    /**
     * The plan's events at their sites, and those of methods that the checkpoint was trained with where the plan has not the same method.
     *
     * @throws PlanException when a method does not fit the model
     */
    public Schedule schedule(ModelShape shape) {
        List<ReductionMethod> all = new ArrayList<>(shape.learned().trained());
        all.removeIf(own -> methods.stream().anyMatch(m -> m.getClass() == own.getClass()));
        all.addAll(methods);
        return new Schedule(all, shape);
    }

    public boolean isEmpty() {
        return methods.isEmpty();
    }

    /** The specs it came from, joined by " + "; "dense" for none. */
    @Override
    public String toString() {
        return isEmpty() ? "dense" : methods.stream().map(ReductionMethod::spec).collect(Collectors.joining(" + "));
    }
}
