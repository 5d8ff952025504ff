package dev.winnow.runtime.tune;

import dev.winnow.reduction.Methods;
import dev.winnow.reduction.ReductionPlan;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A composition of methods with one number left open, which is turned until the composition fits a budget: the {@code keep} of its main
 * method. Further methods drop tokens inside the language model; around some of its layers all visual tokens may go; and tokens that were
 * merged may attend from where their members stood.
 *
 * @param front    the main method, which the number belongs to; mostly one in front of the language model
 * @param inner    further methods inside the language model, in the order of their layers
 * @param skipped  language layers that no visual token runs, ascending
 * @param unmerged whether merged tokens are unmerged virtually for attention
 */
record Recipe(Part front, List<Part> inner, List<Integer> skipped, boolean unmerged) {
    Recipe {
        inner = List.copyOf(inner);
        skipped = List.copyOf(skipped);
    }

    static Recipe of(Part front) {
        return new Recipe(front, List.of(), List.of(), false);
    }

    Recipe withFront(Part other) {
        return new Recipe(other, inner, skipped, unmerged && !other.changesAttention());
    }

    Recipe withInner(List<Part> other) {
        return new Recipe(front, other, skipped, unmerged);
    }

    Recipe withSkipped(List<Integer> layers) {
        return new Recipe(front, inner, layers, unmerged);
    }

    /** The recipe with merged tokens unmerged for attention, or not; itself where its main method says how layers attend. */
    Recipe withUnmerged(boolean virtually) {
        return front.changesAttention() ? this : new Recipe(front, inner, skipped, virtually);
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
        if (unmerged) specs.add(Part.of(Methods.named("vtu")).spec());
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
