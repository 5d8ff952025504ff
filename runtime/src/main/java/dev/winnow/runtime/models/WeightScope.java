package dev.winnow.runtime.models;

import dev.winnow.layers.Linear;
import dev.winnow.layers.Norm;
import dev.winnow.weights.Checkpoint;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import dev.winnow.weights.packed.PackedWeights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
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

        /** The name that the source itself has for a tensor, where it reads it under another. */
        default String stored(String name) {
            return name;
        }

        /** Whether a matrix is stored as codes and scales; such a one is always [out, in]. */
        default boolean packs(String name) {
            return false;
        }

        /** Told that a matrix that was rounded before is taken in place of the tensor. */
        default void replaced(String name, Tensor rounded) {}

        /** Told that a matrix it gave was only a step on the way to another one, and is not needed again. */
        default void release(Tensor t) {}
    }

    /** A source whose names begin in another way. */
    private record Renamed(Source source, String from, String to) implements Source {
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

        @Override
        public String stored(String name) {
            return source.stored(rename(name));
        }

        @Override
        public boolean packs(String name) {
            return source.packs(rename(name));
        }

        @Override
        public void replaced(String name, Tensor rounded) {
            source.replaced(rename(name), rounded);
        }

        @Override
        public void release(Tensor t) {
            source.release(t);
        }
    }

    /** Use of a tensor whose place in the model says more. */
    private static final String MATRIX = "matrix";

    private final Source source;
    private final String prefix;
    /** What matrices are rounded to, or null. */
    private final DType blocks;
    private final Rounding rounding;

    private WeightScope(Source source, String prefix, DType blocks, Rounding rounding) {
        this.source = source;
        this.prefix = prefix;
        this.blocks = blocks;
        this.rounding = rounding;
    }

    public static WeightScope of(Source source) {
        return of(source, Rounding.unkept(new LoadLog()));
    }

    static WeightScope of(Source source, Rounding rounding) {
        return new WeightScope(source, "", null, rounding);
    }

    /** A checkpoint as it is, without adapters, and without a configuration that says how matrices are packed. */
    public static WeightScope of(Checkpoint checkpoint) {
        LoadLog log = new LoadLog();
        return of(new StoredWeights(checkpoint, PackedWeights.undeclared(checkpoint), List.of(), log, UnpackedMemory.collected()),
                Rounding.unkept(log));
    }

    /** The same place, where matrices that products are computed with are rounded on reading. */
    public WeightScope quantized(Quantization quantization) {
        return new WeightScope(source, prefix, quantization.blocks(), rounding);
    }

    /** The same place for parts that suffer from rounding: they get blocks of 8 bits where others get less. */
    WeightScope sensitive() {
        return new WeightScope(source, prefix, blocks == null ? null : DType.Q8_0, rounding);
    }

    WeightScope at(String child) {
        return new WeightScope(source, prefix + child + ".", blocks, rounding);
    }

    /** What the numbered places 0 .. count - 1 below this one hold. */
    <T> List<T> each(int count, BiFunction<WeightScope, Integer, T> read) {
        List<T> all = new ArrayList<>(count);
        for (int i = 0; i < count; i++) all.add(read.apply(at(Integer.toString(i)), i));
        return all;
    }

    /** This place, with names that begin one way read under another. */
    WeightScope renamed(String from, String to) {
        return new WeightScope(new Renamed(source, from, to), prefix, blocks, rounding);
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
        return new Linear(product(name + ".weight", out, in, false), bias ? read(name + ".bias", "bias", out) : null);
    }

    /** An affine map whose weight is stored as [in, out]; a transposed copy. */
    Linear transposed(String name, int out, int in) {
        return new Linear(product(name + ".weight", out, in, true), read(name + ".bias", "bias", out));
    }

    /** An affine map that is stored as a 1x1 convolution [out, in, 1, 1]. */
    Linear pointwise(String name, int out, int in, boolean bias) {
        Tensor kernel = matrix(name + ".weight", out, in, 1, 1);
        return new Linear(rounded(new Tensor(kernel.name(), kernel.dtype(), new long[] {out, in}, kernel.data())),
                bias ? read(name + ".bias", "bias", out) : null);
    }

    private Tensor product(String name, int out, int in, boolean turned) {
        String stored = source.stored(prefix + name);
        boolean turn = turned && !source.packs(prefix + name);
        // what was rounded before need not be read
        Optional<Tensor> kept = has(name) ? rounding.kept(stored, blocks, out, in) : Optional.empty();
        if (kept.isPresent()) {
            source.replaced(prefix + name, kept.get());
            return held(kept.get());
        }
        if (turn) return rounded(turned(name, in, out));
        Tensor matrix = matrix(name, out, in);
        Tensor rounded = rounded(matrix);
        if (rounded != matrix) source.release(matrix);
        return rounded;
    }

    /** A matrix stored as [rows, columns], as a transposed copy. */
    Tensor turned(String name, int rows, int columns) {
        Tensor stored = matrix(name, rows, columns);
        Tensor matrix = stored.transposed();
        source.release(stored);
        rounding.log().step(matrix.name(), "transposed");
        return held(matrix);
    }

    /** A stored matrix as products with it are to be computed. */
    Tensor rounded(Tensor matrix) {
        return held(rounding.rounded(matrix, blocks));
    }

    private Tensor held(Tensor t) {
        rounding.log().held(t.name(), t.dtype() + Arrays.toString(t.shape()));
        return t;
    }

    /** A matrix or kernel of a type that products can be computed with. */
    Tensor matrix(String name, long... shape) {
        return held(weights(name, MATRIX, shape));
    }

    private Tensor weights(String name, String use, long... shape) {
        rounding.log().reading(source.stored(prefix + name), use);
        return computable(source.tensor(prefix + name, shape));
    }

    /** A tensor that the model itself has no place for, of whatever shape. */
    Optional<Tensor> find(String name) {
        if (!has(name)) return Optional.empty();
        rounding.log().reading(source.stored(prefix + name), "learned for a reduction method");
        return Optional.of(computable(source.any(prefix + name)));
    }

    private static Tensor computable(Tensor t) {
        if (t.dtype() == DType.F32 || t.dtype() == DType.F16 || t.dtype() == DType.BF16 || t.dtype().isBlocked()) return t;
        throw new CheckpointException("tensor " + t.name() + " has dtype " + t.dtype() + "; weights can be F32, F16 or BF16, or packed as"
                + " a quantization_config says");
    }

    /** A small tensor of the given shape, widened. */
    float[] vector(String name, long... shape) {
        return read(name, "vector", shape);
    }

    private float[] read(String name, String use, long... shape) {
        Tensor t = weights(name, use, shape);
        rounding.log().held(source.stored(prefix + name), "F32" + Arrays.toString(shape));
        return t.toFloats();
    }

    Norm layerNorm(String name, int width, double epsilon) {
        return new Norm.Layer(read(name + ".weight", "norm", width), read(name + ".bias", "bias of a norm", width), (float) epsilon);
    }

    /** Factors on channels. */
    Norm factors(String name, int width) {
        return new Norm.Factors(read(name, "factors on channels", width));
    }

    Norm rmsNorm(String name, int width, double epsilon) {
        return new Norm.Rms(read(name + ".weight", "norm", width), (float) epsilon);
    }

    /** An RMSNorm whose weight is stored less one. */
    Norm rmsNormAroundOne(String name, int width, double epsilon) {
        float[] weight = read(name + ".weight", "norm", width);
        for (int i = 0; i < width; i++) weight[i] += 1;
        rounding.log().step(source.stored(prefix + name + ".weight"), "one added");
        return new Norm.Rms(weight, (float) epsilon);
    }
}
