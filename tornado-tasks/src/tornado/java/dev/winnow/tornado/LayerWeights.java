package dev.winnow.tornado;

import dev.winnow.layers.Attention;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.Norm;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.tornado.WeightStore.Place;
import java.util.List;

/**
 * Where a layer's weights are in its bank's arrays.
 *
 * @param attending queries, keys and values as one map
 * @param first     the map whose outputs the activation takes
 * @param up        of a gated MLP, else null
 */
record LayerWeights(NormPlace attentionNorm, NormPlace queryNorm, NormPlace keyNorm, NormPlace afterAttention, NormPlace mlpNorm,
                    NormPlace afterMlp, Place attending, Place output, Place first, Place up, Place down) {
    /** A norm's places in the parameters, -1 for what it does not have. */
    record NormPlace(int weight, int bias) {
        static NormPlace in(WeightStore store, Norm norm) {
            if (norm == null) return new NormPlace(-1, -1);
            int weight = store.add(norm.weight());
            return new NormPlace(weight, norm instanceof Norm.Layer n ? store.add(n.bias()) : -1);
        }
    }

    static LayerWeights in(WeightStore store, TransformerLayer layer) {
        Attention a = layer.attention();
        Mlp.Dense mlp = (Mlp.Dense) layer.mlp();
        Linear up = mlp instanceof Mlp.Gated g ? g.up() : null;
        return new LayerWeights(NormPlace.in(store, layer.attentionNorm()), NormPlace.in(store, a.queryNorm()),
                NormPlace.in(store, a.keyNorm()), NormPlace.in(store, layer.residual().afterAttention()),
                NormPlace.in(store, layer.mlpNorm()), NormPlace.in(store, layer.residual().afterMlp()),
                store.add(List.of(a.query(), a.key(), a.value())), store.add(List.of(a.output())), store.add(List.of(mlp.first())),
                up == null ? null : store.add(List.of(up)), store.add(List.of(mlp.down())));
    }
}
