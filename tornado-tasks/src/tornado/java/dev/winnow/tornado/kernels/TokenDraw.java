package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Draws a token among the k most likely ones that {@link BitonicTopK} found: temperature, top-k, top-p, min-p, in this order, as the
 * processor's sampler. Chance is a number of the host's. It is held against the tokens from the most likely one down, where the processor
 * goes by ids, so that the same number may draw another token. One work-group; the walk over at most 512 tokens is one work-item's.
 */
public final class TokenDraw {
    public static final int LOCAL = 128;

    private static final int COUNT = 0;
    private static final int LOGITS = 1;
    private static final int IDS = 2;
    private static final int OPTIONS = 3;
    private static final int TARGET = 4;

    private static final int MOST = 512;

    private TokenDraw() {}

    public static int groups() {
        return 1;
    }

    /**
     * Draws.
     *
     * @param m at: 0 k, at most 512, 1 logits, falling, 2 ids, 3 temperature above 0, top-p in (0, 1], min-p in [0, 1] and a number in
     *          [0, 1), 4 where to write the id
     */
    public static void draw(KernelContext context, IntArray m, int at, FloatArray a) {
        float[] weights = context.allocateFloatLocalArray(MOST);
        int lane = context.localIdx;
        int count = m.get(at + COUNT);
        int options = m.get(at + OPTIONS);
        float highest = a.get(m.get(at + LOGITS));
        for (int i = lane; i < count; i += LOCAL) {
            float below = (a.get(m.get(at + LOGITS) + i) - highest) / a.get(options);
            weights[i] = TornadoMath.exp(below < -80f ? -80f : below);
        }
        context.localBarrier();
        if (context.globalIdx == 0) {
            float total = 0f;
            for (int i = 0; i < count; i++) total += weights[i];
            float wanted = a.get(options + 1) * total;
            float kept = weights[0];
            int last = 1;
            while (last < count && kept < wanted) {
                kept += weights[last];
                last++;
            }
            while (last > 1 && weights[last - 1] < a.get(options + 2)) {
                last--;
                kept -= weights[last];
            }
            float left = a.get(options + 3) * kept - weights[0];
            int place = 0;
            while (place < last - 1 && left >= 0f) {
                place++;
                left -= weights[place];
            }
            a.set(m.get(at + TARGET), a.get(m.get(at + IDS) + place));
        }
    }
}
