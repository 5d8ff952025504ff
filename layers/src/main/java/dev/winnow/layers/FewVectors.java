package dev.winnow.layers;

/**
 * A few vectors that all rows of a stored weight are to be multiplied with: as they are, and as {@link Kernels#prepare} makes products
 * with that weight's type read them, once for all rows. Written by the thread that starts a product, read by all that take part.
 */
public final class FewVectors {
    /** Vector i is x[offset + i * stride] and the following elements. */
    float[] x;
    int offset;
    int stride;
    int count;
    /** Whether plain loops multiply, see {@link ColdKernels}. */
    boolean plain;

    /** Two floats of each pair of neighbours, see {@link StreamedRows}; vector after vector, as all below. */
    float[] even = {};
    float[] odd = {};

    /** What bytes are multiplied with in {@link BlockProducts}, and for each block what is added. */
    float[] factors = {};
    float[] corrections = {};

    /** What half bytes are multiplied with there, rounded: pairs of codes, and for each block their scale and what is subtracted. */
    int[] pairs = {};
    float[] blockScales = {};
    int[] zeroPoints = {};

    void of(float[] x, int offset, int stride, int count) {
        this.x = x;
        this.offset = offset;
        this.stride = stride;
        this.count = count;
        plain = false;
    }

    /** Where a vector begins in x. */
    int at(int i) {
        return offset + i * stride;
    }

    /** Lets go of x. */
    void clear() {
        x = null;
    }
}
