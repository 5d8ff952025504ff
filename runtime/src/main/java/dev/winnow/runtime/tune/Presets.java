package dev.winnow.runtime.tune;

import dev.winnow.reduction.Methods;
import java.util.List;
import java.util.Optional;

/** What a user would choose by hand: one method at the budget, all its other options as they come. */
final class Presets {
    private Presets() {}

    /** Every method with a budget of its own that can be kept within this one. */
    static List<Recipe> within(BudgetFit fit) {
        return Methods.all().stream().filter(t -> t.trainingFree() && Part.of(t).takes(Part.KEEP)).map(t -> fit.fit(Recipe.of(Part.of(t))))
                .flatMap(Optional::stream).toList();
    }
}
