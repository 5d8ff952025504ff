package dev.winnow.runtime.models;

import dev.winnow.layers.AttentionMode;
import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.KeyValues;
import dev.winnow.layers.Probe;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.layers.Workspace;
import java.util.List;

/**
 * A layer around whose halves tokens go with a factor on each channel, {@code x = keep x + half(norm(x))} (Shleifer et al. 2021): what
 * the layer itself makes of x, and keep - 1 times x.
 *
 * @param attention factors around the attention half
 * @param mlp       factors around the other
 */
record ResidualScale(CompiledLayer layer, float[] attention, float[] mlp) implements CompiledLayer {
    /** Copies the tokens before a half runs. */
    private float[] before(float[] x, int n, Workspace workspace) {
        int width = attention.length;
        float[] before = workspace.buffer(Workspace.Slot.ENTERED, n * width);
        System.arraycopy(x, 0, before, 0, n * width);
        return before;
    }

    private static void add(float[] x, float[] before, int n, float[] keep) {
        int width = keep.length;
        for (int i = 0; i < n; i++) {
            for (int c = 0; c < width; c++) x[i * width + c] += (keep[c] - 1) * before[i * width + c];
        }
    }

    @Override
    public List<float[]> attend(float[] x, int n, int[] positions, float[] bias, KeyValues kv, List<Probe> probes, Workspace workspace) {
        float[] before = before(x, n, workspace);
        List<float[]> rows = layer.attend(x, n, positions, bias, kv, probes, workspace);
        add(x, before, n, attention);
        return rows;
    }

    @Override
    public List<float[]> ask(float[] x, int n, int[] positions, KeyValues kv, List<Probe> probes, Workspace workspace) {
        float[] before = before(x, n, workspace);
        List<float[]> rows = layer.ask(x, n, positions, kv, probes, workspace);
        add(x, before, n, attention);
        return rows;
    }

    @Override
    public void remember(float[] x, int n, int[] positions, float[] bias, KeyValues kv, Workspace workspace) {
        layer.remember(x, n, positions, bias, kv, workspace);
    }

    @Override
    public List<float[]> attend(AttentionMode mode, float[] x, int n, int[] positions, float[] bias, KeyValues kv, List<Probe> probes,
                                Workspace workspace) {
        float[] before = before(x, n, workspace);
        List<float[]> rows = layer.attend(mode, x, n, positions, bias, kv, probes, workspace);
        add(x, before, n, attention);
        return rows;
    }

    @Override
    public void mlp(float[] x, int n, Workspace workspace) {
        float[] before = before(x, n, workspace);
        layer.mlp(x, n, workspace);
        add(x, before, n, mlp);
    }

    @Override
    public void mlp(float threshold, float[] x, int n, Workspace workspace) {
        float[] before = before(x, n, workspace);
        layer.mlp(threshold, x, n, workspace);
        add(x, before, n, mlp);
    }

    @Override
    public float[] project(Projection projection, float[] x, int n, int[] positions, Workspace workspace) {
        return layer.project(projection, x, n, positions, workspace);
    }

    @Override
    public float[] attentionAhead(float[] x, int n, int[] positions, Probe probe, Workspace workspace) {
        return layer.attentionAhead(x, n, positions, probe, workspace);
    }

    @Override
    public float[] normed(Half half, float[] x, int n, Workspace workspace) {
        return layer.normed(half, x, n, workspace);
    }

    @Override
    public float[] neurons(float[] x, int n, Workspace workspace) {
        return layer.neurons(x, n, workspace);
    }

    @Override
    public TransformerLayer description() {
        return layer.description();
    }
}
