package dev.winnow.layers;

import dev.winnow.weights.BlockMatrix;
import dev.winnow.weights.DType;
import java.lang.foreign.MemorySegment;

/**
 * Compute primitives on row-major f32 arrays. Two implementations exist: {@link PanamaKernels} on the Vector API and its scalar
 * twin {@link ScalarKernels}, which runs when the incubator module or vectors are absent and is what tests compare with. All offsets,
 * strides and lengths are in elements. Nothing here starts threads, or allocates, apart from scratch that grows.
 */
public interface Kernels {
    /** The Vector API implementation where the JVM has the module and the processor vectors, else the scalar one. */
    static Kernels best() {
        boolean vectors = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent() && PanamaKernels.supported();
        return vectors ? new PanamaKernels() : new ScalarKernels();
    }

    /** Columns of a packed panel: as many as a register tile is wide. */
    int panelWidth();

    /**
     * Packs a block of a stored [out, in] weight, widening to f32: {@code panel[p * panelWidth() + j] = W[row + j][from + p]} for
     * j &lt; cols, p &lt; depth, and zero for cols &lt;= j &lt; panelWidth().
     */
    void packPanel(MemorySegment weight, DType dtype, int in, int row, int cols, int from, int depth, float[] panel, int panelOffset);

    /** {@link #packPanel} from an f32 array: {@code panel[p * panelWidth() + j] = source[offset + j * stride + p]}, and the zeros. */
    void transposePanel(float[] source, int offset, int stride, int cols, int depth, float[] panel, int panelOffset);

    /** Rows of a packed matrix can be used from a multiple of this on. */
    int ROW_GROUP = 24;

    /** Elements that so many rows of so many elements take once {@link #packRows} has packed them. */
    int packedRows(int rows, int depth);

    /** Copies the rows of A to the order in which {@link #multiplyPanels} reads them. */
    void packRows(float[] a, int aOffset, int aStride, int rows, int depth, float[] packed, int packedOffset);

    /** {@link #packRows} of a matrix that is stored transposed: {@code A[i][p] = a[aOffset + p * aStride + i]}. */
    void packColumns(float[] a, int aOffset, int aStride, int rows, int depth, float[] packed, int packedOffset);

    /**
     * {@code C[rows, cols] (+)= A[rows, from .. from + depth - 1] * B[depth, cols]}, B in packed panels one after the other, each {@code
     * depth * panelWidth()} elements: what {@link #packPanel} and {@link #transposePanel} write.
     *
     * @param packed       A of {@link #packRows}
     * @param packedOffset where its rows begin: {@code packedRows(row, packedDepth)} for the rows from a multiple of {@link #ROW_GROUP} on
     * @param packedDepth  the depth it was packed with
     * @param add          whether to add to C instead of overwriting it
     */
    void multiplyPanels(float[] packed, int packedOffset, int packedDepth, int from, float[] panels, int panelsOffset,
                        float[] c, int cOffset, int cStride, int rows, int depth, int cols, boolean add);

    /**
     * {@code C[rows, cols] (+)= A[rows, depth] * B[depth, cols]} of matrices that are not worth packing. Rows of B are read in whole
     * vectors (of at most 16 lanes), so the last of each must be readable.
     */
    void multiplyRows(float[] a, int aOffset, int aStride, float[] b, int bOffset, int bStride,
                      float[] c, int cOffset, int cStride, int rows, int depth, int cols, boolean add);

    /**
     * Makes of some vectors what {@link #dotRows} with weights [out, in] of a type reads: once for all rows, on one thread.
     *
     * @param vectors of which x has been set
     */
    void prepare(DType dtype, int in, int out, FewVectors vectors);

    /**
     * Rows of a stored weight times few vectors (decode): {@code y[i * yStride + j] = W[row + j] . x[i]} for j &lt; rows and each vector i.
     * Every weight is read once for all vectors. Rows of a block format should be parted at multiples of {@link BlockMatrix#GROUP}:
     * others are multiplied one by one, and with Q4_0 by another arithmetic.
     *
     * @param vectors that {@link #prepare} was called for, with this type and sizes
     */
    void dotRows(MemorySegment weight, DType dtype, int in, int row, int rows, FewVectors vectors, float[] y, int yOffset, int yStride);

    /**
     * Brings a part of an array from memory into this core's cache, faster than a loop that computes with it would: Java has no
     * prefetch instruction, and only a loop of bare loads keeps enough of them in flight.
     *
     * @return a meaningless value, to be stored somewhere so that the loads are not optimised away
     */
    float touch(float[] x, int offset, int n);

    float dot(float[] a, int aOffset, float[] b, int bOffset, int n);

    /** y += s * x. */
    void addScaled(float[] y, int yOffset, float[] x, int xOffset, int n, float s);

    /** x *= s. */
    void scale(float[] x, int offset, int n, float s);

    /** y *= x, element by element. */
    void multiply(float[] y, int yOffset, float[] x, int xOffset, int n);

    float max(float[] x, int offset, int n);

    /** x = exp(x - max); returns the sum of the results. {@code exp(-inf) = 0}. */
    float expMinus(float[] x, int offset, int n, float max);

    /** Of a panel's columns j: {@code max[j] = max(max[j], x[i * panelWidth() + j])} over i &lt; rows. NaN is passed over. */
    void maxColumns(float[] x, int offset, int rows, float[] max, int maxOffset);

    /** Of a panel's columns: {@code x = exp(x - shift[j])}, and their sums are added to sums[j]. {@code exp(-inf) = 0}. */
    void expMinusColumns(float[] x, int offset, int rows, float[] shift, float[] sums, int sumsOffset);

    /** Of a panel's columns: {@code x *= factors[j]}. */
    void scaleColumns(float[] x, int offset, int rows, float[] factors);

    /** x = f(x). */
    void activate(Activation f, float[] x, int offset, int n);

    /** y = x / sqrt(mean(x^2) + eps) * weight (Zhang and Sennrich 2019). */
    void rmsNorm(float[] x, int xOffset, float[] weight, float eps, float[] y, int yOffset, int n);

    /** y = (x - mean) / sqrt(variance + eps) * weight + bias (Ba et al. 2016). */
    void layerNorm(float[] x, int xOffset, float[] weight, float[] bias, float eps, float[] y, int yOffset, int n);

    /**
     * Rotates one head in place, half-split form (Su et al. 2021, as in Llama): for i &lt; half,
     * {@code (x[i], x[i+half]) = (x[i] cos - x[i+half] sin, x[i+half] cos + x[i] sin)} with cos, sin at {@code tableOffset + i}.
     */
    void rotate(float[] x, int offset, float[] cos, float[] sin, int tableOffset, int half);

    /**
     * Rounds n elements of x, whole blocks of 32, to the codes of a block format, Q8_0 or Q4_0.
     *
     * @param codes  32 or 16 bytes for each block
     * @param scales one for each block, not rounded to f16 yet
     */
    void roundToBlocks(DType format, float[] x, int n, byte[] codes, float[] scales);

    /** Widens n elements that are stored by themselves (F32, F16, BF16), from element {@code from} on, to f32. */
    void widen(MemorySegment source, DType dtype, long from, float[] target, int offset, int n);
}
