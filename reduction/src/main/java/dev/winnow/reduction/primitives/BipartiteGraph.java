package dev.winnow.reduction.primitives;

import dev.winnow.reduction.Grid;
import dev.winnow.reduction.TokenLedger;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Who may merge with whom: tokens in two sets, each of the first looking for a partner in the second.
 *
 * @param tokens  there are
 * @param front   tokens that come first in the merged sequence
 * @param from    the first set; some of front may be among them, and then never merge
 * @param into    the second set; some of front may be among them
 * @param scores  how well a pair fits, [from, into]; minus infinity for pairs that must not merge
 * @param most    pairs that may merge at most
 * @param inOrder whether tokens of the first set that stay keep their order, instead of coming by falling score
 */
public record BipartiteGraph(int tokens, int[] front, int[] from, int[] into, float[] scores, int most, boolean inOrder) {

    /** Two sets by the cosine similarity of their metric [tokens, width]; guarded tokens neither merge nor take others in. */
    private static BipartiteGraph similar(float[] metric, int n, int width, boolean[] guarded, int[] from, int[] into, int most) {
        float[] unit = CosineSimilarity.normalised(metric, n, width);
        float[] scores = CosineSimilarity.products(CosineSimilarity.gather(unit, width, from), from.length,
                CosineSimilarity.gather(unit, width, into), into.length, width);
        boolean inOrder = false;
        for (int i = 0; i < from.length; i++) {
            if (!guarded[from[i]]) continue;
            Arrays.fill(scores, i * into.length, (i + 1) * into.length, Float.NEGATIVE_INFINITY);
            inOrder = true;
        }
        for (int j = 0; j < into.length; j++) {
            for (int i = 0; guarded[into[j]] && i < from.length; i++) scores[i * into.length + j] = Float.NEGATIVE_INFINITY;
        }
        return new BipartiteGraph(n, guarded(guarded, true), from, into, scores, most, inOrder);
    }

    /** The tokens that are guarded, or those that are not. */
    private static int[] guarded(boolean[] guarded, boolean which) {
        return IntStream.range(0, guarded.length).filter(i -> guarded[i] == which).toArray();
    }

    /** ToMe's: tokens at even places look among those at odd places; at most half of those that are not guarded merge. */
    public static BipartiteGraph alternating(float[] metric, int n, int width, boolean[] guarded) {
        return similar(metric, n, width, guarded, even(n), odd(n), guarded(guarded, false).length / 2);
    }

    private static int[] even(int n) {
        return IntStream.range(0, (n + 1) / 2).map(i -> 2 * i).toArray();
    }

    private static int[] odd(int n) {
        return IntStream.range(0, n / 2).map(j -> 2 * j + 1).toArray();
    }

    /** What {@link #alternating} comes down to, of partners that were found elsewhere. */
    static Pairing alternating(boolean[] guarded, int[] partner, float[] best) {
        int n = guarded.length;
        int[] from = even(n);
        return new Pairing(n, guarded(guarded, true), from, odd(n), partner, best, guarded(guarded, false).length / 2,
                Arrays.stream(from).anyMatch(i -> guarded[i]));
    }

    /** The best pairs. */
    public Pairing pairing() {
        int[] partner = most == 0 ? new int[from.length] : partners();
        return new Pairing(tokens, front, from, into, partner, best(partner), most, inOrder);
    }

    /** Every k-th of the tokens that are not guarded takes others in. */
    public static BipartiteGraph everyKth(float[] metric, int n, int width, boolean[] guarded, int k) {
        int[] free = guarded(guarded, false);
        boolean[] takes = new boolean[n];
        for (int i = k - 1; i < free.length; i += k) takes[free[i]] = true;
        return split(metric, n, width, guarded, takes);
    }

    /**
     * One token in every square of cells takes others in, drawn at random (Bolya and Hoffman 2023, arXiv 2303.17604).
     *
     * @param ledger of the tokens; those without a place in a grid count in the order of the sequence, a square's number together
     * @param side   of the squares
     */
    public static BipartiteGraph randomInSquares(float[] metric, int width, boolean[] guarded, TokenLedger ledger, int side, long seed) {
        int n = ledger.count();
        Map<Long, Integer> chosen = new HashMap<>();
        Map<Long, Integer> seen = new HashMap<>();
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < n; i++) {
            if (guarded[i]) continue;
            int cell = ledger.cell(i);
            Grid grid = ledger.grid(ledger.image(i));
            int across = grid.width() / side + 1;
            int square = cell < 0 || grid.cells() == 0 ? i / (side * side) : grid.row(cell) / side * across + grid.column(cell) / side;
            long key = (long) ledger.image(i) << 32 | square;
            // each of the tokens met so far in a square is equally likely
            if (random.nextInt(seen.merge(key, 1, Integer::sum)) == 0) chosen.put(key, i);
        }
        boolean[] takes = new boolean[n];
        for (int i : chosen.values()) takes[i] = true;
        return split(metric, n, width, guarded, takes);
    }

    private static BipartiteGraph split(float[] metric, int n, int width, boolean[] guarded, boolean[] takes) {
        int[] from = IntStream.range(0, n).filter(i -> !takes[i]).toArray();
        int[] into = IntStream.range(0, n).filter(i -> takes[i]).toArray();
        int most = into.length == 0 ? 0 : (int) Arrays.stream(from).filter(i -> !guarded[i]).count();
        return similar(metric, n, width, guarded, from, into, most);
    }

    /**
     * The same sets by several criteria: cosines brought to 0 .. 1, to a power, times a factor of either token.
     *
     * @param factor of all tokens
     */
    public BipartiteGraph weighed(double power, float[] factor) {
        float[] weighed = scores.clone();
        for (int i = 0; i < from.length; i++) {
            for (int j = 0; j < into.length; j++) {
                int at = i * into.length + j;
                if (scores[at] == Float.NEGATIVE_INFINITY) continue;
                float half = Math.max(0, (scores[at] + 1) / 2);
                weighed[at] = (power == 1 ? half : (float) Math.pow(half, power)) * factor[from[i]] * factor[into[j]];
            }
        }
        return new BipartiteGraph(tokens, front, from, into, weighed, most, inOrder);
    }

    /** For each token of the first set the place of the best fitting in the second, the first of equals. */
    public int[] partners() {
        return CosineSimilarity.nearest(scores, from.length, into.length);
    }

    /** How well each token of the first set fits its partner. */
    public float[] best(int[] partners) {
        float[] best = new float[from.length];
        for (int i = 0; i < best.length; i++) best[i] = into.length == 0 ? Float.NEGATIVE_INFINITY : scores[i * into.length + partners[i]];
        return best;
    }
}
