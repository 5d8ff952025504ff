package dev.winnow.reduction.methods.cache;

import dev.winnow.layers.KeyValues;
import dev.winnow.layers.Probe;
import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Observation;
import dev.winnow.reduction.Options.Option;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.TokenMap;
import dev.winnow.reduction.primitives.AttentionScores;
import dev.winnow.reduction.primitives.CosineSimilarity;
import dev.winnow.reduction.primitives.MapRows;
import dev.winnow.reduction.primitives.TopK;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * LOOK-M (Wan et al. 2024, "LOOK-M: Look-Once Optimization in KV Cache for Efficient Multimodal Long-Context Inference", arXiv 2406.18139).
 * After the prompt each key head keeps all text, the most recent entries, and the image entries that received most attention as far as
 * there is room. Each image entry that goes is merged into the one left whose key is most similar. Positions are those of the entries
 * left. Costs the attention map of the prompt once more in time, one row of it in memory, and the products of entries that go with those
 * that stay.
 *
 * <p>Merging by average and by weight takes only entries at least as similar as the mean, as the authors' code does (over all heads
 * there, per key head here, since heads drop different entries); pivotal merging takes all. A prompt without images is left alone.
 *
 * @param merge what becomes of image entries that go
 */
public record LookM(String spec, HeavyHitters room, Merge merge) implements HeavyHitterEviction {
    /** How an entry takes in m others: all sums are divided by m + 1. */
    public enum Merge {
        /** Nothing is taken in. */
        NONE,
        /** It and the others. */
        AVERAGE,
        /** It, and for each other the middle between them. */
        PIVOT,
        /** It, and the others times their similarity. */
        WEIGHTED
    }

    public static final MethodType TYPE = new MethodType("lookm", "LOOK-M: Look-Once Optimization in KV Cache for Efficient Multimodal"
            + " Long-Context Inference", 2024, "arXiv 2406.18139", "KV cache, end of prefill", true, options(), LookM.class,
            o -> new LookM(o.spec(), HeavyHitters.of(o),
                    Merge.valueOf(o.word("merge", "pivot", "average", "weighted", "none").toUpperCase())));

    private static List<Option> options() {
        List<Option> options = new ArrayList<>(HeavyHitters.options("0.8", "50%"));
        options.add(new Option("merge", "pivot", "what becomes of image entries that go: pivot, average, weighted or none"));
        return options;
    }

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        return CacheEviction.everyLayer(spec, shape, l -> CacheEviction.event(spec, l, o -> look(o, l))
                .watching(l, ledger -> ledger.ofKind(TokenKind.VISUAL).length == 0 ? null : Probe.RECEIVED)
                .idleUpTo(room.kept().idleUpTo()));
    }

    /** What entries received; more for text, and most for the recent ones. */
    @Override
    public float[][] scores(Observation o, int layer) {
        KeyValues kv = o.cache();
        float[][] scores = CacheEviction.held(AttentionScores.received(o.rows(), o.heads(), kv.heads(), o.rowCount(), kv.length()), kv);
        float best = 0;
        for (float[] head : scores) for (float s : head) best = Math.max(best, s);
        for (int h = 0; h < scores.length; h++) {
            boolean[] text = text(o, h);
            for (int i = 0; i < text.length; i++) if (text[i]) scores[h][i] += best + 1;
        }
        CacheEviction.protectLast(scores, room.recent(kept(kv.length(), o, layer)));
        return scores;
    }

    /** Which of a head's entries are of no image. */
    private static boolean[] text(Observation o, int h) {
        KeyValues kv = o.cache();
        TokenLedger ledger = o.tokens().ledger();
        boolean[] text = new boolean[kv.length(h)];
        for (int i = 0; i < text.length; i++) {
            int token = Arrays.binarySearch(ledger.positions(), kv.positions(h)[i]);
            text[i] = token < 0 || ledger.kind(token) != TokenKind.VISUAL;
        }
        return text;
    }

    private Outcome look(Observation o, int layer) {
        if (o.tokens().ledger().ofKind(TokenKind.VISUAL).length == 0) return Outcome.UNCHANGED;
        KeyValues kv = o.cache();
        float[][] scores = scores(o, layer);
        CacheEviction.report(o, scores);
        int[][] keep = new int[kv.heads()][];
        boolean all = true;
        for (int h = 0; h < keep.length; h++) {
            int texts = 0;
            for (boolean text : text(o, h)) if (text) texts++;
            int recent = room.recent(kept(kv.length(h), o, layer));
            keep[h] = TopK.highestInOrder(scores[h], Math.max(kept(kv.length(h), o, layer), texts + recentImages(o, h, recent)));
            all &= keep[h].length == kv.length(h);
        }
        if (all) return Outcome.UNCHANGED;
        if (merge == Merge.NONE) return new Outcome.Compact(keep);
        List<TokenMap> maps = new ArrayList<>();
        for (int h = 0; h < keep.length; h++) maps.add(merged(kv, h, keep[h]));
        return new Outcome.MergeCache(maps);
    }

    private static int recentImages(Observation o, int h, int recent) {
        boolean[] text = text(o, h);
        int images = 0;
        for (int i = Math.max(0, text.length - recent); i < text.length; i++) if (!text[i]) images++;
        return images;
    }

    private TokenMap merged(KeyValues kv, int h, int[] keep) {
        int n = kv.length(h);
        int dim = kv.headDim();
        int[] gone = TopK.complement(keep, n);
        float[] unit = CosineSimilarity.normalised(Arrays.copyOfRange(kv.keys(), kv.offset(h), kv.offset(h) + n * dim), n, dim);
        CosineSimilarity.Nearest nearest = CosineSimilarity.nearest(unit, gone, CosineSimilarity.gather(unit, dim, keep), keep.length, dim);
        float[] similarity = nearest.product();
        double mean = 0;
        for (int i = 0; i < gone.length; i++) {
            similarity[i] = Math.min(1, similarity[i]);
            mean += similarity[i] / gone.length;
        }
        List<List<Integer>> members = new ArrayList<>();
        for (int k : keep) members.add(new ArrayList<>());
        for (int i = 0; i < gone.length; i++) {
            if (merge == Merge.PIVOT || similarity[i] >= mean) members.get(nearest.index()[i]).add(i);
        }
        MapRows rows = new MapRows();
        for (int k = 0; k < keep.length; k++) {
            int m = members.get(k).size();
            int[] of = new int[m + 1];
            float[] weight = new float[m + 1];
            of[0] = keep[k];
            // a hair above the others' weight, so that the entry left is the one whose position stays
            weight[0] = merge == Merge.PIVOT ? (1 + m / 2f) / (m + 1) : Math.nextUp(1f / (m + 1));
            for (int i = 0; i < m; i++) {
                int from = members.get(k).get(i);
                of[i + 1] = gone[from];
                weight[i + 1] = switch (merge) {
                    case PIVOT -> 0.5f / (m + 1);
                    case WEIGHTED -> similarity[from] / (m + 1);
                    default -> 1f / (m + 1);
                };
            }
            rows.make(of, weight);
        }
        return rows.map(n);
    }
}
