package dev.winnow.runtime.sampling;

/**
 * Keeps the tokens at least p times as likely as the most likely one ({@code MinPLogitsWarper}, Nguyen et al. 2024, "Turning
 * Up the Heat: Min-p Sampling").
 */
record MinP(double p) implements Warper {
    @Override
    public void warp(Candidates candidates) {
        candidates.keepFrom((float) (candidates.logits[candidates.best()] + Math.log(p)));
    }
}
