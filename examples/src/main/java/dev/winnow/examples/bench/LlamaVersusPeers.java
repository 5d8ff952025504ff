package dev.winnow.examples.bench;

import dev.winnow.layers.KvCache;
import dev.winnow.layers.Workers;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.StackListener;
import dev.winnow.runtime.LoadOptions;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.bench.Rounds;
import dev.winnow.runtime.models.LanguageModel;
import dev.winnow.runtime.models.Quantization;
import dev.winnow.weights.ModelDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A language model here and in other engines, on the same weights: the prompt pass and greedy decoding after it, one engine after the
 * other in each round. Arguments: directory of the peers, model directory, rounds, formats, threads, engines, tokens of the prompt, tokens
 * to decode. A format is bf16, q8 or q4, or two with a slash: Winnow's and the peers'.
 */
public final class LlamaVersusPeers {
    private static final int CHECKS = 16;
    private static final int PAUSE_MILLIS = 100;
    /** Letters in the tokenizer of random-weight models. */
    private static final int FIRST_LETTER = 100;
    private static final int LETTERS = 26;
    private static final String WINNOW = "Winnow";

    private final LanguageModel model;
    private final Schedule dense;
    private final Workspace workspace = new Workspace();
    private final int[] prompt;
    private final int tokens;
    private KvCache cache;
    private float[] afterPrompt;

    private LlamaVersusPeers(LanguageModel model, int[] prompt, int tokens) {
        this.model = model;
        this.dense = ReductionPlan.NONE.schedule(model.shape());
        this.prompt = prompt;
        this.tokens = tokens;
    }

    public static void main(String[] args) throws IOException {
        Path peers = Path.of(args[0]).toAbsolutePath();
        Path directory = Path.of(args[1]);
        int rounds = Integer.parseInt(argument(args, 2, "5"));
        String[] formats = argument(args, 3, "bf16,q8,q4").split(",");
        int[] threads = Arrays.stream(argument(args, 4, "1,2").split(",")).mapToInt(Integer::parseInt).toArray();
        List<LanguagePeer> engines = Arrays.stream(argument(args, 5, "node-llama-cpp,java-llama.cpp,jlama").split(","))
                .map(LanguagePeer::of).toList();
        int[] prompt = prompt(Integer.parseInt(argument(args, 6, "512")));
        int tokens = Integer.parseInt(argument(args, 7, "32"));
        System.out.println(Machine.describe());
        for (String format : formats) {
            String ours = format.contains("/") ? format.substring(0, format.indexOf('/')) : format;
            String theirs = format.substring(format.indexOf('/') + 1);
            try (Winnow opened = open(directory, ours)) {
                LlamaVersusPeers bench = new LlamaVersusPeers((LanguageModel) opened.model(), prompt, tokens);
                for (int n : threads) {
                    Workers.shared().resize(n);
                    List<LanguagePeer> able = engines.stream().filter(e -> e.has(theirs)).toList();
                    System.out.printf("%n### Winnow %s, peers %s, %d thread%s, prompt of %d tokens, %d decoded%n%n", ours, theirs, n,
                            n == 1 ? "" : "s", prompt.length, tokens);
                    bench.compare(opened.directory(), peers, theirs, n, able, rounds);
                }
            }
        }
    }

    private static String argument(String[] args, int i, String otherwise) {
        return args.length > i ? args[i] : otherwise;
    }

    /** Where a format becomes the way Winnow loads the model. */
    private static Winnow open(Path directory, String format) {
        return Winnow.open(directory, LoadOptions.defaults().withQuantization(switch (format) {
            case "bf16" -> Quantization.NONE;
            case "q8" -> Quantization.Q8;
            case "q4" -> Quantization.Q4;
            default -> throw new IllegalArgumentException("formats are bf16, q8 and q4, not " + format);
        }));
    }

    /** Letters, which every engine takes for one token each. */
    private static int[] prompt(int length) {
        if (length <= CHECKS) throw new IllegalArgumentException("the prompt should have more than " + CHECKS + " tokens, but has " + length);
        int[] ids = new int[length];
        Arrays.setAll(ids, i -> FIRST_LETTER + (int) (i * 7919L % 104_729 % LETTERS));
        return ids;
    }

