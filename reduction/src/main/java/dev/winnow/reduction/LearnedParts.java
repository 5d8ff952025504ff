package dev.winnow.reduction;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Backend;
import dev.winnow.layers.Linear;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.layers.Work;
import dev.winnow.reduction.primitives.CosineSimilarity;
import dev.winnow.weights.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * What methods with learned parameters find in a checkpoint: tensors beside those of the model itself. Names are those below the
 * language model's root, such as {@code layers.3.router.router.weight}.
 *
 * @param backend runs what is made of them
 * @param layers  the language model's layers
 * @param trained methods that the checkpoint was trained with, which act unless a plan has the same with other numbers
 */
public record LearnedParts(Backend backend, List<TransformerLayer> layers, Lookup lookup, List<ReductionMethod> trained) {
    /** A checkpoint that was trained without a method. */
    public LearnedParts(Backend backend, List<TransformerLayer> layers, Lookup lookup) {
        this(backend, layers, lookup, List.of());
    }

    /** A checkpoint with nothing for methods. */
    public static final LearnedParts NONE = new LearnedParts(null, List.of(), name -> Optional.empty());

    /** Finds a tensor of a type that products can be computed with. */
    public interface Lookup {
        Optional<Tensor> find(String name);
    }

    public boolean has(String name) {
        return lookup.find(name).isPresent();
    }

    /**
     * An affine map, with a bias where the checkpoint has one.
     *
     * @param name of the map, without {@code .weight}
     * @param out  its outputs, or -1 for any number
     * @throws PlanException naming the spec, when there is no such map or one of another shape
     */
    public Linear linear(String spec, String name, int out, int in) {
        Tensor weight = matrix(spec, name + ".weight", out, in);
        return new Linear(weight, has(name + ".bias") ? vector(spec, name + ".bias", Math.toIntExact(weight.shape()[0])) : null);
    }

    /**
     * A matrix.
     *
     * @param rows    or -1 for any number
     * @param columns or -1 for any number
     * @throws PlanException as {@link #linear}
     */
    public Tensor matrix(String spec, String name, int rows, int columns) {
        Tensor t = tensor(spec, name);
        long[] shape = t.shape();
        if (shape.length != 2 || rows >= 0 && shape[0] != rows || columns >= 0 && shape[1] != columns) {
            throw new PlanException(spec + ": tensor " + name + " has shape " + Arrays.toString(shape) + ", but [" + orAny(rows) + ", "
                    + orAny(columns) + "] is needed");
        }
        return t;
    }

    private static String orAny(int number) {
        return number < 0 ? "any" : Integer.toString(number);
    }

    /** A small tensor, widened. */
    public float[] vector(String spec, String name, int length) {
        Tensor t = tensor(spec, name);
        if (t.elements() != length) {
            throw new PlanException(spec + ": tensor " + name + " has " + t.elements() + " elements, not " + length);
        }
        return t.toFloats();
    }

    private Tensor tensor(String spec, String name) {
        return lookup.find(name).orElseThrow(() ->
                new PlanException(spec + ": needs a checkpoint trained for it; this one has no tensor " + name));
    }

    /** f(W x + b) of some tokens, made where their states are if it can be: [chosen.length, linear.out()]. */
    public float[] apply(Linear linear, Tokens tokens, int[] chosen, Activation f, Work work) {
        float[] all = tokens.product(linear, f);
        if (all == null) {
            return apply(linear, CosineSimilarity.gather(tokens.hidden(), tokens.width(), chosen), chosen.length, f, work);
        }
        work.product(chosen.length, linear.out(), linear.in());
        return CosineSimilarity.gather(all, linear.out(), chosen);
    }

    /** f(W x + b) for n rows of x. */
    public float[] apply(Linear linear, float[] x, int n, Activation f, Work work) {
        float[] y = new float[n * linear.out()];
        backend.linear(linear, x, n, y, f, work);
        return y;
    }
}
