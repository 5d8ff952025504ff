package dev.winnow.reduction.primitives;

import dev.winnow.reduction.TokenMap;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Bipartite soft matching (Bolya et al. 2022, arXiv 2210.09461): each token of one set has a most similar token in the other; the r
 * best pairs merge.
 *
 * @param pairing      who fits whom best
 * @param front        tokens that come first in the merged sequence
 * @param unmerged     places in the first set that stay, in output order
 * @param sources      places in the first set that merge, best first
 * @param destinations for each source its place in the second set
 * @param scores       for each source how well it fits
 * @param next         how well the best pair fits that did not merge any more; where all merged, the last that did
 */
public record BipartiteMatching(Pairing pairing, int[] front, int[] unmerged, int[] sources, int[] destinations, float[] scores,
                                float next) {

    /**
     * The best pairs of a graph.
     *
     * @param r pairs wanted; fewer where the graph has no more
     */
    public static BipartiteMatching of(BipartiteGraph graph, int r) {
        return of(graph.pairing(), r);
    }

    /** The best of some pairs. */
    public static BipartiteMatching of(Pairing pairing, int r) {
        r = Math.max(0, Math.min(r, pairing.most()));
        int[] partner = pairing.partner();
        float[] best = r == 0 ? new float[partner.length] : pairing.best();
        int[] order = TopK.descending(best);
        while (r > 0 && best[order[r - 1]] == Float.NEGATIVE_INFINITY) r--;
        int[] sources = Arrays.copyOf(order, r);
        int[] unmerged = Arrays.copyOfRange(order, r, order.length);
        if (pairing.inOrder()) Arrays.sort(unmerged);
        int[] destinations = new int[r];
        float[] scores = new float[r];
        for (int i = 0; i < r; i++) {
            destinations[i] = partner[sources[i]];
            scores[i] = best[sources[i]];
        }
        float next = r == 0 ? Float.NEGATIVE_INFINITY : best[order[Math.min(r, order.length - 1)]];
        return new BipartiteMatching(pairing, pairing.front(), unmerged, sources, destinations, scores, next);
    }

    /**
     * Matches tokens at even places with those at odd places by their metric.
     *
     * @param metric     [n, width], any length
     * @param r          pairs wanted; at most half of the tokens that are not protected merge
     * @param classToken token 0 never merges
     * @param distilled  nothing merges into token 1
     */
    public static BipartiteMatching of(float[] metric, int n, int width, int r, boolean classToken, boolean distilled) {
        boolean[] guarded = new boolean[n];
        guarded[0] = classToken;
        if (n > 1) guarded[1] = distilled;
        BipartiteMatching m = of(BipartiteGraph.alternating(metric, n, width, guarded), r);
        if (classToken || !distilled) return m;
        // without a class token, the authors' code puts what comes first of the even tokens in front of the distillation token
        int[] front = {m.pairing.from()[m.unmerged[0]], 1};
        return new BipartiteMatching(m.pairing, front, m.unmerged, m.sources, m.destinations, m.scores, m.next);
    }

    /**
     * Every k-th token takes in the k - 1 before it that are most similar to it or another k-th token: the matching with the k-th
     * tokens as destinations and all others merging. Tokens beyond the last multiple of k are left out of the result.
     *
     * @return the map of the size-weighted merge for tokens of size 1
     */
    public static TokenMap everyKth(float[] metric, int n, int width, int k) {
        if (k < 1 || k > n) throw new IllegalArgumentException("of " + n + " tokens there is no every " + k + "-th one");
        int whole = n / k * k;
        BipartiteGraph graph = BipartiteGraph.everyKth(metric, whole, width, new boolean[whole], k);
        return Groups.average(n, Groups.of(graph.into(), graph.from(), graph.partners()), null);
    }

    /**
     * Merges both ways (Lee et al. 2024, arXiv 2403.10030): the best r / 2 pairs from the first set into the second, then the best of
     * the rest from the second set, with what it took in, into what is left of the first. Each group becomes its weighted average.
     *
     * @param weights of all tokens
     */
    public static TokenMap bothWays(BipartiteGraph graph, int r, float[] weights) {
        r = Math.min(r, graph.most());
        BipartiteMatching first = of(graph, r / 2);
        TokenMap there = Groups.average(graph.tokens(), first.groups(), weights);
        BipartiteGraph reverse = first.reverse(graph);
        TokenMap back = of(reverse, r - r / 2).merge(there.total(weights, 0));
        return there.then(back);
    }

    /** What is left after this matching, the second set looking for partners in the first. */
    private BipartiteGraph reverse(BipartiteGraph graph) {
        int[][] groups = groups();
        int[] place = new int[graph.tokens()];
        for (int i = 0; i < groups.length; i++) place[groups[i][0]] = i;
        int[] from = Arrays.stream(graph.into()).map(t -> place[t]).toArray();
        int[] into = Arrays.stream(unmerged).map(u -> place[graph.from()[u]]).toArray();
        float[] turned = new float[from.length * into.length];
        for (int j = 0; j < from.length; j++) {
            for (int u = 0; u < into.length; u++) turned[j * into.length + u] = graph.scores()[unmerged[u] * from.length + j];
        }
        // special tokens are in front already; the first set follows them
        int[] ahead = IntStream.concat(IntStream.range(0, front.length), IntStream.of(into)).distinct().toArray();
        return new BipartiteGraph(groups.length, ahead, from, into, turned, from.length, false);
    }

    public int pairs() {
        return sources.length;
    }

    /** The tokens that are left when sources are dropped instead of merged, in the order of {@link #groups}. */
    public int[] kept() {
        return Arrays.stream(groups()).mapToInt(g -> g[0]).toArray();
    }

    /** The weighted average of each group: for weights that are sizes, new token = sum(size * x) / sum(size). */
    public TokenMap merge(float[] weights) {
        return pairs() == 0 ? TokenMap.identity(pairing.tokens()) : Groups.average(pairing.tokens(), groups(), weights);
    }

    /**
     * The tokens of the merged sequence, each with those it takes in, itself first: those in front, those of the first set that stay,
     * the second set. Not for a matching without pairs, which must not move any token: the order decides who meets whom in the next
     * layer.
     */
    public int[][] groups() {
        int[] from = pairing.from();
        int[] into = pairing.into();
        int[][] second = Groups.of(into, Arrays.stream(sources).map(s -> from[s]).toArray(), destinations);
        int[][] byToken = new int[pairing.tokens()][];
        for (int u : unmerged) byToken[from[u]] = new int[] {from[u]};
        for (int j = 0; j < into.length; j++) byToken[into[j]] = second[j];
        int[][] groups = new int[pairing.tokens() - pairs()][];
        int at = 0;
        for (int f : front) {
            groups[at++] = byToken[f] == null ? new int[] {f} : byToken[f];
            byToken[f] = null;
        }
        for (int u : unmerged) if (byToken[from[u]] != null) groups[at++] = byToken[from[u]];
        for (int j : into) if (byToken[j] != null) groups[at++] = byToken[j];
        return groups;
    }
}
