package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Backend;
import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.KeyValues;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Norm;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.Tokens;
import dev.winnow.runtime.RequestException;
import dev.winnow.weights.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToIntFunction;

/**
 * A text tower with learned positions: one token of its output, after a norm, stands for the text.
 *
 * @param embeddings [vocabulary, width]
 * @param positions  [context, width]
 * @param pooled     which token of a text's ids stands for it
 * @param head       of the tower itself, on that token, or null
 * @param projection into the space that pictures are in too, or null where the tower ends in it
 * @param padding    id that texts are filled up with to the context, or -1 where they are as long as they are
 */
public record TextEncoder(Backend backend, Tensor embeddings, float[] positions, List<CompiledLayer> layers, Norm finalNorm, int context,
                          ToIntFunction<int[]> pooled, Linear head, Linear projection, int padding) {
    public int width() {
        return embeddings.dim(1);
    }

    /**
     * The projected token that stands for a text, not normalised.
     *
     * @param mask which tokens may be attended to, or null for all
     */
    float[] features(int[] ids, boolean[] mask, Workspace workspace, Trace trace) {
        int width = width();
        int n = ids.length;
        if (n > context) throw new RequestException("the text has " + n + " tokens, but the model's context is " + context);
        float[] hidden = new float[n * width];
        EmbeddingTable.lookUp(embeddings, ids, hidden, 0);
        for (int i = 0; i < hidden.length; i++) hidden[i] += positions[i];
        if (trace != null) trace.item("text.embed", hidden, n, width);
        Tokens tokens = new Tokens(hidden, width, TokenLedger.uniform(n, 0, TokenKind.TEXT));
        run(tokens, mask, workspace, trace);
        float[] normed = new float[n * width];
        backend.normalise(finalNorm, tokens.hidden(), n, width, normed);
        int end = pooled.applyAsInt(ids) * width;
        float[] token = apply(head, Arrays.copyOfRange(normed, end, end + width), workspace);
        if (trace != null) {
            trace.item("text.final_norm", normed, n, width);
            trace.item("text_last_hidden", normed, n, width);
            trace.item("text_pooled", token, token.length);
        }
        return apply(projection, token, workspace);
    }

    private float[] apply(Linear linear, float[] x, Workspace workspace) {
        if (linear == null) return x;
        float[] y = new float[linear.out()];
        backend.linear(linear, x, 1, y, Activation.NONE, workspace.work());
        return y;
    }

    /** A text's ids filled up to the context, where the tower was trained on such texts only. */
    public int[] padded(int[] ids) {
        if (padding < 0 || ids.length >= context) return ids;
        int[] filled = Arrays.copyOf(ids, context);
        Arrays.fill(filled, ids.length, context, padding);
        return filled;
    }

    /** All blocks over the tokens; masked ones are not attended to. */
    private void run(Tokens tokens, boolean[] mask, Workspace workspace, Trace trace) {
        int heads = layers.getFirst().description().attention().heads();
        KeyValues kv = new KeyValues(heads, width() / heads, tokens.count());
        float[] bias = null;
        if (mask != null) {
            bias = new float[mask.length];
            for (int i = 0; i < bias.length; i++) bias[i] = mask[i] ? 0 : Float.NEGATIVE_INFINITY;
        }
        for (int l = 0; l < layers.size(); l++) {
            kv.clear();
            layers.get(l).attend(tokens.hidden(), tokens.count(), tokens.ledger().positions(), bias, kv, List.of(), workspace);
            layers.get(l).mlp(tokens.hidden(), tokens.count(), workspace);
            if (trace != null) trace.item("text.layer." + l, tokens.hidden(), tokens.count(), width());
        }
    }
}
