package dev.winnow.runtime.cli;

import dev.winnow.layers.Backend;
import dev.winnow.layers.CpuBackend;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.Request;
import dev.winnow.runtime.RequestException;
import dev.winnow.runtime.Stats;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.bench.DeviceCopies;
import dev.winnow.runtime.bench.Host;
import dev.winnow.runtime.bench.PlanCost;
import dev.winnow.runtime.bench.PlanRounds;
import dev.winnow.runtime.images.RgbImage;
import dev.winnow.runtime.models.LanguageModel;
import dev.winnow.runtime.models.VisionLanguageModel;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.function.ToLongFunction;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Rates of a model, dense and under each plan, with the memory it took. */
@Command(name = "bench", description = "Measures a model, dense and under each plan in turns: prompt and decoding rates, or images per"
        + " second; operations, processor time, memory.")
final class BenchCommand implements Callable<Integer> {
    private static final int SEED = 1;

    @Mixin
    private Common common;
    @Mixin
    private ModelOption model;

    @Option(names = "--prompt-tokens", paramLabel = "N", description = "prompt of N random tokens, pictures not counted; default 512")
    private Integer promptTokens;
    @Option(names = "--prompt", paramLabel = "TEXT", description = "a prompt of words instead")
    private String prompt;
    @Option(names = "--gen-tokens", paramLabel = "N", description = "tokens to generate; default 32")
    private Integer generatedTokens;
    @Option(names = "--image", paramLabel = "FILE",
            description = "a picture; may be repeated; default: a random one for a vision model, none for others")
    private List<Path> images = new ArrayList<>();
    @Option(names = "--rounds", paramLabel = "N", defaultValue = "5", description = "rounds that count; default ${DEFAULT-VALUE}")
    private int rounds;
    @Option(names = "--warm-up", paramLabel = "N", defaultValue = "2",
            description = "rounds before, while the JVM compiles; default ${DEFAULT-VALUE}")
    private int warmUp;

    @Override
    public Integer call() {
        requireAtLeast("--rounds", rounds, 1);
        requireAtLeast("--warm-up", warmUp, 0);
        if (promptTokens != null) requireAtLeast("--prompt-tokens", promptTokens, 1);
        if (generatedTokens != null) requireAtLeast("--gen-tokens", generatedTokens, 1);
        if (prompt != null && promptTokens != null) throw new UsageException("bench takes --prompt or --prompt-tokens, not both");
        List<ReductionPlan> plans = plans();
        Backend backend = common.backend();
        try (Winnow winnow = model.open(backend)) {
            for (ReductionPlan plan : plans) plan.schedule(winnow.model().shape());
            LanguageModel language = winnow.languageModel().orElse(null);
            if (language == null && (prompt != null || promptTokens != null || generatedTokens != null)) {
                throw new RequestException("this model (" + winnow.model().family() + ") does not generate text");
            }
            Request request = language == null ? null : request(winnow, language);
            PlanRounds measured = language == null ? PlanRounds.looking(winnow, pictures(winnow), plans)
                    : PlanRounds.generating(winnow, request, plans);
            measured.run(warmUp, rounds);
            report(winnow, backend, measured, language != null, request == null ? Optional.empty() : DeviceCopies.of(winnow, request));
        }
        return 0;
    }

    private static void requireAtLeast(String option, int value, int least) {
        if (value < least) throw new UsageException(option + " should be at least " + least + " but is " + value);
    }

    /** Dense, and one plan for each spec. */
    private List<ReductionPlan> plans() {
        List<ReductionPlan> plans = new ArrayList<>(List.of(ReductionPlan.NONE));
        plans.addAll(common.plans());
        return plans;
    }

    private List<RgbImage> pictures(Winnow winnow) {
        if (!images.isEmpty()) return images.stream().map(RgbImage::read).toList();
        int size = winnow.visionTower().orElseThrow().imageSize();
        byte[] rgb = new byte[3 * size * size];
        new SplittableRandom(SEED).nextBytes(rgb);
        return List.of(new RgbImage(size, size, rgb));
    }

