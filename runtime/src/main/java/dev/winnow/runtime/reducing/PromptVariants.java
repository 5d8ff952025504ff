package dev.winnow.runtime.reducing;

import dev.winnow.reduction.Observation;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.Site;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.primitives.TopK;
import dev.winnow.reduction.primitives.VisualScope;
import dev.winnow.reduction.methods.language.FastV;
import dev.winnow.reduction.methods.language.PyramidDrop;
import dev.winnow.reduction.methods.language.SparseVlm;
import dev.winnow.runtime.models.LanguageModel;
import dev.winnow.weights.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Reductions inside a language model: tokens dropped between layers. */
final class PromptVariants {
    private PromptVariants() {}

    static void run(LanguageModel model, List<ModelCases.Variant> variants, Map<String, Tensor> inputs, int newTokens,
                    NamedOutputs out) {
        Map<Boolean, List<ModelCases.Variant>> onCache = variants.stream()
                .collect(Collectors.partitioningBy(v -> CacheVariants.actsOnCache(v.method(), model)));
        if (onCache.get(true).isEmpty()) {
            ModelCases.copy(ModelCases.trace(model, List.of(), inputs, 0), "logits", out, "logits.unreduced");
        } else {
            CacheVariants.run(model, onCache.get(true), inputs, newTokens, out);
        }
        for (ModelCases.Variant v : onCache.get(false)) {
            Decisions decisions = new Decisions(v.name(), v.method(), out);
            Map<String, Tensor> traced = ModelCases.trace(model, List.of(new Witnessed(decisions.method, decisions)), inputs, 0);
            ModelCases.copy(traced, "logits", out, v.name() + ".logits");
            ModelCases.copyLayers(traced, "hidden.layer.", out, v.name() + ".layer.");
            if (v.method() instanceof SparseVlm) ModelCases.copy(traced, "hidden.final_norm", out, v.name() + ".last_hidden");
        }
    }

    /** Writes what a variant's method saw and decided, event by event. */
    private static final class Decisions implements Witnessed.Witness {
        final String name;
        final ReductionMethod method;
        final NamedOutputs out;
        int stage;

        Decisions(String name, ReductionMethod method, NamedOutputs out) {
            this.name = name;
            this.method = method;
            this.out = out;
        }

        @Override
        public void saw(ReductionEvent event, Observation o, Outcome outcome) {
            switch (method) {
                case FastV m -> {
                    scores(".score", m.scores(o).values());
                    kept(".kept_image_positions", m.scope(), 0, o, outcome);
                }
                case PyramidDrop m -> {
                    scores(".score." + stage, m.scores(o).values());
                    kept(".kept_image_tokens." + stage++, m.scope(), m.scope().start(), o, outcome);
                }
                case SparseVlm m when event.site().moment() == Site.Moment.BEFORE_LAYER -> raters(m.raterScores(o));
                case SparseVlm m -> {
                    float[] relation = m.relation(o);
                    out.floats(name + ".relation." + stage, relation, 1, relation.length);
                    mask(".mask." + stage, m, relation, o.tokens().ledger());
                    stage++;
                }
                default -> { }
            }
        }

        private void scores(String suffix, float[] scores) {
            out.floats(name + suffix, scores, scores.length);
        }

        /** Which image tokens survive, as places in the prompt counted from first on. */
        private void kept(String suffix, VisualScope scope, int first, Observation o, Outcome outcome) {
            boolean[] alive = new boolean[o.tokens().count()];
            switch (outcome) {
                case Outcome.Reduce r -> IntStream.range(0, r.map().rows()).forEach(i -> alive[r.map().anchor(i)] = true);
                case Outcome.Hide(boolean[] hidden) -> IntStream.range(0, alive.length).forEach(i -> alive[i] = !hidden[i]);
                default -> Arrays.fill(alive, true);
            }
            int[] kept = Arrays.stream(scope.candidates(o.tokens().ledger())).filter(i -> alive[i])
                    .map(i -> o.tokens().ledger().origin().anchor(i) - first).toArray();
            out.longs(name + suffix, kept, kept.length);
        }

        private void raters(float[] score) {
            int[] raters = SparseVlm.raters(score);
            out.floats(name + ".rater_score", score, 1, score.length).longs(name + ".rater_text_idx", raters, raters.length);
        }

        /** Which image tokens go on as they are. */
        private void mask(String suffix, SparseVlm m, float[] relation, TokenLedger ledger) {
            int[] mask = new int[relation.length];
            for (int i : TopK.highest(relation, m.budget().of(stage, m.scope().originally(ledger)))) mask[i] = 1;
            out.longs(name + suffix, mask, 1, mask.length);
        }
    }
}
