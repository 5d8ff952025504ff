package dev.winnow.reduction.methods.depth;

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
import dev.winnow.reduction.LearnedParts;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.StackRunner;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.Tokens;
import dev.winnow.weights.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;

/** A small decoder of the Llama kind with random weights, room for learned parts, and prompts with a picture in them. */
final class RandomDecoder {
    static final int WIDTH = 32;
    static final int HEADS = 4;
    static final int KV_HEADS = 2;
    static final int DIM = WIDTH / HEADS;
    static final double THETA = 10_000;
    /** Prompts are text up to here, then the picture, then text again. */
    static final int PICTURE = 3;
    static final int PICTURE_END = 11;
    static final int PROMPT = 16;
    private static final int INNER = 48;

    final int depth;
    final StackRunner stack;
    final Map<String, Tensor> learned = new HashMap<>();
    private final Random random = new Random(11);
    private final CpuBackend backend = CpuBackend.create();

    RandomDecoder(int depth) {
        this.depth = depth;
        RotaryEmbedding rotary = new RotaryEmbedding(DIM, THETA, new RopeScaling.None());
        List<CompiledLayer> layers = new ArrayList<>();
        for (int l = 0; l < depth; l++) {
            layers.add(backend.compile(new TransformerLayer(norm(),
                    new Attention(linear(WIDTH, WIDTH, 0.4), linear(KV_HEADS * DIM, WIDTH, 0.4), linear(KV_HEADS * DIM, WIDTH, 0.2),
                            linear(WIDTH, WIDTH, 0.2), HEADS, KV_HEADS, DIM, (float) (1 / Math.sqrt(DIM)), AttentionMask.CAUSAL, rotary),
                    norm(), new Mlp.Gated(linear(INNER, WIDTH, 0.3), linear(INNER, WIDTH, 0.3), linear(WIDTH, INNER, 0.2),
                            Activation.SILU))));
        }
        stack = new StackRunner(Stage.LANGUAGE, layers);
    }

    private Norm norm() {
        float[] weight = new float[WIDTH];
        for (int i = 0; i < WIDTH; i++) weight[i] = (float) (1 + 0.2 * random.nextGaussian());
        return new Norm.Rms(weight, 1e-6f);
    }

    private Linear linear(int out, int in, double scale) {
        return new Linear(Tensor.ofFloats("w", gaussian(random, out * in, scale), out, in), null);
    }

    static float[] gaussian(Random random, int n, double scale) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) values[i] = (float) (scale * random.nextGaussian());
        return values;
    }

    /** Puts a random tensor into the checkpoint. */
    void learn(String name, double scale, long... shape) {
        int n = 1;
        for (long d : shape) n *= (int) d;
        learn(name, gaussian(random, n, scale), shape);
    }

    void learn(String name, float[] values, long... shape) {
        learned.put(name, Tensor.ofFloats(name, values, shape));
    }

    List<TransformerLayer> layers() {
        return stack.descriptions();
    }

    ModelShape shape() {
        LearnedParts parts = new LearnedParts(backend, stack.descriptions(), name -> Optional.ofNullable(learned.get(name)));
        return new ModelShape(Optional.empty(), depth, parts);
    }

    Schedule schedule(String... specs) {
        return ReductionPlan.parse(List.of(specs)).schedule(shape());
    }

    KvCache cache() {
        return new KvCache(stack.descriptions(), 4);
    }

    static float[] states(long seed, int n) {
        return gaussian(new Random(seed), n * WIDTH, 1);
    }

    static TokenLedger ledger(int n) {
        TokenKind[] kinds = new TokenKind[n];
        int[] images = new int[n];
        for (int i = 0; i < n; i++) {
            boolean visual = i >= PICTURE && i < PICTURE_END;
            kinds[i] = visual ? TokenKind.VISUAL : TokenKind.TEXT;
            images[i] = visual ? 0 : -1;
        }
        return TokenLedger.of(IntStream.range(0, n).toArray(), kinds, images);
    }

    Tokens prefill(float[] states, KvCache cache, Schedule schedule) {
        return prefill(states, ledger(states.length / WIDTH), cache, schedule);
    }

    Tokens prefill(float[] states, TokenLedger ledger, KvCache cache, Schedule schedule) {
        Tokens tokens = new Tokens(states.clone(), WIDTH, ledger);
        stack.run(tokens, depth, cache, schedule, new Workspace(), StackListener.NONE);
        return tokens;
    }

    float[] step(float[] state, KvCache cache, Schedule schedule) {
        return stack.step(state.clone(), cache, schedule, new Workspace());
    }

    static float[] row(float[] states, int i) {
        return Arrays.copyOfRange(states, i * WIDTH, (i + 1) * WIDTH);
    }
}
