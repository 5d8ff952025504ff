package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The functions of {@link dev.winnow.layers.Activation}, by their ordinals, and what else goes element by element. One work-item an
 * element, neighbours side by side; activations ride along with a product and need no launch of their own.
 */
public final class ElementWise {
    public static final int LOCAL = 128;

    static final int SILU = 1;
    static final int GELU = 2;
    static final int GELU_TANH = 3;
    static final int QUICK_GELU = 4;
    static final int RELU = 5;
    static final int TANH = 6;
    static final int RELU_SQUARED = 7;

    private static final int COUNT = 0;
    private static final int X = 1;
    private static final int Y = 2;

    private ElementWise() {}

    public static int groups(int count) {
        return Offsets.pieces(count, LOCAL);
    }

    /**
     * y += scale * x.
     *
     * @param m at: 0 count, 1 x, 2 y
     */
    public static void addScaled(KernelContext context, IntArray m, int at, FloatArray a, float scale) {
        int i = context.globalIdx;
        if (i < m.get(at + COUNT)) {
            int y = m.get(at + Y) + i;
            a.set(y, a.get(y) + scale * a.get(m.get(at + X) + i));
        }
    }

    /** f(x). */
    static float apply(int kind, float x) {
        float y = x;
        if (kind == SILU) y = timesSigmoid(x, x);
        else if (kind == GELU) y = gelu(x);
        else if (kind == GELU_TANH) y = timesSigmoid(x, 1.5957691216f * (x + 0.044715f * x * x * x));
        else if (kind == QUICK_GELU) y = timesSigmoid(x, 1.702f * x);
        else if (kind == RELU) y = x < 0f ? 0f : x;
        else if (kind == TANH) y = TornadoMath.tanh(x);
        else if (kind == RELU_SQUARED) y = x < 0f ? 0f : x * x;
        return y;
    }

    /** x * sigmoid(t), the exponent bounded so that it stays finite. */
    private static float timesSigmoid(float x, float t) {
        float bounded = t < -80f ? -80f : t;
        return x / (1f + TornadoMath.exp(-bounded));
    }

    /** x Phi(x) through erfc, which keeps the left tail; the polynomial is that of the processor's kernels. */
    private static float gelu(float x) {
        float size = x < 0f ? -x : x;
        float z = size * 0.70710678f;
        float t = 1f / (1f + 0.38f * z);
        float p = 0.0580974262f;
        p = p * t - 0.2583937507f;
        p = p * t + 0.3565402366f;
        p = p * t - 0.1539059623f;
        p = p * t + 0.2253790972f;
        p = p * t + 0.1403848421f;
        p = p * t + 0.2035250971f;
        p = p * t + 0.2139641597f;
        p = p * t + 0.2144088305f;
        float square = z * z > 80f ? 80f : z * z;
        float tail = 0.5f * size * TornadoMath.exp(-square) * t * p;
        return x < 0f ? -tail : x - tail;
    }
}
