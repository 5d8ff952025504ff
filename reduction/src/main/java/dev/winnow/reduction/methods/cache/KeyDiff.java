package dev.winnow.reduction.methods.cache;

import dev.winnow.layers.KeyScore;
import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.primitives.CosineSimilarity;
import java.util.Arrays;
import java.util.List;

/**
 * KeyDiff (Park et al. 2025, "KeyDiff: Key Similarity-Based KV Cache Eviction for Long-Context LLM Inference in Resource-Constrained
 * Environments", arXiv 2504.15364). Each key head keeps the entries whose keys point least the way of the mean of all its unit keys.
 * Positions stay. Needs no attention. The paper evicts block by block while the prompt comes in; this is its one-shot form, as in
 * kvpress (keydiff_press.py).
 */
public record KeyDiff(String spec, EntryBudget budget) implements KeyEviction {
    public static final MethodType TYPE = new MethodType("keydiff", "KeyDiff: Key Similarity-Based KV Cache Eviction for Long-Context"
            + " LLM Inference in Resource-Constrained Environments", 2025, "arXiv 2504.15364", "KV cache, end of prefill", true,
            List.of(EntryBudget.keep("cache_size"), EntryBudget.ratio("0.5")), KeyDiff.class,
            o -> new KeyDiff(o.spec(), EntryBudget.of(o, 1)));

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        return CacheEviction.everyLayer(spec, shape, l -> CacheEviction.event(spec, l, o -> evict(o, l)).idleUpTo(budget.idleUpTo()));
    }

    @Override
    public KeyScore criterion() {
        return KeyScore.LIKENESS;
    }

    @Override
    public float[] score(float[] keys, int offset, int n, int headDim) {
        float[] unit = CosineSimilarity.normalised(Arrays.copyOfRange(keys, offset, offset + n * headDim), n, headDim);
        return CosineSimilarity.products(unit, n, CosineSimilarity.normalised(mean(unit, n, headDim), 1, headDim), 1, headDim);
    }

    private static float[] mean(float[] rows, int n, int width) {
        double[] sum = new double[width];
        for (int i = 0; i < n; i++) for (int c = 0; c < width; c++) sum[c] += rows[i * width + c];
        float[] mean = new float[width];
        for (int c = 0; c < width; c++) mean[c] = (float) (sum[c] / n);
        return mean;
    }
}
