package dev.winnow.reduction.primitives;

import dev.winnow.reduction.TokenMap;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Tokens that go are averaged into the kept ones most like them. */
public final class NearestKept {
    private NearestKept() {}

    /**
     * The map that leaves the kept tokens, each the plain mean of itself and of the others of its group that are most similar to it
     * (cosine). Of a group that keeps none, all are dropped.
     *
     * @param hidden [kept.length, width]
     * @param groups disjoint tokens that may go into each other; tokens in no group stay as they are if kept
     */
    public static TokenMap averages(float[] hidden, int width, boolean[] kept, List<int[]> groups) {
        int n = kept.length;
        float[] unit = CosineSimilarity.normalised(hidden, n, width);
        int[] into = new int[n];
        Arrays.fill(into, -1);
        for (int[] group : groups) {
            int[] stay = Arrays.stream(group).filter(t -> kept[t]).toArray();
            int[] go = Arrays.stream(group).filter(t -> !kept[t]).toArray();
            if (stay.length == 0 || go.length == 0) continue;
            int[] nearest = CosineSimilarity.nearest(unit, go, CosineSimilarity.gather(unit, width, stay), stay.length, width).index();
            for (int i = 0; i < go.length; i++) into[go[i]] = stay[nearest[i]];
        }
        int[][] rows = IntStream.range(0, n).filter(t -> kept[t])
                .mapToObj(t -> IntStream.concat(IntStream.of(t), IntStream.range(0, n).filter(i -> into[i] == t)).toArray())
                .toArray(int[][]::new);
        float[][] weights = new float[rows.length][];
        for (int i = 0; i < rows.length; i++) {
            weights[i] = new float[rows[i].length];
            Arrays.fill(weights[i], 1f / rows[i].length);
            // heavier by the last bit, so that the new token takes the place of the kept one and not of the first that goes into it
            weights[i][0] = rows[i].length == 1 ? 1f : Math.nextUp(weights[i][0]);
        }
        return TokenMap.of(n, rows, weights);
    }
}
