package dev.winnow.runtime.sampling;

/** Divides the logits: below 1 the likely tokens gain, above 1 the unlikely ones ({@code TemperatureLogitsWarper}). */
record Temperature(double temperature) implements Warper {
    @Override
    public void warp(Candidates candidates) {
        // relative to the highest, so that a tiny temperature drives the others down instead of the highest to infinity
        float highest = candidates.logits[candidates.best()];
        for (int i = 0; i < candidates.size; i++) {
            candidates.logits[i] = (float) ((candidates.logits[i] - highest) / temperature);
        }
    }
}
