package dev.winnow.runtime.sampling;

/**
 * Keeps the most likely tokens until their probabilities reach p, the one that crosses it included ({@code TopPLogitsWarper},
 * Holtzman et al. 2019, "The Curious Case of Neural Text Degeneration"). Of equally likely tokens those with lower ids stay.
 */
record TopP(double p) implements Warper {
    @Override
    public void warp(Candidates candidates) {
        double total = 0;
        double highest = candidates.logits[candidates.best()];
        for (int i = 0; i < candidates.size; i++) total += Math.exp(candidates.logits[i] - highest);
        Ranking ranking = new Ranking(candidates);
        double kept = 0;
        do {
            kept += Math.exp(candidates.logits[ranking.next()] - highest);
        } while (kept < p * total && ranking.hasNext());
        ranking.keepTaken();
    }
}