    private Request request(Winnow winnow, LanguageModel language) {
        RgbImage[] pictures = images.stream().map(RgbImage::read).toArray(RgbImage[]::new);
        int most = generatedTokens == null ? 32 : generatedTokens;
        int count = promptTokens == null ? 512 : promptTokens;
        if (prompt == null) language.requireRoom(count, most);
        Request request = prompt != null ? Request.of(prompt, pictures) : Request.ofIds(randomIds(winnow, language, count), pictures);
        return request.withMaxTokens(most).withIgnoreEos(true);
    }

    private static int[] randomIds(Winnow winnow, LanguageModel language, int count) {
        int image = winnow.model() instanceof VisionLanguageModel m ? m.imageToken() : -1;
        return new SplittableRandom(SEED).ints(0, language.vocabulary()).filter(id -> id != image).limit(count).toArray();
    }

    /** @param copies of the dense request, where a device runs it */
    private void report(Winnow winnow, Backend backend, PlanRounds measured, boolean generates, Optional<DeviceCopies> copies) {
        List<PlanCost> costs = measured.costs();
        double steal = measured.stealSeconds();
        Map<String, Long> memory = memory(winnow, backend, costs);
        if (common.json()) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("machine", Host.describe());
            result.put("model", model.directory().toString());
            result.put("family", winnow.model().family());
            result.put("rounds", rounds);
            result.put("warmUpRounds", warmUp);
            result.put("stealSeconds", Double.isNaN(steal) ? null : steal);
            result.put("plans", costs.stream().map(c -> facts(c, generates)).toList());
            result.put("memory", memory);
            copies.ifPresent(c -> result.put("copiesPerToken", c));
            common.printJson(result);
            return;
        }
        common.out().println(Host.describe());
        common.out().println(winnow.model().family() + ", " + described(costs.getFirst().stats(), generates) + "; " + rounds
                + " rounds after " + warmUp + " that warm up" + (Double.isNaN(steal) ? "" : "; stolen by the machine's host: " + Tables.seconds(steal)));
        common.out().println();
        common.out().print(Tables.columns(generates ? generation(costs) : looking(costs)));
        common.out().println();
        copies.ifPresent(c -> common.out().println(String.format(Locale.ROOT, "for each token decoded densely %s cross to the device and %s"
                + " back, in %.1f launches%n", Tables.quantity(Math.round(c.toDevice()), "B"), Tables.quantity(Math.round(c.toHost()), "B"),
                c.launches())));
        memory.forEach((name, bytes) -> common.out().println(String.format("%-28s %s", name, Tables.quantity(bytes, "B"))));
    }

    private static String described(Stats s, boolean generates) {
        String pictures = s.images() == 0 ? "" : s.images() + (s.images() == 1 ? " picture" : " pictures");
        if (!generates) return pictures;
        return (pictures.isEmpty() ? "" : pictures + ", ") + s.promptTokens() + " prompt tokens, " + s.generatedTokens() + " generated";
    }

    /** Times are medians, with the best round in brackets. */
    private static List<List<String>> generation(List<PlanCost> costs) {
        List<List<String>> table = new ArrayList<>();
        table.add(List.of("plan", "prompt", "first token", "prompt tokens/s", "GFLOP/s", "tokens/s", "step p50", "p99", "CPU", "FLOP",
                "first token", "decoding"));
        for (PlanCost c : costs) {
            boolean steps = c.stepMedian() > 0;
            table.add(List.of(c.plan(), c.stats().promptTokens() + "", seconds(c.firstToken()), number(c.prefillTokensPerSecond()),
                    number(c.gigaflopsPerSecond()), steps ? number(c.decodeTokensPerSecond()) : "-",
                    steps ? Tables.seconds(c.stepMedian()) : "-", steps ? Tables.seconds(c.step99()) : "-", seconds(c.cpu()),
                    Tables.quantity(c.stats().flops(), ""), times(c.firstTokenSpeedup()), steps ? times(c.decodeSpeedup()) : "-"));
        }
        return table;
    }

    private static List<List<String>> looking(List<PlanCost> costs) {
        List<List<String>> table = new ArrayList<>();
        table.add(List.of("plan", "images/s", "request", "tower", "GFLOP/s", "CPU", "FLOP", "request", "CPU"));
        for (PlanCost c : costs) {
            table.add(List.of(c.plan(), number(c.imagesPerSecond()), seconds(c.request()), seconds(c.vision()),
                    number(c.gigaflopsPerSecond()), seconds(c.cpu()), Tables.quantity(c.stats().flops(), ""), times(c.requestSpeedup()), times(c.cpuSpeedup())));
        }
        return table;
    }

    private static String seconds(PlanCost.Seconds s) {
        return Tables.seconds(s.median()) + " (" + Tables.seconds(s.best()) + ")";
    }

    private static String number(double n) {
        return String.format(Locale.ROOT, n < 99.5 ? "%.1f" : "%.0f", n);
    }

    private static String times(double speedup) {
        return String.format(Locale.ROOT, "%.2fx", speedup);
    }

    private static Map<String, Object> facts(PlanCost c, boolean generates) {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("plan", c.plan());
        facts.put("requestSeconds", c.request());
        facts.put("cpuSeconds", c.cpu());
        facts.put("visionSeconds", c.vision());
        if (generates) {
            facts.put("firstTokenSeconds", c.firstToken());
            facts.put("prefillSeconds", c.prefill());
            facts.put("prefillTokensPerSecond", c.prefillTokensPerSecond());
            facts.put("decodeSeconds", c.decode());
            facts.put("decodeTokensPerSecond", c.decodeTokensPerSecond());
            facts.put("decodeGigaflopsPerSecond", c.decodeGigaflopsPerSecond());
            facts.put("stepSecondsMedian", c.stepMedian());
            facts.put("stepSeconds99", c.step99());
            facts.put("firstTokenSpeedup", c.firstTokenSpeedup());
            facts.put("decodeSpeedup", c.decodeSpeedup());
        } else {
            facts.put("imagesPerSecond", c.imagesPerSecond());
        }
        facts.put("gigaflopsPerSecond", c.gigaflopsPerSecond());
        facts.put("requestSpeedup", c.requestSpeedup());
        facts.put("cpuSpeedup", c.cpuSpeedup());
        facts.put("stats", c.stats());
        return facts;
    }

    /** What memory went to. The JVM holds more of it than requests use: its own code, and heap not yet collected. */
    private static Map<String, Long> memory(Winnow winnow, Backend backend, List<PlanCost> costs) {
        Map<String, Long> memory = new LinkedHashMap<>();
        memory.put("weights bytes", winnow.weightBytes());
        if (backend instanceof CpuBackend cpu) memory.put("packed weights bytes", cpu.packedBytes());
        memory.put("cache bytes", most(costs, Stats::cacheHeldBytes));
        memory.put("workspace bytes", most(costs, Stats::workspaceBytes));
        memory.put("heap at most bytes", ManagementFactory.getMemoryPoolMXBeans().stream().filter(p -> p.getType() == MemoryType.HEAP)
                .map(MemoryPoolMXBean::getPeakUsage).mapToLong(u -> u.getUsed()).sum());
        Host.peakResidentBytes().ifPresent(peak -> memory.put("peak resident bytes", peak));
        return memory;
    }

    private static long most(List<PlanCost> costs, ToLongFunction<Stats> bytes) {
        return costs.stream().map(PlanCost::stats).mapToLong(bytes).max().orElse(0);
    }
}
