package dev.winnow.runtime.models;

import dev.winnow.layers.Attention;
import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.weights.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What the matrices of a model are, by the names of their tensors: several, where a tensor is split or shared. */
final class ParameterNames {
    private final Map<String, List<String>> names = new LinkedHashMap<>();

    private ParameterNames() {}

    static Map<String, List<String>> of(Model model) {
        ParameterNames p = new ParameterNames();
        switch (model) {
            case LanguageModel m -> p.language(m);
            case VisionTransformer m -> {
                p.tower("vision", m.encoder());
                p.pooling(m.pooling());
                if (m.pooler() != null) p.linear("pooler", m.pooler().linear());
                if (m.hidden() != null) p.linear("classifier hidden layer", m.hidden().linear());
                p.linear("classifier", m.classifier());
                p.linear("distilled classifier", m.distilled());
            }
            case ImageTextEncoder m -> {
                p.tower("vision", m.vision());
                p.pooling(m.pooling());
                p.linear("vision projection", m.visionProjection());
                if (m.text() != null) p.text(m.text());
            }
            case VisionLanguageModel m -> {
                p.tower("vision", m.vision());
                p.projector(m.projector());
                p.language(m.language());
            }
        }
        return p.names;
    }

    private void put(String what, Tensor t) {
        if (t != null) names.computeIfAbsent(t.name(), n -> new ArrayList<>()).add(what);
    }

    private void linear(String what, Linear l) {
        if (l != null) put(what, l.weight());
    }

    private void language(LanguageModel m) {
        put("token embeddings", m.embedding().words());
        put("position embeddings", m.embedding().positions());
        layers("language", m.stack().descriptions());
        linear("vocabulary projection", m.head().map());
    }

    private void text(TextEncoder m) {
        put("token embeddings", m.embeddings());
        layers("text", m.layers().stream().map(CompiledLayer::description).toList());
        linear("text head", m.head());
        linear("text projection", m.projection());
    }

    private void tower(String tower, VisionEncoder m) {
        m.embedding().linears().forEach((what, linear) -> linear(tower + " " + what, linear));
        layers(tower, m.stack().descriptions());
    }

    private void pooling(Pooling pooling) {
        if (!(pooling instanceof Pooling.Attentive p)) return;
        linear("pooling query", p.query());
        linear("pooling key", p.key());
        linear("pooling value", p.value());
        linear("pooling output", p.output());
        mlp("pooling ", p.mlp());
    }

    private void projector(Projector projector) {
        List<Linear> linears = switch (projector) {
            case Projector.Layers p -> p.linears();
            case Projector.Shuffled p -> p.layers().linears();
            case Projector.Merged p -> p.layers().linears();
            case Projector.Pooled p -> List.of(p.linear());
        };
        for (int i = 0; i < linears.size(); i++) linear("projector layer " + i, linears.get(i));
    }

    private void layers(String stack, List<TransformerLayer> layers) {
        for (int i = 0; i < layers.size(); i++) {
            String layer = stack + " layer " + i + " ";
            Attention a = layers.get(i).attention();
            linear(layer + "query", a.query());
            linear(layer + "key", a.key());
            linear(layer + "value", a.value());
            linear(layer + "attention output", a.output());
            mlp(layer, layers.get(i).mlp());
        }
    }

    private void mlp(String layer, Mlp mlp) {
        switch (mlp) {
            case Mlp.Plain m -> {
                linear(layer + "up", m.up());
                linear(layer + "down", m.down());
            }
            case Mlp.Gated m -> {
                linear(layer + "gate", m.gate());
                linear(layer + "up", m.up());
                linear(layer + "down", m.down());
            }
            case Mlp.MixtureOfExperts m -> {
                linear(layer + "router", m.router());
                for (int e = 0; e < m.experts().size(); e++) mlp(layer + "expert " + e + " ", m.experts().get(e));
            }
        }
    }
}
