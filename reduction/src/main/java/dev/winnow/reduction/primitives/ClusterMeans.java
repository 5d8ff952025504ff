package dev.winnow.reduction.primitives;

import dev.winnow.reduction.Observation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** Image tokens of a prompt merged by density peaks: each cluster becomes its mean. */
public final class ClusterMeans {
    private ClusterMeans() {}

    /**
     * The clusters of all pictures that have more tokens than the budget leaves, as new tokens at the places of their centres. Members
     * are in the order of their distance to the centre, which comes first.
     *
     * @param keep       tokens left of each picture
     * @param neighbours that the density of a place goes by
     */
    public static List<PromptImages.Part> ofEachPicture(Observation o, Budget keep, int neighbours) {
        List<PromptImages.Part> parts = new ArrayList<>();
        for (int[] tokens : PromptImages.of(o.tokens().ledger())) {
            int k = Math.max(1, keep.of(tokens.length, Budget.Rounding.UP));
            if (k < tokens.length) addClusters(o, tokens, k, neighbours, parts);
        }
        return parts;
    }

    private static void addClusters(Observation o, int[] tokens, int k, int neighbours, List<PromptImages.Part> parts) {
        int width = o.tokens().width();
        float[] x = PromptImages.features(o, tokens);
        DensityPeaks peaks = DensityPeaks.of(x, tokens.length, width, neighbours, k);
        for (int c = 0; c < k; c++) {
            int cluster = c;
            int centre = peaks.centres()[c];
            int[] members = IntStream.range(0, tokens.length).filter(i -> i != centre && peaks.clusters()[i] == cluster).boxed()
                    .sorted(Comparator.comparingDouble(i -> SquaredDistance.between(x, i * width, x, centre * width, width)))
                    .mapToInt(i -> tokens[i]).toArray();
            int[] of = IntStream.concat(IntStream.of(tokens[centre]), Arrays.stream(members)).toArray();
            float[] weights = new float[of.length];
            Arrays.fill(weights, 1f / of.length);
            // heavier by the last bit, so that the new token takes the centre's place
            if (of.length > 1) weights[0] = Math.nextUp(weights[0]);
            parts.add(new PromptImages.Part(tokens[centre], of, weights));
        }
    }
}
