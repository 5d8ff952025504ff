package dev.winnow.layers;

import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * Panels of weights that are kept once they were packed, up to so many bytes: products of some hundred rows spend a tenth of their time
 * packing, those of fewer rows, which reduction leaves, a larger part. A weight takes four bytes an element, whatever it is stored in;
 * those asked for first are kept.
 */
final class PackedWeights {
    private final long most;
    private long bytes;
    private final Map<Tensor, Panels> kept = new IdentityHashMap<>();

    PackedWeights(long most) {
        this.most = most;
    }

    /** Where a weight's panels, of one width and depth each time, are kept; null if there is no room for them. */
    synchronized Panels of(Tensor weight, int in, int out, int width, int depth) {
        Panels panels = kept.get(weight);
        if (panels != null) return panels;
        long size = (long) Float.BYTES * in * Gemm.upTo(out, width);
        if (size > most - bytes) return null;
        bytes += size;
        panels = new Panels(in, out, width, depth);
        kept.put(weight, panels);
        return panels;
    }

    /** Bytes in use. */
    synchronized long bytes() {
        return bytes;
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
