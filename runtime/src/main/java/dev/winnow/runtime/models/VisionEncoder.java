package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Norm;
import dev.winnow.layers.RotaryAxes;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.Grid;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.StackRunner;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.TokenMap;
import dev.winnow.reduction.Tokens;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * A vision transformer up to its last block (Dosovitskiy et al. 2020). The families that differ in names, tokens, positions and norms
 * build one of these.
 *
 * @param embedding what makes tokens of a picture
 * @param preNorm   norm after the positions, or null
 * @param finalNorm norm after the last block, or null where pooling has its own
 */
public record VisionEncoder(Backend backend, Stem embedding, Norm preNorm, StackRunner stack, Norm finalNorm) {

    /** Tokens of one image and, by block number, the outputs of earlier blocks, reduced alike. */
    public record Encoded(Tokens tokens, Map<Integer, float[]> captured) {}

    /**
     * A picture as a tower takes it.
     *
     * @param pixels [channels, height, width] from offset on; or, cut, the pixels of each patch in the order in which the tower joins them
     * @param seen   the part of its patches, from the top left corner, that is no padding; null for all of them
     */
    public record Picture(float[] pixels, int offset, int height, int width, Grid seen, boolean cut) {
        public Picture(float[] pixels, int offset, int height, int width) {
            this(pixels, offset, height, width, null, false);
        }
    }

    public int layers() {
        return stack.layers();
    }

    public int width() {
        return embedding.width();
    }

    /** Side of the pictures that the tower was made for. */
    public int imageSize() {
        return embedding.imageSize();
    }

    public int patchSize() {
        return embedding.patchSize();
    }

    /** The map from a patch's pixels to its token. */
    public Linear patches() {
        return cutting().kernel();
    }

    private PatchEmbedding cutting() {
        if (embedding instanceof PatchEmbedding p) return p;
        throw new IllegalStateException("this tower does not cut its pictures into patches");
    }

    /** What makes tokens of a picture, in a few words; empty where patches are cut and that is all. */
    public String stem() {
        return embedding.description();
    }

    /** Bytes of scratch that making tokens takes, beside what layers need. */
    public long stemScratch() {
        return embedding.scratch();
    }

    /** Colour channels of the pictures it looks at. */
    public int channels() {
        return embedding.channels();
    }

    /** Patches per side of a picture of the tower's own size. */
    public int grid() {
        return imageSize() / patchSize();
    }

    /** Patches of a picture of the tower's own size. */
    public int patchCount() {
        return grid(imageSize(), imageSize()).cells();
    }

    /** Whether pictures of other sizes than the tower's own can be looked at. */
    public boolean takesAnySize() {
        int two = 2 * patchSize() * embedding.order().square();
        return takes(imageSize() + two, imageSize()) || takes(imageSize() - two, imageSize());
    }

    /** Whether pictures of a size can be looked at. */
    public boolean takes(int height, int width) {
        return embedding.takes(height, width);
    }

    /** Patches of a picture of a size. */
    public Grid grid(int height, int width) {
        return embedding.grid(height, width);
    }

    /** Tokens in front of the patches. */
    public int specialTokens() {
        return embedding.kinds().size();
    }

    public boolean hasClassToken() {
        return embedding.kinds().contains(TokenKind.CLASS);
    }

    /** Whether patches come square by square, as their pixels do in tensors for such towers. */
    public boolean joinsSquares() {
        return !embedding.order().byRows();
    }

    /** The pixels of a picture's patches, [patches, pixels of a patch], in the order in which the tower takes them. */
    public float[] cut(Picture picture) {
        return cutting().columns(picture);
    }

    /**
     * Consecutive frames of a film as one picture.
     *
     * @param frames as many as the tower looks at as one, of one size
     */
    public Picture moment(List<Picture> frames) {
        Picture first = frames.getFirst();
        if (frames.size() == 1) return first;
        return new Picture(cutting().columns(frames), 0, first.height(), first.width(), null, true);
    }

    /** The same tower in front of something, such as a projector. */
    VisionEncoder before(StackRunner.Beyond beyond) {
        return new VisionEncoder(backend, embedding, preNorm, stack.before(beyond), finalNorm);
    }

    ModelShape.Vision shape(int featureLayer) {
        return shape(featureLayer, false);
    }

    /** @param whole whether what follows needs every patch in its place */
    ModelShape.Vision shape(int featureLayer, boolean whole) {
        return new ModelShape.Vision(layers(), featureLayer, hasClassToken(), patchCount(), specialTokens(), whole);
    }

    /** The books of a picture's tokens before anything is reduced. */
    private TokenLedger ledger(Grid grid, int image) {
        PatchOrder order = embedding.order();
        return order.byRows() ? TokenLedger.picture(embedding.kinds(), grid, image) : TokenLedger.picture(order.read(grid), grid, image);
    }

    /** {@link #encode(Picture, int, int, Schedule, Workspace, int[], Trace, StackListener)} of a picture of the tower's own size. */
    public Encoded encode(float[] pixels, int offset, int image, int until, Schedule schedule, Workspace workspace,
                   int[] capture, Trace trace, StackListener listener) {
        return encode(new Picture(pixels, offset, imageSize(), imageSize()), image, until, schedule, workspace, capture, trace, listener);
    }

