package dev.winnow.reduction;

import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * What the library says of a method, and how to make one from options.
 *
 * @param name         in specs
 * @param paper        title
 * @param reference    arXiv number or the code followed
 * @param site         where it acts, in words
 * @param trainingFree whether it works on checkpoints as they are
 * @param type         the class it makes
 * @param factory      makes the method; throws {@link PlanException} for a bad value
 */
public record MethodType(String name, String paper, int year, String reference, String site, boolean trainingFree,
                         List<Options.Option> options, Class<? extends ReductionMethod> type,
                         Function<Options, ReductionMethod> factory) {

    /** Makes the method with some of its options set and defaults for the others. */
    public ReductionMethod create(Map<String, String> values) {
        return factory.apply(new Options(name, options, values));
    }
}