    private void compare(ModelDirectory directory, Path peers, String format, int threads, List<LanguagePeer> engines, int rounds)
            throws IOException {
        List<PeerProcess> started = new ArrayList<>();
        try {
            for (LanguagePeer engine : engines) {
                PeerProcess peer = engine.start(directory, peers, format, threads, prompt, tokens);
                started.add(peer);
                System.out.println(peer.name() + ": " + agreement(peer, format.equals("bf16") ? engine.tolerance() : Double.MAX_VALUE));
            }
            Rounds r = new Rounds().task("prefill Winnow", this::prefill).task("decode Winnow", this::decode);
            for (PeerProcess p : started) {
                r.task("prefill " + p.name(), () -> p.ask("prefill"), p::cpuNanos);
                r.task("decode " + p.name(), () -> p.ask("decode"), p::cpuNanos);
            }
            r.run(1, rounds, PAUSE_MILLIS);
            System.out.println();
            report(r, "prefill", prompt.length, started);
            report(r, "decode", tokens, started);
        } finally {
            started.forEach(PeerProcess::close);
        }
    }

    private static void report(Rounds r, String work, int tokens, List<PeerProcess> peers) {
        System.out.printf("| %s | tokens/s, median | best | per CPU second, median | best | stolen | Winnow is faster: medians"
                + " | round by round (quartiles) | per CPU second |%n|---|---|---|---|---|---|---|---|---|%n", work);
        String ours = work + " " + WINNOW;
        row(r, ours, WINNOW, tokens, "- | - | -");
        for (PeerProcess p : peers) {
            String theirs = work + " " + p.name();
            double[] wall = r.ratio(theirs, ours, Rounds.Sample::wall);
            double[] cpu = r.ratio(theirs, ours, Rounds.Sample::cpu);
            row(r, theirs, p.name(), tokens, "%.2f | %.2f (%.2f to %.2f) | %.2f".formatted(r.medianWall(theirs) / r.medianWall(ours),
                    wall[1], wall[0], wall[2], cpu[1]));
        }
        System.out.println();
    }

    private static void row(Rounds r, String task, String engine, int tokens, String ratios) {
        System.out.printf("| %s | %.2f | %.2f | %.2f | %.2f | %.1f%% | %s |%n", engine, tokens / r.medianWall(task),
                tokens / r.bestWall(task), tokens / r.medianCpu(task), tokens / r.bestCpu(task), 100 * r.stolen(task), ratios);
    }

    private void prefill() {
        cache = model.newCache(prompt.length + tokens);
        afterPrompt = logits(prompt, cache);
    }

    private float[] logits(int[] ids, KvCache into) {
        return model.prefill(model.embed(ids), into, dense, workspace, StackListener.NONE);
    }

    /** The same tokens after the same prompt each time. */
    private void decode() {
        int next = best(afterPrompt);
        for (int i = 0; i < tokens; i++) next = best(model.step(next, cache, dense, workspace));
        cache.rewind(tokens);
    }

    private static int best(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) if (logits[i] > logits[best]) best = i;
        return best;
    }

    /**
     * Compares choices after pieces of the prompt, all with one last token, so that attention and positions make the difference; most are
     * short, where they make more of it. A peer's choice should be the best here too, or nearly so where its sums end otherwise.
     *
     * @param tolerance what the peer's choice may have less than the best, in standard deviations of the logits
     */
    private String agreement(PeerProcess peer, double tolerance) {
        int same = 0;
        int compared = 0;
        double furthest = 0;
        for (int i = 1; i <= CHECKS; i++) {
            int[] start = Arrays.copyOfRange(prompt, i, Math.min(prompt.length, i + (i == CHECKS ? prompt.length : i + 1)));
            start[start.length - 1] = FIRST_LETTER;
            float[] logits = logits(start, model.newCache(start.length));
            double[] answer = peer.ask(Arrays.stream(start).mapToObj(Integer::toString).collect(Collectors.joining(",")));
            // an engine that gives text only cannot tell a token that is a piece of a character
            if (answer.length == 0) continue;
            compared++;
            int taken = (int) answer[0];
            int best = best(logits);
            if (best == taken) same++;
            furthest = Math.max(furthest, (logits[best] - logits[taken]) / deviation(logits));
        }
        String told = "%d of %d choices are Winnow's, the others at most %.3f standard deviations of the logits below"
                .formatted(same, compared, furthest);
        if (furthest > tolerance || compared < CHECKS / 2) throw new IllegalStateException(peer.name() + ": only " + told);
        return told;
    }

    private static double deviation(float[] values) {
        double sum = 0;
        double squares = 0;
        for (float v : values) {
            sum += v;
            squares += (double) v * v;
        }
        double mean = sum / values.length;
        return Math.sqrt(squares / values.length - mean * mean);
    }
}
