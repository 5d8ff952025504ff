package dev.winnow.runtime.models;

import dev.winnow.layers.Attention;
import dev.winnow.layers.Backend;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.Grid;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.StackRunner;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.Tokens;
import dev.winnow.weights.CheckpointException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Stages on ever coarser grids, each behind a convolution that makes the step: a network of grid operators, or all of one but the
 * attention blocks at its end. No token can go while a grid operator is still to come.
 *
 * @param side the only side of pictures that it takes, or 0 for any
 */
record Pyramid(int imageSize, int channels, List<Stage> stages, int side) implements Stem {
    /** Far more than such models are trained with, and few enough for all buffers. */
    private static final int MOST_CELLS_PER_SIDE = 256;

    Pyramid {
        stages = List.copyOf(stages);
        requireCells(imageSize, grids(stages, imageSize, imageSize).getLast());
    }

    /** Refuses pictures of which a stage leaves nothing. */
    static void requireCells(int imageSize, Grid grid) {
        if (grid.cells() > 0) return;
        throw new CheckpointException("config: pictures of " + imageSize + " pixels a side are too small for the model's stages");
    }

    /**
     * One stage.
     *
     * @param entrance to its grid, or null where it stays on the one before
     * @param before   norm in front of the entrance, or null
     * @param after    norm behind the entrance, or null
     */
    record Stage(Convolution entrance, GridNorm before, GridNorm after, Blocks blocks) {
        Grid grid(Grid from) {
            return entrance == null ? from : entrance.grid(from);
        }
    }

    /** What runs on a stage's grid. */
    sealed interface Blocks {}

    record OnGrid(List<GridBlock> blocks) implements Blocks {}

    /** Attention, with a later stage that needs the grid again. */
    record OnTokens(StackRunner stack) implements Blocks {}

    @Override
    public int patchSize() {
        return stages.stream().filter(s -> s.entrance != null).mapToInt(s -> s.entrance.stride()).reduce(1, (a, b) -> a * b);
    }

    @Override
    public int width() {
        return stages.stream().filter(s -> s.entrance != null).toList().getLast().entrance.kernel().out();
    }

    @Override
    public List<TokenKind> kinds() {
        return List.of();
    }

    @Override
    public PatchOrder order() {
        return PatchOrder.ROWS;
    }

    @Override
    public boolean takes(int height, int width) {
        if (side > 0 && (height != side || width != side)) return false;
        List<Grid> grids = grids(stages, height, width);
        return grids.stream().allMatch(g -> g.cells() > 0 && Math.max(g.height(), g.width()) <= MOST_CELLS_PER_SIDE)
                && scratch(height, width) <= Integer.MAX_VALUE;
    }

    @Override
    public Grid grid(int height, int width) {
        return grids(stages, height, width).getLast();
    }

    /** The grid of every stage. */
    private static List<Grid> grids(List<Stage> stages, int height, int width) {
        List<Grid> grids = new ArrayList<>();
        for (Stage s : stages) grids.add(s.grid(grids.isEmpty() ? new Grid(height, width) : grids.getLast()));
        return grids;
    }

    @Override
    public float[] embed(Backend backend, VisionEncoder.Picture picture, Workspace workspace, Trace trace) {
        FeatureMap map = FeatureMap.ofPixels(picture.pixels(), picture.offset(), channels, picture.height(), picture.width());
        for (int i = 0; i < stages.size(); i++) {
            Stage stage = stages.get(i);
            int cells = map.grid().cells();
            if (stage.before != null) stage.before.apply(backend, map.values(), cells, map.values());
            if (stage.entrance != null) map = stage.entrance.apply(map, backend, workspace.work());
            if (stage.after != null) stage.after.apply(backend, map.values(), map.grid().cells(), map.values());
            switch (stage.blocks) {
                case OnGrid(List<GridBlock> blocks) -> {
                    for (GridBlock b : blocks) b.run(map, backend, workspace);
                }
                case OnTokens(StackRunner stack) -> map = attended(stack, map, workspace);
            }
            if (trace != null) trace.item("vision.stage." + i, map.values(), map.grid().cells(), map.channels());
        }
        return map.values();
    }

