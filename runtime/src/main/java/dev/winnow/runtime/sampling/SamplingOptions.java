package dev.winnow.runtime.sampling;

/**
 * How the next token is chosen from the logits; the names and meanings are those of Hugging Face's generation config.
 *
 * @param temperature       divides the logits; 0 takes the most likely token always (greedy)
 * @param topK              keeps the k most likely tokens; 0 keeps all
 * @param topP              keeps the most likely tokens that together reach this probability, in (0, 1]; 1 keeps all
 * @param minP              keeps tokens at least this fraction as likely as the most likely one, in [0, 1]; 0 keeps all
 * @param repetitionPenalty makes tokens of the history less likely (above 1) or more (below 1); 1 leaves them alone
 * @param seed              same seed, same logits: same tokens
 */
public record SamplingOptions(double temperature, int topK, double topP, double minP, double repetitionPenalty, long seed) {
    /** @throws IllegalArgumentException when a value is outside its range */
    public SamplingOptions {
        require(temperature >= 0 && Double.isFinite(temperature), "temperature", "0 or more", temperature);
        require(topK >= 0, "top-k", "0 (off) or more", topK);
        require(topP > 0 && topP <= 1, "top-p", "above 0 and at most 1", topP);
        require(minP >= 0 && minP <= 1, "min-p", "between 0 and 1", minP);
        require(repetitionPenalty > 0 && Double.isFinite(repetitionPenalty), "repetition-penalty", "above 0", repetitionPenalty);
    }

    // written so that NaN fails
    private static void require(boolean inRange, String name, String range, Number value) {
        if (!inRange) throw new IllegalArgumentException(name + " should be " + range + " but is " + value);
    }

    /** The most likely token, always. */
    public static SamplingOptions greedy() {
        return new SamplingOptions(0, 0, 1, 0, 1, 0);
    }

    public SamplingOptions withTemperature(double temperature) {
        return new SamplingOptions(temperature, topK, topP, minP, repetitionPenalty, seed);
    }

    public SamplingOptions withTopK(int topK) {
        return new SamplingOptions(temperature, topK, topP, minP, repetitionPenalty, seed);
    }

    public SamplingOptions withTopP(double topP) {
        return new SamplingOptions(temperature, topK, topP, minP, repetitionPenalty, seed);
    }

    public SamplingOptions withMinP(double minP) {
        return new SamplingOptions(temperature, topK, topP, minP, repetitionPenalty, seed);
    }

    public SamplingOptions withRepetitionPenalty(double repetitionPenalty) {
        return new SamplingOptions(temperature, topK, topP, minP, repetitionPenalty, seed);
    }

    public SamplingOptions withSeed(long seed) {
        return new SamplingOptions(temperature, topK, topP, minP, repetitionPenalty, seed);
    }

    /** Whether the choice needs no chance. */
    public boolean isGreedy() {
        return temperature == 0;
    }
}
