package dev.winnow.reduction.cost;

import dev.winnow.layers.Activation;
import dev.winnow.layers.FewVectors;
import dev.winnow.layers.Kernels;
import dev.winnow.weights.DType;
import java.lang.foreign.MemorySegment;

/**
 * Kernels that compute nothing: what runs on them is the whole forward pass with its own accounting, at shapes whose weights would
 * fill the machine. Weights are never read, so they need no memory.
 */
final class HollowKernels implements Kernels {
    @Override
    public int panelWidth() {
        return 48;
    }

    @Override
    public void roundToBlocks(DType format, float[] x, int n, byte[] codes, float[] scales) {}

    @Override
    public void packPanel(MemorySegment weight, DType dtype, int in, int row, int cols, int from, int depth, float[] panel, int offset) {}

    @Override
    public void transposePanel(float[] source, int offset, int stride, int cols, int depth, float[] panel, int panelOffset) {}

    @Override
    public int packedRows(int rows, int depth) {
        return rows * depth;
    }

    @Override
    public void packRows(float[] a, int aOffset, int aStride, int rows, int depth, float[] packed, int packedOffset) {}

    @Override
    public void packColumns(float[] a, int aOffset, int aStride, int rows, int depth, float[] packed, int packedOffset) {}

    @Override
    public void maxColumns(float[] x, int offset, int rows, float[] max, int maxOffset) {}

    @Override
    public void expMinusColumns(float[] x, int offset, int rows, float[] shift, float[] sums, int sumsOffset) {}

    @Override
    public void scaleColumns(float[] x, int offset, int rows, float[] factors) {}

    @Override
    public void multiplyPanels(float[] packed, int packedOffset, int packedDepth, int from, float[] panels, int panelsOffset,
                               float[] c, int cOffset, int cStride, int rows, int depth, int cols, boolean add) {}

    @Override
    public void multiplyRows(float[] a, int aOffset, int aStride, float[] b, int bOffset, int bStride, float[] c, int cOffset, int cStride,
                             int rows, int depth, int cols, boolean add) {}

    @Override
    public void prepare(DType dtype, int in, int out, FewVectors vectors) {}

    @Override
    public void dotRows(MemorySegment weight, DType dtype, int in, int row, int rows, FewVectors vectors,
                        float[] y, int yOffset, int yStride) {}

    @Override
    public float touch(float[] x, int offset, int n) {
        return 0;
    }

    @Override
    public float dot(float[] a, int aOffset, float[] b, int bOffset, int n) {
        return 0;
    }

    @Override
    public void addScaled(float[] y, int yOffset, float[] x, int xOffset, int n, float s) {}

    @Override
    public void scale(float[] x, int offset, int n, float s) {}

    @Override
    public void multiply(float[] y, int yOffset, float[] x, int xOffset, int n) {}

    @Override
    public float max(float[] x, int offset, int n) {
        return 0;
    }

    @Override
    public float expMinus(float[] x, int offset, int n, float max) {
        return 1;
    }

    @Override
    public void activate(Activation f, float[] x, int offset, int n) {}

    @Override
    public void rmsNorm(float[] x, int xOffset, float[] weight, float eps, float[] y, int yOffset, int n) {}

    @Override
    public void layerNorm(float[] x, int xOffset, float[] weight, float[] bias, float eps, float[] y, int yOffset, int n) {}

    @Override
    public void rotate(float[] x, int offset, float[] cos, float[] sin, int tableOffset, int half) {}

    @Override
    public void widen(MemorySegment source, DType dtype, long from, float[] target, int offset, int n) {}
}
