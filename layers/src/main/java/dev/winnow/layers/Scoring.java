package dev.winnow.layers;

/** What makes weights of the products of queries and keys; the parts are those of {@link Attention}. */
record Scoring(float scale, float softcap, RelativePositionBias relative, AttentionMask mask) {
    static Scoring of(Attention attention) {
        return new Scoring(attention.scale(), attention.softcap(), attention.relative(), attention.mask());
    }

    /** Factor and mask alone. */
    static Scoring of(float scale, AttentionMask mask) {
        return new Scoring(scale, 0f, null, mask);
    }

    /** By content alone. */
    Scoring withoutPositions() {
        return new Scoring(scale, softcap, null, mask);
    }
}
