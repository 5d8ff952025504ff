package dev.winnow.reduction;

import static dev.winnow.reduction.Features.gaussian;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Attention;
import dev.winnow.layers.AttentionMask;
import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.CpuBackend;
import dev.winnow.layers.KvCache;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.Norm;
import dev.winnow.layers.RopeScaling;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.layers.Workspace;
import dev.winnow.weights.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/** A stack of random layers, and ways to run it. */
public record SmallModel(Stage stage, StackRunner stack, ModelShape shape, List<CompiledLayer> layers) {
    public static final int WIDTH = 32;
    private static final int HEADS = 4;
    private static final int DIM = WIDTH / HEADS;
    private static final int INNER = 48;

    /** An encoder without positions. */
    public static SmallModel vision(int depth, int patches) {
        return new Builder(7, 4, AttentionMask.BIDIRECTIONAL, null).build(Stage.VISION, depth,
                new ModelShape(Optional.of(new ModelShape.Vision(depth, depth - 1, true, patches)), 0));
    }

    /** A decoder with rotary positions and two query heads per key head. */
    public static SmallModel language(int depth) {
        RotaryEmbedding rotary = new RotaryEmbedding(DIM, 10_000, new RopeScaling.None());
        return new Builder(8, 2, AttentionMask.CAUSAL, rotary).build(Stage.LANGUAGE, depth, new ModelShape(Optional.empty(), depth));
    }

    private static final class Builder {
        final Random random;
        final int kvHeads;
        final AttentionMask mask;
        final RotaryEmbedding rotary;

        Builder(long seed, int kvHeads, AttentionMask mask, RotaryEmbedding rotary) {
            this.random = new Random(seed);
            this.kvHeads = kvHeads;
            this.mask = mask;
            this.rotary = rotary;
        }

        SmallModel build(Stage stage, int depth, ModelShape shape) {
            List<CompiledLayer> layers = new ArrayList<>();
            for (int l = 0; l < depth; l++) {
                layers.add(CpuBackend.create().compile(new TransformerLayer(norm(),
                        new Attention(linear(WIDTH, WIDTH, 0.4), linear(kvHeads * DIM, WIDTH, 0.4), linear(kvHeads * DIM, WIDTH, 0.2),
                                linear(WIDTH, WIDTH, 0.2), HEADS, kvHeads, DIM, (float) (1 / Math.sqrt(DIM)), mask, rotary),
                        norm(), new Mlp.Plain(linear(INNER, WIDTH, 0.2), linear(WIDTH, INNER, 0.2), Activation.GELU))));
            }
            return new SmallModel(stage, new StackRunner(stage, layers), shape, layers);
        }

        Norm norm() {
            float[] ones = new float[WIDTH];
            Arrays.fill(ones, 1f);
            return new Norm.Layer(ones, new float[WIDTH], 1e-6f);
        }

        Linear linear(int out, int in, double scale) {
            return new Linear(Tensor.ofFloats("w", gaussian(random, out * in, scale), out, in), gaussian(random, out, 0.1));
        }
    }

    /** Random hidden states of n tokens; those of fewer tokens begin alike. */
    public static float[] states(long seed, int n) {
        return gaussian(new Random(seed), n * WIDTH, 1);
    }

    public Schedule schedule(String... specs) {
        return ReductionPlan.parse(List.of(specs)).schedule(shape);
    }

    public Schedule scheduleOf(ReductionMethod method) {
        return new ReductionPlan(List.of(method)).schedule(shape);
    }

    public KvCache cache() {
        return new KvCache(stack.descriptions(), 8);
    }

    /** All layers; no cache for an encoder. */
    public Tokens run(float[] states, TokenLedger ledger, KvCache cache, Schedule schedule, StackListener listener) {
        Tokens tokens = new Tokens(states.clone(), WIDTH, ledger);
        stack.run(tokens, layers.size(), cache, schedule, new Workspace(), listener);
        return tokens;
    }

    /** An encoder over a class token and patches. */
    public Tokens encode(float[] states, Schedule schedule) {
        return run(states, TokenLedger.patches(states.length / WIDTH - 1, true, 0), null, schedule, StackListener.NONE);
    }

    /** A decoder over a prompt. */
    public Tokens prefill(float[] states, KvCache cache, Schedule schedule) {
        return run(states, TokenLedger.uniform(states.length / WIDTH, 0, TokenKind.TEXT), cache, schedule, StackListener.NONE);
    }

    /** One more token: its hidden state after all layers. */
    public float[] step(float[] state, KvCache cache, Schedule schedule) {
        return stack.step(state.clone(), cache, schedule, new Workspace());
    }

    /** The hidden states of the live tokens. */
    public static float[] live(Tokens tokens) {
        return Arrays.copyOf(tokens.hidden(), tokens.count() * WIDTH);
    }

    /** The hidden state of one token. */
    public static float[] row(Tokens tokens, int i) {
        return Arrays.copyOfRange(tokens.hidden(), i * WIDTH, (i + 1) * WIDTH);
    }

    /** The largest difference. */
    public static double difference(float[] a, float[] b) {
        double worst = 0;
        for (int i = 0; i < b.length; i++) worst = Math.max(worst, Math.abs(a[i] - b[i]));
        return worst;
    }

    /** For each live token the original one whose place it has. */
    public static int[] kept(Tokens tokens) {
        int[] kept = new int[tokens.count()];
        Arrays.setAll(kept, tokens.ledger().origin()::anchor);
        return kept;
    }

    /** Drops all but some tokens before a layer. */
    public record Dropping(int layer, int[] keep, PositionPolicy positions) implements ReductionMethod {
        @Override
        public String spec() {
            return "dropping";
        }

        @Override
        public List<ReductionEvent> events(ModelShape shape) {
            return List.of(ReductionEvent.at(spec(), new Site(Stage.LANGUAGE, Site.Moment.BEFORE_LAYER, layer),
                    o -> new Outcome.Reduce(TokenMap.select(keep, o.tokens().count()), positions)));
        }
    }
}
