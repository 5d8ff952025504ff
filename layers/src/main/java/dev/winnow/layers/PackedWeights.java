package dev.winnow.layers;

import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.WeakHashMap;

/**
 * Panels of weights that are kept once they were packed, up to so many bytes: products of some hundred rows spend a tenth of their time
 * packing, those of fewer rows, which reduction leaves, a larger part. A weight takes four bytes an element, whatever it is stored in, so
 * nothing is kept for the first product with it, which may be the only one; those met again first are kept. Panels go with their weights:
 * when a model is no longer in use, the garbage collector takes both.
 */
final class PackedWeights {
    /** Of how much heap there may be panels take that part, where nobody said otherwise. */
    private static final int PART_OF_HEAP = 8;

    private final long most;
    private final boolean floatsOnly;
    /** By weight: two are equal where they are the same part of memory. */
    private final Map<Tensor, Use> uses = new WeakHashMap<>();

    private PackedWeights(long most, boolean floatsOnly) {
        this.most = most;
        this.floatsOnly = floatsOnly;
    }

    /** Of whatever weights, up to so many bytes. */
    static PackedWeights upTo(long bytes) {
        return new PackedWeights(bytes, false);
    }

    /** Only of those that take no more packed than they do as they are stored, F32, in a part of the heap. */
    static PackedWeights ofFloats() {
        return new PackedWeights(Runtime.getRuntime().maxMemory() / PART_OF_HEAP, true);
    }

    /** Where a weight's panels, of one width and depth each time, are kept; null if they are not, or not yet. */
    synchronized Panels of(Tensor weight, int in, int out, int width, int depth) {
        if (floatsOnly && weight.dtype() != DType.F32) return null;
        Use use = uses.get(weight);
        if (use == null) {
            uses.put(weight, new Use());
            return null;
        }
        if (use.panels == null && (long) Float.BYTES * in * Gemm.upTo(out, width) <= most - bytes()) {
            use.panels = new Panels(in, out, width, depth);
        }
        return use.panels;
    }

    /** Bytes in use. */
    synchronized long bytes() {
        return uses.values().stream().map(u -> u.panels).filter(Objects::nonNull).mapToLong(Panels::bytes).sum();
    }

    /** What became of a weight that was met. */
    private static final class Use {
        private Panels panels;
    }

    /** The panels of one weight, slice of its depth by slice. */
    static final class Panels {
        private final int depth;
        private final int width;
        private final float[][] slices;
        private final Panel[][] panels;

        /** Packed by one thread while others wait: pairs of bf16 lie in the panel, unwidened, before its elements do. */
        private static final class Panel {
            volatile boolean packed;
        }

        private Panels(int in, int out, int width, int depth) {
            this.depth = depth;
            this.width = width;
            int count = (in + depth - 1) / depth;
            slices = new float[count][];
            panels = new Panel[count][Gemm.upTo(out, width) / width];
            for (int i = 0; i < count; i++) {
                slices[i] = new float[Gemm.upTo(out, width) * Math.min(depth, in - i * depth)];
                Arrays.setAll(panels[i], c -> new Panel());
            }
        }

        private long bytes() {
            long elements = 0;
            for (float[] slice : slices) elements += slice.length;
            return Float.BYTES * elements;
        }

        /** All panels of the elements from .. from + d - 1, of which those of the columns column .. column + cols - 1 are packed now. */
        float[] of(Kernels kernels, Tensor weight, int in, int from, int d, int column, int cols) {
            int slice = from / depth;
            for (int c = column; c < column + cols; c += width) {
                Panel panel = panels[slice][c / width];
                if (panel.packed) continue;
                synchronized (panel) {
                    if (panel.packed) continue;
                    DType dtype = weight.dtype();
                    kernels.packPanel(weight.data(), dtype, in, c, Math.min(width, column + cols - c), from, d, slices[slice], c * d);
                    panel.packed = true;
                }
            }
            return slices[slice];
        }
    }
}
