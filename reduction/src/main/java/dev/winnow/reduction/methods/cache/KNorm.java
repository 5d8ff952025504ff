package dev.winnow.reduction.methods.cache;

import dev.winnow.layers.KeyScore;
import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Options.Option;
import dev.winnow.reduction.Options;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.primitives.CosineSimilarity;
import java.util.Arrays;
import java.util.List;

/**
 * Key norms (Devoto et al. 2024, "A Simple and Effective L2 Norm-Based Strategy for KV Cache Compression", arXiv 2406.11430). Each key
 * head keeps the entries whose keys are shortest, which correlates with receiving attention. Positions stay. Needs no attention.
 *
 * @param skip layers left alone; KVCache-Factory spares the first two
 */
public record KNorm(String spec, EntryBudget budget, List<Integer> skip) implements KeyEviction {
    public static final MethodType TYPE = new MethodType("knorm", "A Simple and Effective L2 Norm-Based Strategy for KV Cache"
            + " Compression", 2024, "arXiv 2406.11430", "KV cache, end of prefill", true,
            List.of(EntryBudget.keep("max_capacity_prompt"), EntryBudget.ratio("0.5"),
                    new Option("skip", "", "layers whose cache is left alone", "skip_layers")),
            KNorm.class,
            KNorm::create);

    private static KNorm create(Options o) {
        return new KNorm(o.spec(), EntryBudget.of(o, 1), Arrays.stream(o.integers("skip", 0, Integer.MAX_VALUE)).boxed().toList());
    }

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        return CacheEviction.everyLayer(spec, shape, l -> CacheEviction.event(spec, l, o -> evict(o, l)).idleUpTo(budget.idleUpTo()))
                .stream().filter(e -> !skip.contains(e.site().layer())).toList();
    }

    @Override
    public KeyScore criterion() {
        return KeyScore.LENGTH;
    }

    @Override
    public float[] score(float[] keys, int offset, int n, int headDim) {
        return CosineSimilarity.lengths(keys, offset, n, headDim);
    }
}
