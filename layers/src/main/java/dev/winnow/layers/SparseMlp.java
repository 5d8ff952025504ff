package dev.winnow.layers;

import dev.winnow.weights.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The MLP of one token with most inner neurons off: only the rows of the up projection and the columns of the down projection that
 * belong to neurons still on are read. For that it holds a copy of the down projection turned to [inner, width], where a neuron's
 * column is one stretch of memory.
 */
final class SparseMlp {
    /** Neurons or columns below which a task is not worth a thread. */
    private static final int LEAST = 64;
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ThreadLocal<float[]> ROW = ThreadLocal.withInitial(() -> new float[0]);

    private final Kernels kernels;
    private final Workers workers;
    private final Mlp mlp;
    private final MemorySegment columns;

    SparseMlp(Kernels kernels, Workers workers, Mlp mlp) {
        this.kernels = kernels;
        this.workers = workers;
        this.mlp = mlp;
        this.columns = turned(workers, mlp.down());
    }

    private static MemorySegment turned(Workers workers, Linear down) {
        Tensor weight = down.weight();
        long in = down.in();
        long out = down.out();
        MemorySegment from = weight.data();
        MemorySegment to = Arena.ofAuto().allocate(weight.data().byteSize(), 64);
        boolean half = weight.dtype().blockBytes() == 2;
        workers.each((down.out() + LEAST - 1) / LEAST, t -> {
            for (long i = 0; i < in; i++) {
                for (long o = (long) t * LEAST; o < Math.min(out, (t + 1L) * LEAST); o++) {
                    if (half) to.set(HALF, 2 * (i * out + o), from.get(HALF, 2 * (o * in + i)));
                    else to.set(WORD, 4 * (i * out + o), from.get(WORD, 4 * (o * in + i)));
                }
            }
        });
        return to;
    }

    /**
     * {@code x += down(hidden * up(normed))}, or without up in an MLP that has no gate.
     *
     * @param hidden [inner] activations, zero for neurons that are off; overwritten
     */
    void finish(float[] normed, float[] hidden, float[] x, Work work) {
        int inner = mlp.down().in();
        int width = mlp.down().out();
        int[] on = new int[inner];
        int count = 0;
        for (int i = 0; i < inner; i++) if (hidden[i] != 0) on[count++] = i;
        int n = count;
        if (mlp instanceof Mlp.Gated g) {
            int chunk = chunk(n);
            workers.each((n + chunk - 1) / chunk, t -> raise(g.up(), normed, hidden, on, t * chunk, Math.min(n, (t + 1) * chunk)));
            work.product(1, n, width);
        }
        int chunk = chunk(width);
        workers.each((width + chunk - 1) / chunk, t -> lower(hidden, on, n, x, t * chunk, Math.min(width, (t + 1) * chunk)));
        work.product(1, n, width);
    }

    private int chunk(int n) {
        return Math.max(LEAST, (n + 2 * workers.threads() - 1) / (2 * workers.threads()));
    }

    /** hidden *= up(normed) for neurons from .. to - 1 of those that are on. */
    private void raise(Linear up, float[] normed, float[] hidden, int[] on, int from, int to) {
        float[] weights = row(up.in());
        for (int i = from; i < to; i++) {
            kernels.widen(up.weight().data(), up.weight().dtype(), (long) on[i] * up.in(), weights, 0, up.in());
            hidden[on[i]] *= kernels.dot(weights, 0, normed, 0, up.in()) + (up.bias() == null ? 0 : up.bias()[on[i]]);
        }
    }

    /** x += the columns of the neurons that are on, times their activations, for channels from .. to - 1. */
    private void lower(float[] hidden, int[] on, int n, float[] x, int from, int to) {
        Linear down = mlp.down();
        float[] column = row(to - from);
        for (int i = 0; i < n; i++) {
            kernels.widen(columns, down.weight().dtype(), (long) on[i] * down.out() + from, column, 0, to - from);
            kernels.addScaled(x, from, column, 0, to - from, hidden[on[i]]);
        }
        if (down.bias() != null) kernels.addScaled(x, from, down.bias(), from, to - from, 1f);
    }

    private static float[] row(int length) {
        float[] row = ROW.get();
        if (row.length < length) ROW.set(row = new float[length]);
        return row;
    }
}
