package dev.winnow.layers;

/**
 * Multi-head attention with grouped keys and values.
 *
 * @param query   [heads * headDim, width]
 * @param key     [kvHeads * headDim, width]; heads is a multiple of kvHeads
 * @param value   as key
 * @param output  [width, heads * headDim]
 * @param scale   factor on the logits, usually 1 / sqrt(headDim)
 * @param rotary   rotation of queries and keys, or null for none
 * @param relative added to the logits by relative position, or null for nothing
 */
public record Attention(Linear query, Linear key, Linear value, Linear output, int heads, int kvHeads, int headDim,
                        float scale, AttentionMask mask, RotaryEmbedding rotary, RelativePositionBias relative) {
    /** Attention without a relative position bias. */
    public Attention(Linear query, Linear key, Linear value, Linear output, int heads, int kvHeads, int headDim, float scale,
                     AttentionMask mask, RotaryEmbedding rotary) {
        this(query, key, value, output, heads, kvHeads, headDim, scale, mask, rotary, null);
    }

    /** The same attention with other projections of the same shapes in front. */
    public Attention with(Linear otherQuery, Linear otherKey, Linear otherValue) {
        return new Attention(otherQuery, otherKey, otherValue, output, heads, kvHeads, headDim, scale, mask, rotary, relative);
    }
}
