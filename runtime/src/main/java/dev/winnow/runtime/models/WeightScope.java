package dev.winnow.runtime.models;

import dev.winnow.layers.Linear;
import dev.winnow.layers.Norm;
import dev.winnow.layers.Quantizer;
import dev.winnow.weights.Checkpoint;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiFunction;

/**
 * A place in a checkpoint's tree of names; the path through the code is the path of the weight names. Every tensor is asked for with
 * the shape that the configuration implies.
 */
public final class WeightScope {
    /** Where tensors come from: a checkpoint, or a generator of random ones. */
    public interface Source {
        boolean has(String name);

        /** The tensor, checked to have the shape. */
        Tensor tensor(String name, long... shape);

        /** A tensor that is there, of whatever shape. */
        Tensor any(String name);
    }

    private final Source source;
    private final String prefix;
    /** What matrices are rounded to, or null. */
    private final DType blocks;
    /** Bytes of rounded copies less those of what they stand for, of all places of a checkpoint. */
    private final LongAdder growth;

    private WeightScope(Source source, String prefix, DType blocks, LongAdder growth) {
        this.source = source;
        this.prefix = prefix;
        this.blocks = blocks;
        this.growth = growth;
    }

    public static WeightScope of(Source source) {
        return new WeightScope(source, "", null, new LongAdder());
    }

    public static WeightScope of(Checkpoint checkpoint) {
        return of(new Source() {
            @Override
            public boolean has(String name) {
                return checkpoint.has(name);
            }

            @Override
            public Tensor any(String name) {
                return checkpoint.tensor(name);
            }

            @Override
            public Tensor tensor(String name, long... shape) {
                if (!checkpoint.has(name)) {
                    throw new CheckpointException(checkpoint.path() + ": tensor " + name + " is missing; the configuration asks for "
                            + Arrays.toString(shape));
                }
                Tensor t = checkpoint.tensor(name);
                if (!Arrays.equals(t.shape(), shape)) {
                    throw new CheckpointException(checkpoint.path() + ": tensor " + name + " has shape " + Arrays.toString(t.shape())
                            + ", but the configuration asks for " + Arrays.toString(shape));
                }
                return t;
            }
        });
    }

    /** The same place, where matrices that products are computed with are rounded on reading. */
    public WeightScope quantized(Quantization quantization) {
        return new WeightScope(source, prefix, quantization.blocks(), growth);
    }

    /** The same place for parts that suffer from rounding: they get blocks of 8 bits where others get less. */
    WeightScope sensitive() {
        return new WeightScope(source, prefix, blocks == null ? null : DType.Q8_0, growth);
    }

    /** By how many bytes what has been read so far is larger than what is stored; negative where rounding made it smaller. */
    public long growth() {
        return growth.sum();
    }

    WeightScope at(String child) {
        return new WeightScope(source, prefix + child + ".", blocks, growth);
    }

    /** What the numbered places 0 .. count - 1 below this one hold. */
    <T> List<T> each(int count, BiFunction<WeightScope, Integer, T> read) {
        List<T> all = new ArrayList<>(count);
        for (int i = 0; i < count; i++) all.add(read.apply(at(Integer.toString(i)), i));
        return all;
    }

    /** This place, with names that begin one way read under another. */
    WeightScope renamed(String from, String to) {
        return new WeightScope(new Source() {
            private String rename(String name) {
                return name.startsWith(from) ? to + name.substring(from.length()) : name;
            }

            @Override
            public boolean has(String name) {
                return source.has(rename(name));
            }

            @Override
            public Tensor any(String name) {
                return source.any(rename(name));
            }

            @Override
            public Tensor tensor(String name, long... shape) {
                return source.tensor(rename(name), shape);
            }
        }, prefix, blocks, growth);
    }

    /** The first of the children under which the name exists, else the first. */
    WeightScope atAny(String name, String... children) {
        for (String c : children) {
            WeightScope s = c.isEmpty() ? this : at(c);
            if (s.has(name)) return s;
        }
        return children[0].isEmpty() ? this : at(children[0]);
    }

    boolean has(String name) {
        return source.has(prefix + name);
    }

    /** An affine map [out, in], read as stored or rounded. */
    Linear linear(String name, int out, int in, boolean bias) {
        return new Linear(rounded(matrix(name + ".weight", out, in)), bias ? vector(name + ".bias", out) : null);
    }

    /** A stored matrix as products with it are to be computed. */
    Tensor rounded(Tensor matrix) {
        if (blocks == null || !Quantizer.fits(matrix)) return matrix;
        Tensor copy = Quantizer.quantize(matrix, blocks);
        growth.add(copy.data().byteSize() - matrix.data().byteSize());
        // the stored one is not needed again, or only in a few rows
        if (matrix.data().isMapped()) matrix.data().unload();
        return copy;
    }

    /** An affine map whose weight is stored as [in, out]; a transposed copy. */
    Linear transposed(String name, int out, int in) {
        return new Linear(rounded(matrix(name + ".weight", in, out).transposed()), vector(name + ".bias", out));
    }

    /** A matrix or kernel of a type that products can be computed with. */
    Tensor matrix(String name, long... shape) {
        return weights(name, shape);
    }

    private Tensor weights(String name, long... shape) {
        return computable(source.tensor(prefix + name, shape));
    }

    /** A tensor that the model itself has no place for, of whatever shape. */
    Optional<Tensor> find(String name) {
        return has(name) ? Optional.of(computable(source.any(prefix + name))) : Optional.empty();
    }

    private static Tensor computable(Tensor t) {
        if (t.dtype() != DType.F32 && t.dtype() != DType.F16 && t.dtype() != DType.BF16) {
            throw new CheckpointException("tensor " + t.name() + " has dtype " + t.dtype() + "; weights can be F32, F16 or BF16");
        }
        return t;
    }

    /** A small tensor of the given shape, widened. */
    float[] vector(String name, long... shape) {
        return weights(name, shape).toFloats();
    }

    Norm layerNorm(String name, int width, double epsilon) {
        return new Norm.Layer(vector(name + ".weight", width), vector(name + ".bias", width), (float) epsilon);
    }

    /** Factors on channels. */
    Norm factors(String name, int width) {
        return new Norm.Factors(vector(name, width));
    }

    Norm rmsNorm(String name, int width, double epsilon) {
        return new Norm.Rms(vector(name + ".weight", width), (float) epsilon);
    }

    /** An RMSNorm whose weight is stored less one. */
    Norm rmsNormAroundOne(String name, int width, double epsilon) {
        float[] weight = vector(name + ".weight", width);
        for (int i = 0; i < width; i++) weight[i] += 1;
        return new Norm.Rms(weight, (float) epsilon);
    }
}
