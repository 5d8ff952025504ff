package dev.winnow.runtime.eval;

/** A plan's walk along the dense answer: sums the divergence at each place for as long as the tokens are the dense ones. */
final class Walk {
    private final DenseAnswer dense;
    private int place;
    private boolean along = true;
    private int compared;
    private int sameChoice;
    private double sum;

    Walk(DenseAnswer dense) {
        this.dense = dense;
    }

    /** The logits of the next place, and the token that comes there. */
    void step(float[] logits, int token) {
        if (along && place == compared && place < dense.places()) {
            float[] expected = dense.logits(place);
            sum += Divergence.kl(expected, logits);
            if (Divergence.highest(expected) == Divergence.highest(logits)) sameChoice++;
            compared++;
        }
        along &= place < dense.tokens().length && dense.tokens()[place] == token;
        place++;
    }

    /** Starts again at the first place; those compared before are not compared again. */
    void restart() {
        place = 0;
        along = true;
    }

    /** Whether places are left that only following the dense tokens gets to. */
    boolean unfinished() {
        return compared < dense.places();
    }

    int compared() {
        return compared;
    }

    /** Mean over the places compared; NaN where there were none. */
    double divergence() {
        return compared == 0 ? Double.NaN : sum / compared;
    }

    /** Share of the places compared where the most likely token is the dense one; NaN where there were none. */
    double sameChoice() {
        return compared == 0 ? Double.NaN : (double) sameChoice / compared;
    }
}
