package dev.winnow.reduction.methods.depth;

import dev.winnow.layers.Attention;
import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Norm;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.reduction.LearnedParts;
import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Options;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.PositionPolicy;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.Site;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenMap;
import java.util.ArrayList;
import java.util.List;

/**
 * SwiftKV (Qiao et al. 2024, "Fast Prefill-Optimized Inference with Knowledge-Preserving Model Transformation", arXiv 2410.03960).
 * SingleInputKV: keys and values of all layers from one on are made of the hidden states in front of that layer, so that of a prompt
 * only the last token has to run them. AcrossKV: groups of those layers share one cache.
 *
 * <p>Names are those of snowflakedb/ArcticTraining: {@code norm_swiftkv}, {@code layers.{l}.self_attn.q_proj_swiftkv} in every such
 * layer, {@code k_proj_swiftkv} and {@code v_proj_swiftkv} in the first layer of each group; which layers and groups there are is read from
 * them. Biases are read where there are any. Decoded tokens do the same. Positions stay.
 *
 * @param layer first layer whose keys and values are made ahead, or -1 for the first that the checkpoint has; the depth for none
 */
public record SwiftKv(String spec, int layer) implements ReductionMethod {
    public static final MethodType TYPE = new MethodType("swiftkv", "SwiftKV: Fast Prefill-Optimized Inference with Knowledge-Preserving"
            + " Model Transformation", 2024, "arXiv 2410.03960, github snowflakedb/ArcticTraining",
            "language model, from one layer on, decoding too", false,
            List.of(new Options.Option("layer", "", "first layer whose keys and values are made ahead; default: the checkpoint's",
                    "num_key_value_layers")),
            SwiftKv.class, o -> new SwiftKv(o.spec(), o.has("layer") ? o.integer("layer", 1, Integer.MAX_VALUE) : -1));

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        int depth = ReductionMethod.languageLayersOf(shape, spec);
        if (layer == depth) return List.of();
        int first = 0;
        while (first < depth && !shape.learned().has(attention(first) + "q_proj_swiftkv.weight")) first++;
        if (first == depth) {
            throw new PlanException(spec + ": needs a checkpoint trained for it; this one has no q_proj_swiftkv in any layer");
        }
        int from = layer < 0 ? first : layer;
        ReductionMethod.requireLayer(spec, from, first, depth + 1);
        Outcome.Supply supply = new Outcome.Supply(supplied(shape, from, depth));
        return List.of(ReductionEvent.at(spec, new Site(Stage.LANGUAGE, Site.Moment.BEFORE_LAYER, from), o -> {
            int n = o.tokens().count();
            if (n == 1) return supply;
            return new Outcome.All(List.of(supply, new Outcome.Reduce(TokenMap.select(new int[] {n - 1}, n), PositionPolicy.PRESERVE)));
        }).everyStep());
    }

    private static String attention(int layer) {
        return "layers." + layer + ".self_attn.";
    }

    private List<Outcome.Supplied> supplied(ModelShape shape, int from, int depth) {
        List<Outcome.Supplied> supplied = new ArrayList<>();
        int keeper = -1;
        for (int l = from; l < depth; l++) {
            if (shape.learned().has(attention(l) + "k_proj_swiftkv.weight")) keeper = l;
            if (keeper < 0) {
                throw new PlanException(spec + ": layer " + l + " shares its cache with an earlier one and cannot be the first");
            }
            supplied.add(new Outcome.Supplied(l, keeper, keeper == l ? maker(shape.learned(), l) : null, asker(shape.learned(), l)));
        }
        return supplied;
    }

    /** The layer with the norm and the projections that make the entries of a group. */
    private CompiledLayer maker(LearnedParts learned, int l) {
        TransformerLayer own = learned.layers().get(l);
        Attention a = own.attention();
        int width = a.query().in();
        Attention making = a.with(a.query(), learned.linear(spec, attention(l) + "k_proj_swiftkv", a.key().out(), width),
                learned.linear(spec, attention(l) + "v_proj_swiftkv", a.value().out(), width));
        return learned.backend().compile(own.with(norm(learned, own, width), making));
    }

    /** The layer with its new queries. */
    private CompiledLayer asker(LearnedParts learned, int l) {
        TransformerLayer own = learned.layers().get(l);
        Attention a = own.attention();
        Linear query = learned.linear(spec, attention(l) + "q_proj_swiftkv", a.query().out(), a.query().in());
        Attention asking = a.with(query, a.key(), a.value());
        return learned.backend().compile(own.with(own.attentionNorm(), asking));
    }

    private Norm norm(LearnedParts learned, TransformerLayer like, int width) {
        if (!(like.attentionNorm() instanceof Norm.Rms rms)) throw new PlanException(spec + ": works in models with RMSNorm");
        return new Norm.Rms(learned.vector(spec, "norm_swiftkv.weight", width), rms.epsilon());
    }
}
