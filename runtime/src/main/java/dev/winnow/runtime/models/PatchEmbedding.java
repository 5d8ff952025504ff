package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Backend;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Work;
import dev.winnow.reduction.Grid;
import dev.winnow.reduction.TokenKind;
import dev.winnow.weights.CheckpointException;
import java.util.Arrays;
import java.util.List;

/**
 * How a picture becomes tokens: a convolution cuts it into patches, each gets its place, and tokens that are no patches come in front.
 *
 * @param imageSize side of the pictures that the model was made for
 * @param kernel    [width, channels, patch, patch], with or without bias
 * @param kinds     of the tokens in front
 * @param special   the tokens in front with their positions, [kinds.size(), width]
 */
record PatchEmbedding(int imageSize, int patchSize, Linear kernel, List<TokenKind> kinds, float[] special, PatchPositions positions) {
    private static final int MOST_PATCHES_PER_SIDE = 1024;

    int width() {
        return kernel.out();
    }

    int channels() {
        return kernel.in() / (patchSize * patchSize);
    }

    Grid grid(int height, int width) {
        return new Grid(height / patchSize, width / patchSize);
    }

    Grid grid() {
        return grid(imageSize, imageSize);
    }

    boolean takes(int height, int width) {
        Grid grid = grid(height, width);
        return grid.cells() > 0 && Math.max(grid.height(), grid.width()) <= MOST_PATCHES_PER_SIDE && positions.fits(grid);
    }

    /** Tokens of a picture, [kinds.size() + patches, width]; pixels right and below that fill no patch are left out. */
    float[] embed(Backend backend, VisionEncoder.Picture picture, Work work) {
        Grid grid = grid(picture.height(), picture.width());
        float[] columns = columns(picture, grid);
        float[] embedded = new float[grid.cells() * width()];
        backend.linear(kernel, columns, grid.cells(), embedded, Activation.NONE, work);
        if (kinds.isEmpty()) {
            positions.add(grid, embedded, 0, width());
            return embedded;
        }
        float[] hidden = Arrays.copyOf(special, special.length + embedded.length);
        System.arraycopy(embedded, 0, hidden, special.length, embedded.length);
        positions.add(grid, hidden, special.length, width());
        return hidden;
    }

    /** The pixels of each patch in a row: [patches, channels * patch * patch]. */
    private float[] columns(VisionEncoder.Picture picture, Grid grid) {
        int p = patchSize;
        float[] columns = new float[grid.cells() * kernel.in()];
        for (int y = 0; y < grid.height(); y++) {
            for (int x = 0; x < grid.width(); x++) {
                int to = (y * grid.width() + x) * kernel.in();
                for (int c = 0; c < channels(); c++) {
                    for (int r = 0; r < p; r++, to += p) {
                        int row = (c * picture.height() + y * p + r) * picture.width() + x * p;
                        System.arraycopy(picture.pixels(), picture.offset() + row, columns, to, p);
                    }
                }
            }
        }
        return columns;
    }

    /** Patches per side of a picture of the model's own size. */
    static int side(int image, int patch) {
        if (image % patch != 0) throw new CheckpointException("config: image_size " + image + " is not a multiple of patch_size " + patch);
        if (image / patch > MOST_PATCHES_PER_SIDE) {
            throw new CheckpointException("config: an image_size of " + image + " makes too many patches of " + patch + " pixels");
        }
        return image / patch;
    }

    /** The sum of rows of two tables. */
    static float[] sum(float[] tokens, float[] positions) {
        float[] sum = new float[tokens.length];
        for (int i = 0; i < sum.length; i++) sum[i] = tokens[i] + positions[i];
        return sum;
    }

    /** Tables one under the other. */
    static float[] stacked(float[] above, float[] below) {
        float[] all = Arrays.copyOf(above, above.length + below.length);
        System.arraycopy(below, 0, all, above.length, below.length);
        return all;
    }
}
