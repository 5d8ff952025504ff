package dev.winnow.runtime.eval;

/** Distributions given by logits: log-probabilities, and how far one distribution is from another. */
final class Divergence {
    private Divergence() {}

    /** The logarithm of the sum of exponentials. */
    static double logSum(float[] logits) {
        double most = Double.NEGATIVE_INFINITY;
        for (float l : logits) most = Math.max(most, l);
        double sum = 0;
        for (float l : logits) sum += Math.exp(l - most);
        return most + Math.log(sum);
    }

    /** Kullback-Leibler divergence KL(p || q) in nats, of the softmaxes of two rows of logits; 0 for equal rows. */
    static double kl(float[] p, float[] q) {
        if (p.length != q.length) throw new IllegalArgumentException("distributions over " + p.length + " and " + q.length + " outcomes");
        double logP = logSum(p);
        double logQ = logSum(q);
        double sum = 0;
        for (int i = 0; i < p.length; i++) {
            double log = p[i] - logP;
            double probability = Math.exp(log);
            // what p never says does not count, whatever q says
            if (probability > 0) sum += probability * (log - (q[i] - logQ));
        }
        // rounding may leave a sum just below zero
        return Math.max(0, sum);
    }

    static int highest(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) if (logits[i] > logits[best]) best = i;
        return best;
    }
}
