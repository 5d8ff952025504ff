package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Pixels to rows of patches, so that a patch embedding is a product: row by row of the grid, each row in the order of a convolution's
 * weight, channel, then line, then column. One work-item a number; neighbours write neighbours and read runs of a patch's width.
 */
public final class Patches {
    public static final int LOCAL = 128;

    private static final int COUNT = 0;
    private static final int PIXELS = 1;
    private static final int ROWS = 2;
    private static final int HEIGHT = 3;
    private static final int WIDTH = 4;

    private Patches() {}

    /** @param patches in all; each of {@code channels * side * side} numbers */
    public static int groups(int patches, int channels, int side) {
        return Offsets.pieces(patches * channels * side * side, LOCAL);
    }

    /**
     * Gathers the patches of one picture.
     *
     * @param m at: 0 patches, 1 pixels [channels, height, width], 2 rows [patches, channels * side * side], 3 height, 4 width; what is left
     *          over at the right and at the bottom is left out
     */
    public static void gather(KernelContext context, IntArray m, int at, FloatArray a, int channels, int side) {
        int i = context.globalIdx;
        int numbers = channels * side * side;
        int patch = i / numbers;
        if (patch < m.get(at + COUNT)) {
            int width = m.get(at + WIDTH);
            int across = width / side;
            int place = i % numbers;
            int inner = place % (side * side);
            int line = (patch / across) * side + inner / side;
            int column = (patch % across) * side + inner % side;
            int from = m.get(at + PIXELS) + (place / (side * side) * m.get(at + HEIGHT) + line) * width + column;
            a.set(m.get(at + ROWS) + i, a.get(from));
        }
    }
}
