package dev.winnow.layers;

import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.lang.ref.SoftReference;
import java.util.Arrays;
import java.util.Map;
import java.util.WeakHashMap;

/**
 * Panels of weights that are kept once they were packed, up to so many bytes: products of some hundred rows spend a tenth of their time
 * packing, those of fewer rows, which reduction leaves, a larger part. A weight takes four bytes an element, whatever it is stored in, so
 * nothing is kept for the first product with it, which may be the only one; those met again first are kept. Panels are held softly: where
 * the heap gets short, or they were not used for long, the garbage collector takes them, and they are packed anew when they are needed.
 */
final class PackedWeights {
    /** Panels take at most that part of the heap where nobody said otherwise. */
    private static final int PART_OF_HEAP = 8;
    private static final SoftReference<Panels> NONE_YET = new SoftReference<>(null);

    private final long most;
    private final boolean floatsOnly;
    /** By weight. Two tensors are equal only if they share the array of their shape: one that is loaded anew is another. */
    private final Map<Tensor, SoftReference<Panels>> kept = new WeakHashMap<>();

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
    Panels of(Tensor weight, int in, int out, int width, int depth) {
        return floatsOnly && weight.dtype() != DType.F32 ? null : found(weight, in, out, width, depth);
    }

    private synchronized Panels found(Tensor weight, int in, int out, int width, int depth) {
        SoftReference<Panels> known = kept.get(weight);
        if (known == null) {
            kept.put(weight, NONE_YET);
            return null;
        }
        Panels panels = known.get();
        if (panels == null && (long) Float.BYTES * in * Gemm.upTo(out, width) <= most - bytes()) {
            panels = new Panels(in, out, width, depth);
            kept.put(weight, new SoftReference<>(panels));
        }
        return panels;
    }

    /** Bytes in use. */
    synchronized long bytes() {
        long sum = 0;
        for (SoftReference<Panels> reference : kept.values()) {
            Panels panels = reference.get();
            if (panels != null) sum += panels.bytes;
        }
        return sum;
    }

    /** The panels of one weight, slice of its depth by slice. */
    static final class Panels {
        private final int depth;
        private final int width;
        private final long bytes;
        private final float[][] slices;
        private final Panel[][] panels;

        /** Packed by one thread while others wait: pairs of bf16 lie in the panel, unwidened, before its elements do. */
        private static final class Panel {
            volatile boolean packed;
        }

        private Panels(int in, int out, int width, int depth) {
            this.depth = depth;
            this.width = width;
            this.bytes = (long) Float.BYTES * in * Gemm.upTo(out, width);
            int count = (in + depth - 1) / depth;
            slices = new float[count][];
            panels = new Panel[count][Gemm.upTo(out, width) / width];
            for (int i = 0; i < count; i++) {
                slices[i] = new float[Gemm.upTo(out, width) * Math.min(depth, in - i * depth)];
                Arrays.setAll(panels[i], c -> new Panel());
            }
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
