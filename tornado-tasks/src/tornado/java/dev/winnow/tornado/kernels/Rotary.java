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

    public static int groups(int tokens, int heads, int half) {
        return Offsets.pieces(tokens * heads * half, LOCAL);
    }

    /**
     * Turns the heads of each token in place.
     *
     * @param m    at: 0 tokens, 1 x, 2 stride by tokens, 3 cos [tokens, half], 4 sin
     * @param half rotated pairs of a head; channels beyond 2 * half stay
     */
    public static void rotate(KernelContext context, IntArray m, int at, FloatArray a, int heads, int headDim, int half) {
        int i = context.globalIdx;
        int token = i / (heads * half);
        if (token < m.get(at + TOKENS)) {
            int pair = i % (heads * half);
            int d = pair % half;
            int x = m.get(at + X) + token * m.get(at + STRIDE) + (pair / half) * headDim + d;
            float u = a.get(x);
            float v = a.get(x + half);
            float c = a.get(m.get(at + COS) + token * half + d);
            float s = a.get(m.get(at + SIN) + token * half + d);
            a.set(x, u * c - v * s);
            a.set(x + half, v * c + u * s);
        }
    }
}
