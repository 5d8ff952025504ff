package dev.winnow.layers;

/** Matrix products with stored weights. (contract) */
public final class Gemm {
    private Gemm() {}

    /**
     * {@code y[rows, out] = f(x[rows, in] * W^T + b)}, or {@code y += ...} when add is set (residual stream; f must be NONE then).
     * Few rows take the path that streams the weights once; many take packed panels.
     */
    public static void multiply(Kernels kernels, Workers workers, Linear linear, float[] x, int xOffset, int xStride, int rows,
                                float[] y, int yOffset, int yStride, Activation f, boolean add) {
        throw new UnsupportedOperationException();
    }
}
