package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Rotary position embedding (Su et al. 2021) in the half-split form, as {@link dev.winnow.layers.RotaryEmbedding} has it. Cosines and
 * sines come from the host, where angles are rounded as the reference does and reduced exactly: on the device fast trigonometry loses
 * long positions. One work-item turns one pair of channels; neighbours turn neighbours.
 */
public final class Rotary {
    public static final int LOCAL = 128;

    private static final int TOKENS = 0;
    private static final int X = 1;
    private static final int STRIDE = 2;
    private static final int COS = 3;
    private static final int SIN = 4;

    private Rotary() {}

    public static int groups(int tokens, int heads, int pairs) {
        return Offsets.pieces(tokens * heads * pairs, LOCAL);
    }

    /**
     * Turns the heads of each token in place. (OpenCL has a function of its own called rotate.)
     *
     * @param m    at: 0 tokens, 1 x, 2 stride by tokens, 3 cos [tokens, pairs], 4 sin
     * @param pairs rotated pairs of a head; channels beyond 2 * pairs stay
     */
    public static void turn(KernelContext context, IntArray m, int at, FloatArray a, int heads, int headDim, int pairs) {
        int i = context.globalIdx;
        int token = i / (heads * pairs);
        if (token < m.get(at + TOKENS)) {
            int pair = i % (heads * pairs);
            int d = pair % pairs;
            int x = m.get(at + X) + token * m.get(at + STRIDE) + (pair / pairs) * headDim + d;
            float u = a.get(x);
            float v = a.get(x + pairs);
            float c = a.get(m.get(at + COS) + token * pairs + d);
            float s = a.get(m.get(at + SIN) + token * pairs + d);
            a.set(x, u * c - v * s);
            a.set(x + pairs, v * c + u * s);
        }
    }
}
