package dev.winnow.runtime.images;

/**
 * A picture as patches in the order in which squares of them are merged (Qwen2-VL): square by square in raster order, and within each
 * square row by row. Every patch holds the picture several times, as frames of a film that stands still.
 *
 * @param values  [rows * columns, channels * frames * patch * patch]
 * @param rows    of patches
 * @param columns of patches
 */
public record MergedPatches(float[] values, int rows, int columns) {
    /**
     * Cuts a picture.
     *
     * @param patch  side of a patch in pixels
     * @param merge  side of a square in patches; the picture's sides are multiples of merge * patch
     * @param frames how often a patch is repeated
     */
    public static MergedPatches of(Pixels picture, int patch, int merge, int frames) {
        int rows = picture.height() / patch;
        int columns = picture.width() / patch;
        float[] values = new float[rows * columns * picture.channels() * frames * patch * patch];
        int to = 0;
        for (int square = 0; square < rows * columns / (merge * merge); square++) {
            for (int inside = 0; inside < merge * merge; inside++) {
                int y = square / (columns / merge) * merge + inside / merge;
                int x = square % (columns / merge) * merge + inside % merge;
                for (int copy = 0; copy < picture.channels() * frames; copy++) {
                    for (int r = 0; r < patch; r++, to += patch) {
                        int row = (copy / frames * picture.height() + y * patch + r) * picture.width() + x * patch;
                        System.arraycopy(picture.values(), row, values, to, patch);
                    }
                }
            }
        }
        return new MergedPatches(values, rows, columns);
    }
}
