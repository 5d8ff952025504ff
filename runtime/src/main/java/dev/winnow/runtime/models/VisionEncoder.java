package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Backend;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Norm;
import dev.winnow.layers.Work;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.StackRunner;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.TokenMap;
import dev.winnow.reduction.Tokens;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * A vision transformer up to its last block: patches, class token, positions, blocks (Dosovitskiy et al. 2020). The families that
 * differ in names and norms build one of these.
 *
 * @param patches   kernel [width, 3, patch, patch]
 * @param classToken length width
 * @param positions [1 + patches, width]
 * @param preNorm   norm after the positions, or null
 * @param finalNorm norm after the last block
 */
public record VisionEncoder(Backend backend, int imageSize, int patchSize, int width, Linear patches, float[] classToken,
                     float[] positions, Norm preNorm, StackRunner stack, Norm finalNorm) {

    /** Tokens of one image and, by block number, the outputs of earlier blocks, reduced alike. */
    public record Encoded(Tokens tokens, Map<Integer, float[]> captured) {}

    public int layers() {
        return stack.layers();
    }

    /** Colour channels of the pictures it looks at. */
    public int channels() {
        return patches.in() / (patchSize * patchSize);
    }

    public int grid() {
        return imageSize / patchSize;
    }

    public int patchCount() {
        return grid() * grid();
    }

    /** The same tower in front of something, such as a projector. */
    VisionEncoder before(StackRunner.Beyond beyond) {
        return new VisionEncoder(backend, imageSize, patchSize, width, patches, classToken, positions, preNorm, stack.before(beyond), finalNorm);
    }

    ModelShape.Vision shape(int featureLayer) {
        return new ModelShape.Vision(layers(), featureLayer, true, patchCount());
    }

    /**
     * Runs the first blocks over one image.
     *
     * @param pixels  [3, imageSize, imageSize] from offset on
     * @param until   number of blocks to run
     * @param capture blocks (-1: before the first) whose outputs are wanted beside the last one's
     */
    public Encoded encode(float[] pixels, int offset, int image, int until, Schedule schedule, Workspace workspace,
                   int[] capture, Trace trace, StackListener listener) {
        int n = 1 + patchCount();
        float[] hidden = new float[n * width];
        embed(pixels, offset, hidden, workspace.work());
        if (trace != null) trace.item("vision.embed", hidden, n, width);
        if (preNorm != null) {
            backend.normalise(preNorm, hidden, n, width, hidden);
            if (trace != null) trace.item("vision.pre_norm", hidden, n, width);
        }
        Tokens tokens = new Tokens(hidden, width, TokenLedger.patches(patchCount(), true, image));
        Map<Integer, float[]> captured = new HashMap<>();
        for (int c : capture) if (c < 0) captured.put(c, hidden.clone());
        stack.run(tokens, until, null, schedule, workspace, new StackListener() {
            @Override
            public void layer(Stage stage, int layer, Tokens now) {
                if (trace != null) trace.item("vision.layer." + layer, now.hidden(), now.count(), width);
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
        });
        return new Encoded(tokens, captured);
    }

    /** The class token after the final norm: [width]. */
    public float[] normedClass(Tokens tokens) {
        float[] normed = new float[width];
        backend.normalise(finalNorm, tokens.hidden(), 1, width, normed);
        return normed;
    }

    private void embed(float[] pixels, int offset, float[] hidden, Work work) {
        int p = patchSize;
        int g = grid();
        float[] columns = new float[g * g * patches.in()];
        for (int y = 0; y < g; y++) {
            for (int x = 0; x < g; x++) {
                int to = (y * g + x) * patches.in();
                for (int c = 0; c < channels(); c++) {
                    for (int r = 0; r < p; r++, to += p) {
                        System.arraycopy(pixels, offset + (c * imageSize + y * p + r) * imageSize + x * p, columns, to, p);
                    }
                }
            }
        }
        float[] embedded = new float[g * g * width];
        backend.linear(patches, columns, g * g, embedded, Activation.NONE, work);
        System.arraycopy(classToken, 0, hidden, 0, width);
        System.arraycopy(embedded, 0, hidden, width, embedded.length);
        for (int i = 0; i < hidden.length; i++) hidden[i] += positions[i];
    }
}
