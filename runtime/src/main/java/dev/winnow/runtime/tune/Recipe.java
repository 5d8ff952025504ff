package dev.winnow.runtime.tune;

import dev.winnow.reduction.Methods;
import dev.winnow.reduction.ReductionPlan;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A composition of methods with one number left open, which is turned until the composition fits a budget: the {@code keep} of the first
 * of its methods. In front of the language model and inside it tokens go; around some of its layers all visual tokens may go.
 *
 * @param front   what the number belongs to
 * @param inner   further methods inside the language model, in the order of their layers
 * @param skipped language layers that no visual token runs, ascending
 */
record Recipe(Part front, List<Part> inner, List<Integer> skipped) {
    Recipe {
        inner = List.copyOf(inner);
        skipped = List.copyOf(skipped);
    }

    static Recipe of(Part front) {
        return new Recipe(front, List.of(), List.of());
    }

    Recipe withFront(Part other) {
        return new Recipe(other, inner, skipped);
    }

    Recipe withInner(List<Part> other) {
        return new Recipe(front, other, skipped);
    }

    Recipe withSkipped(List<Integer> layers) {
        return new Recipe(front, inner, layers);
    }

    /** The recipe with its open number set, a share from 0 to 1. */
    Recipe at(double keep) {
        return withFront(front.with(Part.KEEP, String.format(Locale.ROOT, "%.4f", keep)));
    }

    /** @param layers of the language model */
    List<String> specs(int layers) {
        List<String> specs = new ArrayList<>();
        if (!front.changesAttention()) specs.add(front.spec());
        inner.forEach(part -> specs.add(part.spec()));
        if (!skipped.isEmpty()) specs.add(around(layers));
        if (front.changesAttention()) specs.add(front.spec());
        return specs;
    }

    /** What keeps visual tokens out of the skipped layers. */
    private String around(int layers) {
        int first = skipped.getFirst();
        boolean last = skipped.equals(IntStream.range(first, layers).boxed().toList());
        // who leaves and never comes back need not be carried along
        if (last) return Part.of(Methods.named("classexit")).with("layer", first + "").spec();
        return Part.of(Methods.named("yopo")).with("layers", skipped.stream().map(l -> l + "").collect(Collectors.joining("/"))).spec();
    }

    /** @throws dev.winnow.reduction.PlanException when an option has a value that its method refuses */
    ReductionPlan plan(int layers) {
        return ReductionPlan.parse(specs(layers));
    }

    /** Layers that no visual token runs: all before one and all from another on. */
    static List<Integer> outside(int from, int to, int layers) {
        return IntStream.range(0, layers).filter(l -> l < from || l >= to).boxed().toList();
    }
}
