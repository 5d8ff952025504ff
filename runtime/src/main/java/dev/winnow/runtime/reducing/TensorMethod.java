package dev.winnow.runtime.reducing;

import dev.winnow.reduction.Options;
import java.util.List;

/**
 * A method in the form that works on tensors alone.
 *
 * @param name    in {@code reduce --method} and in front of the names of reference cases
 * @param options what it takes
 */
record TensorMethod(String name, List<Options.Option> options, Body body) {
    /** Reads {@code in.*}, writes {@code out.*}. */
    interface Body {
        NamedOutputs reduce(Options options, TensorInputs inputs);
    }
}
