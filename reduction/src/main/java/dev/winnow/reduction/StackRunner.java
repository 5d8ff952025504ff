package dev.winnow.reduction;

import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.KvCache;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.layers.Workspace;
import java.util.List;

/**
 * Walks a stack of layers, lets the plan act at its sites, and is the only place that knows the order of things. One for vision and
 * language alike.
 */
public final class StackRunner {
    /** What comes after a stack: a tower's projector, a language model's final norm. */
    public interface Beyond {
        /** @param hidden [n, width] of the stack; not to be changed */
        float[] apply(float[] hidden, int n, Workspace workspace);
    }

    private final Stage stage;
    private final List<CompiledLayer> layers;
    private final Beyond beyond;
    private final Sight sight;

    public StackRunner(Stage stage, List<CompiledLayer> layers) {
        this(stage, layers, null, Sight.MASKED);
    }

    /** @param beyond what methods may ask for of what comes after the stack, or null for nothing */
    public StackRunner(Stage stage, List<CompiledLayer> layers, Beyond beyond) {
        this(stage, layers, beyond, Sight.MASKED);
    }

    private StackRunner(Stage stage, List<CompiledLayer> layers, Beyond beyond, Sight sight) {
        this.stage = stage;
        this.layers = List.copyOf(layers);
        this.beyond = beyond;
        this.sight = sight;
    }

    /** The same stack in front of something. */
    public StackRunner before(Beyond beyond) {
        return new StackRunner(stage, layers, beyond, sight);
    }

    /** The same stack, whose tokens see each other in another way; decoding steps go by the masks alone. */
    public StackRunner seeing(Sight other) {
        return new StackRunner(stage, layers, beyond, other);
    }

    public int layers() {
        return layers.size();
    }

    /** Descriptions of the layers, for a cache that fits them. */
    public List<TransformerLayer> descriptions() {
        return layers.stream().map(CompiledLayer::description).toList();
    }

    /**
     * Runs layers 0 .. until - 1 over the tokens, in place.
     *
     * @param cache    of the sequence, or null when nothing will come after these tokens
     * @param schedule reductions to do; for a decoding step, one without events
     * @param listener told of every layer and reduction
     */
    public void run(Tokens tokens, int until, KvCache cache, Schedule schedule, Workspace workspace, StackListener listener) {
        run(tokens, null, until, cache, schedule, workspace, listener);
    }

    /**
     * Runs all layers over a prompt of which only the last token is asked for what comes after: states of the others may stay as they were
     * before the last layer. That of the last token is, to the bit, what {@link #run} makes of it.
     */
    public void prompt(Tokens tokens, KvCache cache, Schedule schedule, Workspace workspace, StackListener listener) {
        StackPass pass = new StackPass(stage, layers, beyond, sight, tokens, cache, schedule, workspace, listener, false);
        for (int l = 0; l < layers.size() - 1; l++) pass.layer(l);
        pass.closing(layers.size() - 1);
        pass.end();
        cache.advance(pass.lastPosition + 1 - cache.nextPosition());
    }

    /** @param hidden tokens that no other sees, or null for none */
    public void run(Tokens tokens, boolean[] hidden, int until, KvCache cache, Schedule schedule, Workspace workspace,
                    StackListener listener) {
        // towers of grid operators have done everything before
        if (layers.isEmpty()) return;
        StackPass pass = new StackPass(stage, layers, beyond, sight, tokens, cache, schedule, workspace, listener, false);
        if (hidden != null) pass.hide(hidden);
        for (int l = 0; l < until; l++) pass.layer(l);
        pass.end();
        // prompts may begin at another position than 0
        if (cache != null) cache.advance(pass.lastPosition + 1 - cache.nextPosition());
    }

    /**
     * One token of a sequence through all layers; the plan's skipped layers stay skipped, its events for every step act.
     *
     * @param hidden [width], overwritten
     * @return what the layers made of it, in the same array or another
     */
    public float[] step(float[] hidden, KvCache cache, Schedule schedule, Workspace workspace) {
        float[] result = hidden;
        if (!stays(schedule)) {
            Tokens token = new Tokens(hidden, hidden.length, TokenLedger.uniform(1, cache.nextPosition(), TokenKind.TEXT));
            StackPass pass = new StackPass(stage, layers, beyond, Sight.MASKED, token, cache, schedule, workspace, StackListener.NONE,
                    true);
            for (int l = 0; l < layers.size(); l++) pass.layer(l);
            result = token.writable();
            cache.advance(1);
        } else {
            CompiledLayer last = stepStaying(hidden, cache, schedule, workspace);
            if (last != null) last.home(hidden, 1);
        }
        return result;
    }

    /** Whether decoding steps can let states stay where layers have them: nobody looks at them on the way. */
    public boolean stays(Schedule schedule) {
        return !schedule.steps();
    }

    /**
     * {@link #step} that may let the states stay where the last layer has them; they may have stayed on a device before too.
     *
     * @return the layer that can bring them home, or null when none ran
     * @throws IllegalArgumentException unless the schedule {@link #stays}
     */
    public CompiledLayer stepStaying(float[] hidden, KvCache cache, Schedule schedule, Workspace workspace) {
        if (!stays(schedule)) throw new IllegalArgumentException("the plan looks at states in every step");
        CompiledLayer last = through(hidden, 1, cache.nextPosition(), 0, layers.size(), cache, schedule, workspace);
        cache.advance(1);
        return last;
    }

    /**
     * More tokens of a sequence through layers from .. until - 1 without events; the plan's skipped layers stay skipped.
     *
     * @param hidden   [n, width], updated in place
     * @param position of the first; the others follow it
     */
    public void extend(float[] hidden, int n, int position, int from, int until, KvCache cache, Schedule schedule, Workspace workspace) {
        CompiledLayer last = through(hidden, n, position, from, until, cache, schedule, workspace);
        if (last != null) last.home(hidden, n);
    }

    /** {@link #extend} without bringing the states home; the layer that can, or null when none ran. */
    private CompiledLayer through(float[] hidden, int n, int position, int from, int until, KvCache cache, Schedule schedule,
                                  Workspace workspace) {
        int[] shifted = workspace.positions(n);
        CompiledLayer last = null;
        for (int l = from; l < until; l++) {
            if (schedule.skips(stage, l)) continue;
            for (int i = 0; i < n; i++) shifted[i] = position + i + cache.shift(l);
            last = layers.get(l).staying();
            if (cache.threshold(l) < 0) {
                last.run(hidden, n, shifted, null, cache.layer(l), List.of(), workspace);
            } else {
                last.attend(hidden, n, shifted, null, cache.layer(l), List.of(), workspace);
                last.mlp(cache.threshold(l), hidden, n, workspace);
            }
            cache.ran(l, position + n);
        }
        return last;
    }

    /** @param threshold below which inner neurons are left out, or negative for none */
    static void mlp(CompiledLayer layer, float[] x, int n, float threshold, Workspace workspace) {
        if (threshold < 0) layer.mlp(x, n, workspace);
        else layer.mlp(threshold, x, n, workspace);
    }
}
