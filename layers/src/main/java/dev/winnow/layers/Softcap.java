package dev.winnow.layers;

/** The bound on logits of Gemma 2 (Gemma Team 2024): {@code c tanh(x / c)}, which leaves small ones nearly as they are. */
final class Softcap {
    private Softcap() {}

    /** Bounds n logits in place; a bound of 0 is none. */
    static void apply(Kernels kernels, float[] x, int offset, int n, float bound) {
        if (bound == 0) return;
        kernels.scale(x, offset, n, 1 / bound);
        kernels.activate(Activation.TANH, x, offset, n);
        kernels.scale(x, offset, n, bound);
    }
}
