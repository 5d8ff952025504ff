package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Backend;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.Grid;

/**
 * A MetaFormer block on a grid (Yu et al. 2022): {@code x = keep x + scale mixer(norm(x))}, then the same with an MLP in place of the
 * mixer.
 */
record GridBlock(GridNorm mixerNorm, TokenMixer mixer, Scales mixerScales, GridNorm mlpNorm, Mlp.Plain mlp, Scales mlpScales) {
    /**
     * Factors on channels.
     *
     * @param keep  of what goes around a half of a block (Shleifer et al. 2021)
     * @param scale of what the half makes (Touvron et al. 2021)
     */
    record Scales(float[] keep, float[] scale) {
        void add(float[] x, float[] made, int n) {
            int width = keep.length;
            for (int i = 0; i < n; i++) {
                for (int c = 0; c < width; c++) x[i * width + c] = keep[c] * x[i * width + c] + scale[c] * made[i * width + c];
            }
        }
    }

    /** Runs over a map in place. */
    void run(FeatureMap map, Backend backend, Workspace workspace) {
        float[] x = map.values();
        int n = map.grid().cells();
        int width = map.channels();
        float[] normed = workspace.buffer(Workspace.Slot.NORMED, n * width);
        float[] made = workspace.buffer(Workspace.Slot.BRANCH, n * width);
        mixerNorm.apply(backend, x, n, normed);
        mixer.mix(new FeatureMap(normed, map.grid(), width), made, backend, workspace);
        mixerScales.add(x, made, n);
        mlpNorm.apply(backend, x, n, normed);
        float[] hidden = workspace.buffer(Workspace.Slot.HIDDEN, n * mlp.down().in());
        backend.linear(mlp.up(), normed, n, hidden, mlp.activation(), workspace.work());
        backend.linear(mlp.down(), hidden, n, made, Activation.NONE, workspace.work());
        mlpScales.add(x, made, n);
    }

    long flops(Grid grid) {
        return mixer.flops(grid, mlp.up().in()) + grid.cells() * (ComputeCost.product(mlp.up()) + ComputeCost.product(mlp.down()));
    }

    /** Bytes of buffers. */
    long scratch(Grid grid) {
        return (long) Float.BYTES * grid.cells() * (2 * mlp.up().in() + Math.max(mixer.inner(), mlp.down().in()));
    }
}