    /**
     * Runs the first blocks over one image.
     *
     * @param picture of a size that the tower {@link #takes}
     * @param until   number of blocks to run
     * @param capture blocks (-1: before the first) whose outputs are wanted beside the last one's
     */
    public Encoded encode(Picture picture, int image, int until, Schedule schedule, Workspace workspace,
                   int[] capture, Trace trace, StackListener listener) {
        int width = width();
        Grid grid = grid(picture.height(), picture.width());
        PatchOrder order = embedding.order();
        float[] hidden = embedding.embed(backend, picture, workspace, trace);
        int n = hidden.length / width;
        traceEmbedding(picture, grid, hidden, trace);
        if (!order.byRows()) {
            hidden = inOrder(hidden, order.patches(grid), order.read(grid), width);
            RotaryAxes.Places places = places(order.read(grid), grid);
            workspace.places(places);
            if (trace != null) traceOrder(grid, places, n, trace);
        }
        if (preNorm != null) {
            backend.normalise(preNorm, hidden, n, width, hidden);
            if (trace != null) trace.item("vision.pre_norm", hidden, n, width);
        }
        Tokens tokens = new Tokens(hidden, width, ledger(grid, image));
        Map<Integer, float[]> captured = new HashMap<>();
        for (int c : capture) if (c < 0) captured.put(c, hidden.clone());
        stack.run(tokens, hidden(picture.seen(), grid), until, null, schedule, workspace, new StackListener() {
            @Override
            public void layer(Stage stage, int layer, Tokens now) {
                if (trace != null && order.byRows()) trace.item("vision.layer." + layer, now.hidden(), now.count(), width);
                else if (trace != null) trace.rows("vision.layer." + layer, now.hidden(), now.count(), width);
                for (int c : capture) {
                    if (c == layer) captured.put(c, Arrays.copyOf(now.hidden(), now.count() * width));
                }
                listener.layer(stage, layer, now);
            }

            @Override
            public void ran(Stage stage, int layer, int count) {
                listener.ran(stage, layer, count);
            }

            @Override
            public void acted(ReductionEvent event, Outcome outcome, Tokens now, long nanos) {
                for (TokenMap map : outcome.maps()) {
                    captured.replaceAll((layer, states) -> {
                        float[] moved = new float[map.rows() * width];
                        map.apply(states, width, moved);
                        return moved;
                    });
                }
                listener.acted(event, outcome, now, nanos);
            }

            @Override
            public void reported(ReductionEvent event, String name, float[] values, int[] shape) {
                listener.reported(event, name, values, shape);
            }

            @Override
            public boolean hears() {
                return listener.hears();
            }
        });
        workspace.places(null);
        return new Encoded(tokens, captured);
    }

    private void traceEmbedding(Picture picture, Grid grid, float[] hidden, Trace trace) {
        if (trace == null) return;
        if (!embedding.order().byRows()) {
            trace.rows("vision.patch_embed", hidden, grid.cells(), width());
            return;
        }
        trace.item("vision.embed", hidden, hidden.length / width(), width());
        if (embedding instanceof PatchEmbedding p && p.positions() instanceof PatchPositions.Spread s) {
            trace.indices("vision.position_ids", s.places(grid, picture.seen() == null ? grid : picture.seen()));
        }
    }

    private void traceOrder(Grid grid, RotaryAxes.Places places, int n, Trace trace) {
        RotaryEmbedding rotary = stack.descriptions().getFirst().attention().rotary();
        trace.rows("vision.rot_pos_emb", rotary.angles(IntStream.range(0, n).toArray(), n, places), n, rotary.half());
        trace.places("vision.window_index", embedding.order().order(grid));
        trace.bounds("vision.cu_window_seqlens", embedding.order().bounds(grid));
    }

    /** Rows of patches that come in one order in another. */
    private static float[] inOrder(float[] rows, int[] from, int[] to, int width) {
        int[] at = new int[from.length];
        for (int i = 0; i < from.length; i++) at[from[i]] = i;
        float[] ordered = new float[rows.length];
        for (int i = 0; i < to.length; i++) System.arraycopy(rows, at[to[i]] * width, ordered, i * width, width);
        return ordered;
    }

    /** Rows and columns of patches, for rotary positions. */
    private static RotaryAxes.Places places(int[] patches, Grid grid) {
        return new RotaryAxes.Places(new int[][] {Arrays.stream(patches).map(grid::row).toArray(), Arrays.stream(patches).map(grid::column).toArray()},
                0);
    }

    /** Patches that are padding, which nothing looks at; null where there are none. */
    private boolean[] hidden(Grid seen, Grid grid) {
        if (seen == null || seen.equals(grid)) return null;
        boolean[] hidden = new boolean[specialTokens() + grid.cells()];
        for (int i = 0; i < grid.cells(); i++) {
            hidden[specialTokens() + i] = grid.row(i) >= seen.height() || grid.column(i) >= seen.width();
        }
        return hidden;
    }

    /** All tokens after the final norm, [tokens, width]; as they are where the tower has none. */
    public float[] normed(Tokens tokens) {
        if (finalNorm == null) return Arrays.copyOf(tokens.hidden(), tokens.count() * width());
        float[] normed = new float[tokens.count() * width()];
        backend.normalise(finalNorm, tokens.hidden(), tokens.count(), width(), normed);
        return normed;
    }
}
