package dev.winnow.runtime.tune;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.reduction.Methods;
import dev.winnow.reduction.PlanException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class VariationTest {
    private static final List<Part> FRONTS = Methods.all().stream().map(Part::of).filter(p -> p.takes(Part.KEEP)).toList();

    /** A composition some changes away from a plain method. */
    private static Recipe wander(long seed, int layers, int steps) {
        SplittableRandom random = new SplittableRandom(seed);
        Variation variation = new Variation(layers, random);
        Recipe recipe = Recipe.of(FRONTS.get(random.nextInt(FRONTS.size())));
        for (int i = 0; i < steps; i++) recipe = variation.of(recipe, Recipe.of(FRONTS.get(random.nextInt(FRONTS.size()))), FRONTS);
        return recipe;
    }

    @Property(tries = 300)
    void visualTokensAlwaysRunSomeLayerAndInnerMethodsAreInOrder(@ForAll long seed, @ForAll @IntRange(min = 1, max = 40) int layers) {
        Recipe recipe = wander(seed, layers, 20);
        assertThat(recipe.skipped()).hasSizeLessThan(layers).isSorted().doesNotHaveDuplicates()
                .allMatch(l -> l >= 0 && l < layers);
        assertThat(recipe.inner()).hasSizeLessThanOrEqualTo(2);
        assertThat(recipe.inner().stream().map(p -> Integer.parseInt(p.values().get(Variation.layerOption(p))))).isSorted()
                .allMatch(l -> l >= 0 && l < layers);
    }

    @Property(tries = 100)
    void theSameSeedGoesTheSameWay(@ForAll long seed) {
        assertThat(wander(seed, 6, 10)).isEqualTo(wander(seed, 6, 10));
    }

    @Test
    void mostChangesParseAndReachManyPlans() {
        Set<String> plans = new HashSet<>();
        int refused = 0;
        for (int seed = 0; seed < 400; seed++) {
            try {
                plans.add(wander(seed, 6, 3).at(0.25).plan(6).toString());
            } catch (PlanException e) {
                refused++;
            }
        }
        assertThat(plans).hasSizeGreaterThan(200);
        assertThat(refused).isLessThan(100);
    }

    @Test
    void aRecipePrintsWhatItDoes() {
        Recipe recipe = Recipe.of(Part.of(Methods.named("ppe"))).withInner(List.of(Variation.inner(Methods.named("fastv"), 2, 0.5))).at(0.4);
        assertThat(recipe.withSkipped(Recipe.outside(0, 4, 6)).plan(6)).hasToString("fastv:k=2,keep=0.5000 + classexit:layer=4 + ppe:keep=0.4000");
        assertThat(recipe.withFront(Part.of(Methods.named("fopru"))).withSkipped(Recipe.outside(1, 4, 6)).at(0.4).plan(6))
                .hasToString("fopru:keep=0.4000 + fastv:k=2,keep=0.5000 + yopo:layers=0/4/5");
        assertThat(recipe.withSkipped(List.of()).plan(6).methods()).hasSize(2);
        assertThat(recipe.withUnmerged(true)).as("it says itself how layers attend").isEqualTo(recipe);
        Recipe merging = Recipe.of(Part.of(Methods.named("chatunivi"))).withSkipped(List.of(5)).withUnmerged(true).at(0.2);
        assertThat(merging.plan(6)).hasToString("chatunivi:keep=0.2000 + classexit:layer=5 + vtu");
        assertThat(merging.withFront(recipe.front()).unmerged()).isFalse();
    }

    @Test
    void layersOutsideAStretch() {
        assertThat(Recipe.outside(1, 4, 6)).containsExactly(0, 4, 5);
        assertThat(Recipe.outside(0, 6, 6)).isEmpty();
        assertThat(IntStream.range(0, 6).filter(l -> !Recipe.outside(2, 3, 6).contains(l))).containsExactly(2);
    }
}
