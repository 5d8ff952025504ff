package dev.winnow.layers;

/**
 * What makes weights of the products of queries and keys; the parts are those of {@link Attention}.
 *
 * @param ends for each query one past the last of the arriving tokens that it sees, in place of what the mask says; or null
 */
record Scoring(float scale, float softcap, RelativePositionBias relative, AttentionMask mask, int[] ends) {
    Scoring(float scale, float softcap, RelativePositionBias relative, AttentionMask mask) {
        this(scale, softcap, relative, mask, null);
    }

    static Scoring of(Attention attention) {
        return new Scoring(attention.scale(), attention.softcap(), attention.relative(), attention.mask());
    }

    /** Factor and mask alone. */
    static Scoring of(float scale, AttentionMask mask) {
        return new Scoring(scale, 0f, null, mask);
    }

    /** As the attention of arriving tokens that a mode changes. */
    Scoring in(AttentionMode mode) {
        return mode instanceof AttentionMode.Reaching(int[] reach) ? new Scoring(scale, softcap, relative, mask, reach) : this;
    }

    /** By content alone. */
    Scoring withoutPositions() {
        return new Scoring(scale, softcap, null, mask);
    }
}
