package dev.winnow.runtime.images;

import java.util.List;

/** Cutting pictures into patches, each a row of its pixels. */
public final class PatchRows {
    private PatchRows() {
    }

    /**
     * Cuts a picture; pixels right and below that fill no patch are left out.
     *
     * @param pixels [channels, height, width] from offset on
     * @param patch  side of a patch in pixels
     * @param square patches come square by square, and within each row by row, where they are to be joined; 1 for row by row at once
     * @param frames how often each channel of a patch is repeated, as frames of a film that stands still (Qwen2-VL)
     * @return [patches, channels * frames * patch * patch]
     */
    public static float[] cut(float[] pixels, int offset, int channels, int height, int width, int patch, int square, int frames) {
        int columns = width / patch;
        int patches = height / patch * columns;
        float[] rows = new float[patches * channels * frames * patch * patch];
        int to = 0;
        for (int i = 0; i < patches; i++) {
            int whole = i / (square * square);
            int inside = i % (square * square);
            int y = whole / (columns / square) * square + inside / square;
            int x = whole % (columns / square) * square + inside % square;
            for (int frame = 0; frame < channels * frames; frame++) {
                int from = offset + (frame / frames * height + y * patch) * width + x * patch;
                for (int r = 0; r < patch; r++, to += patch, from += width) System.arraycopy(pixels, from, rows, to, patch);
            }
        }
        return rows;
    }

    /**
     * The patches of frames side by side.
     *
     * @param frames of each its patches, [patches, channels * inner]
     * @return [patches, channels, frames, inner]
     */
    public static float[] beside(List<float[]> frames, int inner) {
        int n = frames.size();
        float[] rows = new float[n * frames.getFirst().length];
        for (int f = 0; f < n; f++) {
            float[] frame = frames.get(f);
            for (int from = 0; from < frame.length; from += inner) System.arraycopy(frame, from, rows, n * from + f * inner, inner);
        }
        return rows;
    }
}
