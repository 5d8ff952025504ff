package dev.winnow.runtime.sampling;

/**
 * Keeps the k most likely tokens, and those exactly as likely as the last of them ({@code TopKLogitsWarper}, Fan et al. 2018,
 * "Hierarchical Neural Story Generation").
 */
record TopK(int k) implements Warper {
    @Override
    public void warp(Candidates candidates) {
        if (k >= candidates.size) return;
        Ranking ranking = new Ranking(candidates);
        int last = 0;
        for (int i = 0; i < k; i++) last = ranking.next();
        candidates.keepFrom(candidates.logits[last]);
    }
}