    private static FeatureMap attended(StackRunner stack, FeatureMap map, Workspace workspace) {
        Tokens tokens = new Tokens(map.values(), map.channels(), TokenLedger.picture(List.of(), map.grid(), 0));
        stack.run(tokens, stack.layers(), null, ReductionPlan.NONE.schedule(new ModelShape(Optional.empty(), 0)), workspace,
                StackListener.NONE);
        return new FeatureMap(tokens.hidden(), map.grid(), map.channels());
    }

    @Override
    public long flops() {
        long flops = 0;
        Grid from = new Grid(imageSize, imageSize);
        for (Stage s : stages) {
            if (s.entrance != null) flops += s.entrance.flops(from);
            Grid grid = s.grid(from);
            flops += switch (s.blocks) {
                case OnGrid(List<GridBlock> blocks) -> blocks.stream().mapToLong(b -> b.flops(grid)).sum();
                case OnTokens(StackRunner stack) -> ComputeCost.layers(stack.descriptions(), grid.cells());
            };
            from = grid;
        }
        return flops;
    }

    @Override
    public long scratch() {
        return scratch(imageSize, imageSize);
    }

    private long scratch(int height, int width) {
        long most = 0;
        Grid from = new Grid(height, width);
        for (Stage s : stages) {
            if (s.entrance != null) most = Math.max(most, s.entrance.scratch(from));
            Grid grid = s.grid(from);
            most = Math.max(most, switch (s.blocks) {
                case OnGrid(List<GridBlock> blocks) -> blocks.stream().mapToLong(b -> b.scratch(grid)).max().orElse(0);
                case OnTokens(StackRunner stack) -> ComputeCost.scratch(stack.descriptions(), grid.cells());
            });
            from = grid;
        }
        return most;
    }

    @Override
    public Map<String, Linear> linears() {
        Map<String, Linear> all = new LinkedHashMap<>();
        for (int i = 0; i < stages.size(); i++) {
            Stage s = stages.get(i);
            String stage = "stage " + i + " ";
            if (s.entrance != null) all.put(stage + "entrance", s.entrance.kernel());
            switch (s.blocks) {
                case OnGrid(List<GridBlock> blocks) -> {
                    for (int b = 0; b < blocks.size(); b++) {
                        String block = stage + "block " + b + " ";
                        blocks.get(b).mixer().linears().forEach((name, linear) -> all.put(block + name, linear));
                        all.put(block + "up", blocks.get(b).mlp().up());
                        all.put(block + "down", blocks.get(b).mlp().down());
                    }
                }
                case OnTokens(StackRunner stack) -> {
                    List<TransformerLayer> layers = stack.descriptions();
                    for (int l = 0; l < layers.size(); l++) put(all, stage + "layer " + l + " ", layers.get(l));
                }
            }
        }
        return all;
    }

    private static void put(Map<String, Linear> all, String layer, TransformerLayer description) {
        Attention a = description.attention();
        all.put(layer + "query", a.query());
        all.put(layer + "key", a.key());
        all.put(layer + "value", a.value());
        all.put(layer + "attention output", a.output());
        if (description.mlp() instanceof Mlp.Plain mlp) {
            all.put(layer + "up", mlp.up());
            all.put(layer + "down", mlp.down());
        }
    }

    @Override
    public String description() {
        return stages.stream().map(s -> switch (s.blocks) {
            case OnGrid(List<GridBlock> blocks) -> blocks.isEmpty() ? "" : blocks.size() + " of "
                    + blocks.getFirst().mixer().act();
            case OnTokens(StackRunner stack) -> stack.layers() + " of attention";
        }).filter(s -> !s.isEmpty()).collect(Collectors.joining(", "));
    }
}
