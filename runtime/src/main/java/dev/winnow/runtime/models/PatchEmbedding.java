package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Backend;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.Grid;
import dev.winnow.reduction.TokenKind;
import dev.winnow.runtime.images.PatchRows;
import dev.winnow.weights.CheckpointException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * How a picture becomes tokens: a convolution cuts it into patches, each gets its place, and tokens that are no patches come in front.
 *
 * @param imageSize side of the pictures that the model was made for
 * @param kernel    [width, channels, patch, patch], with or without bias; or [width, channels, frames, patch, patch]
 * @param kinds     of the tokens in front
 * @param special   the tokens in front with their positions, [kinds.size(), width]
 */
record PatchEmbedding(int imageSize, int patchSize, int channels, Linear kernel, List<TokenKind> kinds, float[] special,
                      PatchPositions positions, PatchOrder order) implements Stem {
    /** Patches row by row. */
    PatchEmbedding(int imageSize, int patchSize, Linear kernel, List<TokenKind> kinds, float[] special, PatchPositions positions) {
        this(imageSize, patchSize, kernel.in() / (patchSize * patchSize), kernel, kinds, special, positions, PatchOrder.ROWS);
    }

    private static final int MOST_PATCHES_PER_SIDE = 1024;

    @Override
    public int width() {
        return kernel.out();
    }

    /** How often a picture is repeated as frames of a film. */
    private int frames() {
        return kernel.in() / (channels * patchSize * patchSize);
    }

    @Override
    public Grid grid(int height, int width) {
        return new Grid(height / patchSize, width / patchSize);
    }

    Grid grid() {
        return grid(imageSize, imageSize);
    }

    @Override
    public boolean takes(int height, int width) {
        Grid grid = grid(height, width);
        boolean squares = height % (patchSize * order.square()) == 0 && width % (patchSize * order.square()) == 0;
        return grid.cells() > 0 && (squares || order.byRows()) && Math.max(grid.height(), grid.width()) <= MOST_PATCHES_PER_SIDE
                && positions.fits(grid);
    }

    /** Pixels right and below that fill no patch are left out. */
    @Override
    public float[] embed(Backend backend, VisionEncoder.Picture picture, Workspace workspace, Trace trace) {
        Grid grid = grid(picture.height(), picture.width());
        Grid seen = picture.seen() == null ? grid : picture.seen();
        float[] columns = columns(picture);
        float[] embedded = new float[grid.cells() * width()];
        backend.linear(kernel, columns, grid.cells(), embedded, Activation.NONE, workspace.work());
        if (kinds.isEmpty()) {
            positions.add(grid, seen, embedded, 0, width());
            return embedded;
        }
        float[] hidden = Arrays.copyOf(special, special.length + embedded.length);
        System.arraycopy(embedded, 0, hidden, special.length, embedded.length);
        positions.add(grid, seen, hidden, special.length, width());
        return hidden;
    }

    /** The pixels of each patch in a row: [patches, channels * frames * patch * patch]. */
    float[] columns(VisionEncoder.Picture picture) {
        if (picture.cut()) {
            int length = grid(picture.height(), picture.width()).cells() * kernel.in();
            return Arrays.copyOfRange(picture.pixels(), picture.offset(), picture.offset() + length);
        }
        return PatchRows.cut(picture.pixels(), picture.offset(), channels, picture.height(), picture.width(), patchSize, order.square(),
                frames());
    }

    @Override
    public long flops() {
        return grid().cells() * ComputeCost.product(kernel);
    }

    @Override
    public long scratch() {
        return 0;
    }

    @Override
    public Map<String, Linear> linears() {
        return Map.of("patch embedding", kernel);
    }

    @Override
    public String description() {
        return "";
    }

    /** The pixels of each patch in a row, of frames one after the other within each channel. */
    float[] columns(List<VisionEncoder.Picture> frames) {
        return PatchRows.beside(frames.stream().map(f -> PatchRows.cut(f.pixels(), f.offset(), channels, f.height(), f.width(), patchSize,
                order.square(), 1)).toList(), patchSize * patchSize);
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
