package dev.winnow.layers;

/**
 * Multi-head attention with grouped keys and values.
 *
 * @param query     [heads * headDim, width]
 * @param key       [kvHeads * headDim, width]; heads is a multiple of kvHeads
 * @param value     as key
 * @param output    [width, heads * headDim]
 * @param scale     factor on the logits, usually 1 / sqrt(headDim)
 * @param mask      which keys a query sees
 * @param rotary    rotation of queries and keys, or null for none
 * @param queryNorm of queries before their rotation, head by head or over all heads at once as its width says; null for none
 * @param keyNorm   of keys likewise (Henry et al. 2020, Dehghani et al. 2023)
 * @param softcap   bound c on the logits, {@code c tanh(logit / c)} (Gemma Team 2024), or 0 for none
 * @param relative  added to the bounded logits by relative position, or null for nothing
 */
public record Attention(Linear query, Linear key, Linear value, Linear output, int heads, int kvHeads, int headDim,
                        float scale, AttentionMask mask, RotaryEmbedding rotary, Norm queryNorm, Norm keyNorm, float softcap,
                        RelativePositionBias relative) {
    /** Attention with neither norms, nor a bound, nor a relative position bias. */
    public Attention(Linear query, Linear key, Linear value, Linear output, int heads, int kvHeads, int headDim,
                     float scale, AttentionMask mask, RotaryEmbedding rotary) {
        this(query, key, value, output, heads, kvHeads, headDim, scale, mask, rotary, null, null, 0f, null);
    }

    /** The same attention with other projections of the same shapes in front. */
    public Attention with(Linear otherQuery, Linear otherKey, Linear otherValue) {
        return new Attention(otherQuery, otherKey, otherValue, output, heads, kvHeads, headDim, scale, mask, rotary, queryNorm, keyNorm,
                softcap, relative);
    }

    /** The same attention with norms of queries and keys. */
    public Attention withNorms(Norm ofQueries, Norm ofKeys) {
        return new Attention(query, key, value, output, heads, kvHeads, headDim, scale, mask, rotary, ofQueries, ofKeys, softcap, relative);
    }

    /** The same attention with another factor on the logits. */
    public Attention withScale(float other) {
        return new Attention(query, key, value, output, heads, kvHeads, headDim, other, mask, rotary, queryNorm, keyNorm, softcap, relative);
    }

    /** The same attention with a relative position bias, or null for none. */
    public Attention withRelative(RelativePositionBias other) {
        return new Attention(query, key, value, output, heads, kvHeads, headDim, scale, mask, rotary, queryNorm, keyNorm, softcap, other);
    }

    /** The same attention with a bound on the logits. */
    public Attention withSoftcap(float bound) {
        return new Attention(query, key, value, output, heads, kvHeads, headDim, scale, mask, rotary, queryNorm, keyNorm, bound, relative);
    }
}
