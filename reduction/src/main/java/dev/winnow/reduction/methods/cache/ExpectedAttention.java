package dev.winnow.reduction.methods.cache;

import dev.winnow.layers.KeyValues;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.Workers;
import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Observation;
import dev.winnow.reduction.Options.Option;
import dev.winnow.reduction.Options;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.primitives.CosineSimilarity;
import dev.winnow.reduction.primitives.GroupScore;
import dev.winnow.reduction.primitives.Softmax;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Expected attention (Devoto et al. 2025, "Expected Attention: KV Cache Compression by Estimating Attention from Future Queries
 * Distribution", arXiv 2510.00636; formulas from kvpress, expected_attention_press.py). Queries to come are taken for normally
 * distributed as those of the prompt are before rotation, and rotated on average over the positions to come; each key head keeps the
 * entries that such queries would give most, times the length of their values, and the first ones. Positions stay. Costs projecting the
 * queries once more and heads times headDim squared per token.
 *
 * @param sinks      first entries, which always stay and whose queries do not count
 * @param future     positions to come that are averaged over
 * @param covariance whether the spread of queries counts, or only their mean
 * @param valueNorm  whether scores are multiplied by the lengths of values
 * @param epsilon    added to scores before that
 */
public record ExpectedAttention(String spec, EntryBudget budget, int sinks, int future, boolean covariance, boolean valueNorm,
                                float epsilon) implements CacheEviction {
    public static final MethodType TYPE = new MethodType("expectedattention", "Expected Attention: KV Cache Compression by Estimating"
            + " Attention from Future Queries Distribution", 2025, "arXiv 2510.00636", "KV cache, end of prefill", true,
            List.of(EntryBudget.keep("cache_size"), EntryBudget.ratio("0.5"),
                    new Option("sinks", "4", "first entries that always stay", "n_sink"),
                    new Option("future", "512", "positions to come that are averaged over", "n_future_positions"),
                    new Option("covariance", "true", "count the spread of queries, not only their mean", "use_covariance"),
                    new Option("vnorm", "true", "multiply scores by the lengths of values", "use_vnorm"),
                    new Option("epsilon", "0", "added to scores before that")),
            ExpectedAttention.class, ExpectedAttention::create);

    /** Keys whose products are in memory at once. */
    private static final int BLOCK = 1024;

    private static ExpectedAttention create(Options o) {
        int sinks = o.integer("sinks", 0, Integer.MAX_VALUE / 2);
        return new ExpectedAttention(o.spec(), EntryBudget.of(o, sinks + 1), sinks, o.integer("future", 1, 1 << 20), o.flag("covariance"),
                o.flag("vnorm"), (float) o.number("epsilon", 0, Float.MAX_VALUE));
    }

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        return CacheEviction.everyLayer(spec, shape, l -> CacheEviction.event(spec, l, o -> evict(o, l))
                .watchingQueries(l).idleUpTo(Math.max(sinks, budget.idleUpTo())));
    }

    @Override
    public int kept(int length, Observation o, int layer) {
        // a prompt that has no more tokens than sinks gives no queries to judge by
        return o.queries().length <= sinks * o.heads() * o.attention().headDim() ? length : Math.max(sinks + 1, budget.of(length, o));
    }

    @Override
    public float[][] scores(Observation o, int layer) {
        KeyValues kv = o.cache();
        int group = o.heads() / kv.heads();
        float[][] perHead = new float[o.heads()][];
        Workers.shared().each(perHead.length, head -> {
            QueryStatistics queries = QueryStatistics.of(o.queries(), o.heads(), o.attention().headDim(), head, sinks, covariance);
            RotaryEmbedding rotary = o.attention().rotary();
            int last = kv.positions(head / group)[kv.length(head / group) - 1];
            if (rotary != null) queries = queries.rotated(rotary, IntStream.rangeClosed(last + 1, last + future).toArray());
            perHead[head] = expected(kv, head / group, queries, o.attention().scale());
        });
        float[][] scores = GroupScore.MEAN.over(perHead, kv.heads());
        for (int h = 0; h < scores.length; h++) {
            float[] norms = CosineSimilarity.lengths(kv.values(), kv.offset(h), kv.length(h), kv.headDim());
            for (int i = 0; valueNorm && i < norms.length; i++) scores[h][i] = (scores[h][i] + epsilon) * norms[i];
        }
        CacheEviction.protectFirst(scores, sinks);
        return scores;
    }

    /** What keys behind the sinks get of one head's queries, a share of 1 in all; nothing for the sinks. */
    private float[] expected(KeyValues kv, int h, QueryStatistics queries, float scale) {
        int dim = kv.headDim();
        int n = kv.length(h);
        int columns = covariance ? dim + 1 : 1;
        // the mean as one more row of the covariance, so that one product has both
        float[] looked = covariance ? Arrays.copyOf(queries.covariance(), columns * dim) : new float[dim];
        System.arraycopy(queries.mean(), 0, looked, (columns - 1) * dim, dim);
        float[] logits = new float[n];
        for (int from = 0; from < n; from += BLOCK) {
            int count = Math.min(BLOCK, n - from);
            int at = kv.offset(h) + from * dim;
            float[] keys = Arrays.copyOfRange(kv.keys(), at, at + count * dim);
            float[] products = CosineSimilarity.products(keys, count, looked, columns, dim);
            for (int i = 0; i < count; i++) {
                float variance = 0;
                for (int c = 0; c < columns - 1; c++) variance += products[i * columns + c] * keys[i * dim + c];
                logits[from + i] = products[(i + 1) * columns - 1] * scale + variance * scale * scale / 2;
            }
        }
        Arrays.fill(logits, 0, Math.min(sinks, n), Float.NEGATIVE_INFINITY);
        Softmax.rows(logits, 1, n, 1);
        return logits;
    }
}
