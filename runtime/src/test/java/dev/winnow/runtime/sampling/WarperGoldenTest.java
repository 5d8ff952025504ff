package dev.winnow.runtime.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.winnow.weights.Checkpoint;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Each warper against what transformers 4.51.3 makes of the same logits. */
class WarperGoldenTest {
    private static final int ROWS = 3;
    private static final int WIDTH = 40;

    @TestFactory
    Stream<DynamicTest> agreesWithTransformers() throws URISyntaxException {
        Path file = Path.of(WarperGoldenTest.class.getResource("/sampling/logits-processors.safetensors").toURI());
        Map<String, List<Warper>> cases = Map.of(
                "temperature", List.of(new Temperature(0.7)),
                "top_k", List.of(new TopK(10)),
                "top_p", List.of(new TopP(0.8)),
                "min_p", List.of(new MinP(0.1)),
                "repetition", List.of(),
                "chain", List.of(new Temperature(0.7), new TopK(10), new TopP(0.8)));
        try (Checkpoint golden = Checkpoint.open(file)) {
            float[] logits = golden.tensor("in.logits").toFloats();
            int[] history = Arrays.stream(golden.tensor("in.input_ids").toLongs()).mapToInt(Math::toIntExact).toArray();
            int historyLength = history.length / ROWS;
            return cases.entrySet().stream().flatMap(entry -> {
                String name = entry.getKey();
                long[] kept = golden.tensor("out." + name + ".kept").toLongs();
                float[] probabilities = golden.tensor("out." + name + ".probs").toFloats();
                return IntStream.range(0, ROWS).mapToObj(row -> dynamicTest(name + ", row " + row, () -> {
                    float[] scores = Arrays.copyOfRange(logits, row * WIDTH, (row + 1) * WIDTH);
                    if (name.equals("repetition") || name.equals("chain")) {
                        int[] own = Arrays.copyOfRange(history, row * historyLength, (row + 1) * historyLength);
                        RepetitionPenalty.apply(1.3, scores.clone(), own, own.length, scores);
                    }
                    Candidates candidates = new Candidates();
                    candidates.reset(scores);
                    entry.getValue().forEach(warper -> warper.warp(candidates));
                    double[] found = probabilities(candidates);
                    for (int id = 0; id < WIDTH; id++) {
                        assertThat(found[id] > 0).as("whether token %d is kept", id).isEqualTo(kept[row * WIDTH + id] == 1);
                        assertThat(found[id]).as("probability of %d", id).isCloseTo(probabilities[row * WIDTH + id], within(1e-6));
                    }
                }));
            }).toList().stream();
        }
    }

    private static double[] probabilities(Candidates candidates) {
        double[] weights = candidates.weights();
        double total = Arrays.stream(weights, 0, candidates.size).sum();
        double[] probabilities = new double[WIDTH];
        for (int i = 0; i < candidates.size; i++) probabilities[candidates.ids[i]] = weights[i] / total;
        return probabilities;
    }
}
