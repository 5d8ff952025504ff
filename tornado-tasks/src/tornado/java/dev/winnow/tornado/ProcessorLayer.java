package dev.winnow.tornado;

import dev.winnow.layers.AttentionMode;
import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.KeyValues;
import dev.winnow.layers.Probe;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.layers.Workspace;
import java.util.List;

/** A layer without kernels on the device, which runs on the processor among others that run there. */
class ProcessorLayer implements CompiledLayer {
    final TornadoBackend backend;
    private final CompiledLayer cpu;

    ProcessorLayer(TornadoBackend backend, CompiledLayer cpu) {
        this.backend = backend;
        this.cpu = cpu;
    }

    @Override
    public TransformerLayer description() {
        return cpu.description();
    }

    @Override
    public void home(float[] x, int n) {
        backend.home(x);
    }

    @Override
    public void forget(float[] x) {
        backend.forget(x);
    }

    @Override
    public void look(float[] x, int from, int to) {
        backend.look(x, from, to);
    }

    @Override
    public List<float[]> attend(float[] x, int n, int[] positions, float[] bias, KeyValues kv, List<Probe> probes, Workspace ws) {
        backend.home(x);
        return cpu.attend(x, n, positions, bias, kv, probes, ws);
    }

    @Override
    public List<float[]> attend(AttentionMode mode, float[] x, int n, int[] positions, float[] bias, KeyValues kv, List<Probe> probes,
                                Workspace ws) {
        backend.home(x);
        return cpu.attend(mode, x, n, positions, bias, kv, probes, ws);
    }

    @Override
    public List<float[]> ask(float[] x, int n, int[] positions, KeyValues kv, List<Probe> probes, Workspace ws) {
        backend.home(x);
        return cpu.ask(x, n, positions, kv, probes, ws);
    }

    @Override
    public void mlp(float[] x, int n, Workspace ws) {
        backend.home(x);
        cpu.mlp(x, n, ws);
    }

    @Override
    public void mlp(float threshold, float[] x, int n, Workspace ws) {
        backend.home(x);
        cpu.mlp(threshold, x, n, ws);
    }

    @Override
    public float[] project(Projection projection, float[] x, int n, int[] positions, Workspace ws) {
        backend.look(x, 0, n);
        return cpu.project(projection, x, n, positions, ws);
    }

    @Override
    public float[] attentionAhead(float[] x, int n, int[] positions, Probe probe, Workspace ws) {
        backend.look(x, 0, n);
        return cpu.attentionAhead(x, n, positions, probe, ws);
    }

    @Override
    public float[] normed(Half half, float[] x, int n, Workspace ws) {
        backend.look(x, 0, n);
        return cpu.normed(half, x, n, ws);
    }

    @Override
    public float[] neurons(float[] x, int n, Workspace ws) {
        backend.look(x, 0, n);
        return cpu.neurons(x, n, ws);
    }
}
