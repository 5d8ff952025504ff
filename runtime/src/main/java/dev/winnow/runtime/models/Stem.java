package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.Grid;
import dev.winnow.reduction.TokenKind;
import java.util.List;
import java.util.Map;

/**
 * How a picture becomes the tokens that a tower's stack runs over: all that still works on its grid. That may be one product, or most of
 * a network. Reduction begins behind it.
 */
sealed interface Stem permits PatchEmbedding, Pyramid, TokensToToken {
    /** Side of the pictures that the model was made for. */
    int imageSize();

    /** Pixels from one patch to the next. */
    int patchSize();

    int channels();

    /** Of a token. */
    int width();

    /** The tokens in front of the patches. */
    List<TokenKind> kinds();

    PatchOrder order();

    /** Whether pictures of a size can be looked at. */
    boolean takes(int height, int width);

    /** Patches that a picture of a size leaves with. */
    Grid grid(int height, int width);

    /**
     * Tokens of a picture, [kinds + patches, width].
     *
     * @param trace told of what happens on the way, or null
     */
    float[] embed(Backend backend, VisionEncoder.Picture picture, Workspace workspace, Trace trace);

    /** Floating-point operations over a picture of the model's own size. */
    long flops();

    /** Bytes of scratch on the way, beside what the stack needs. */
    long scratch();

    /** Its matrices, by what they do. */
    Map<String, Linear> linears();

    /** What it is made of, in a few words; empty where patches are cut and that is all. */
    String description();
}
