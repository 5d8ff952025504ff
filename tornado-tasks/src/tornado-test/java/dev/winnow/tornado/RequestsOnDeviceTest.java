package dev.winnow.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.layers.CompiledVocabulary.Highest;
import dev.winnow.layers.CpuBackend;
import dev.winnow.layers.KvCache;
import dev.winnow.layers.Transfers;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.StackListener;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.models.LanguageModel;
import dev.winnow.runtime.sampling.Sampler;
import dev.winnow.runtime.sampling.SamplingOptions;
import org.junit.jupiter.api.Test;

/** Requests one after another: what they take of the device, and what crosses between it and the host. */
class RequestsOnDeviceTest {
    private static final String MODEL = "llama-plain";

    private final TornadoBackend backend = OnDevice.model(MODEL).backend();
    private final LanguageModel m = OnDevice.model(MODEL).winnow().languageModel().orElseThrow();

    /** Prompt and a few tokens; what is left of the cache when the request forgets to give it back is for the collector. */
    private static void request(LanguageModel m, int prompt, int tokens, boolean tidy) {
        Schedule schedule = ReductionPlan.NONE.schedule(m.shape());
        Workspace workspace = new Workspace();
        KvCache cache = m.newCache(0);
        prompt(m, prompt, cache, schedule, workspace);
        for (int i = 0; i < tokens; i++) m.step(3, cache, schedule, workspace);
        if (tidy) cache.drop();
    }

    private static void prompt(LanguageModel m, int prompt, KvCache cache, Schedule schedule, Workspace workspace) {
        int[] ids = new int[prompt];
        for (int i = 0; i < prompt; i++) ids[i] = 1 + i % 7;
        m.prefill(m.embed(ids), cache, schedule, workspace, StackListener.NONE);
    }

    @Test
    void aHundredRequestsTakeNoMoreThanOne() {
        request(m, 20, 3, true);
        long bytes = backend.bytes();
        long used = backend.used();
        for (int i = 0; i < 100; i++) request(m, 1 + 17 * i % 20, 3, true);
        assertThat(backend.bytes()).isEqualTo(bytes);
        assertThat(backend.used()).isEqualTo(used);
    }

    /** Of a token decoded greedily its id comes back; angles and arguments go there, the id itself only where it is not the one found. */
    @Test
    void anIdCrossesAndNoStates() {
        greedily(m, 2);
        Transfers none = greedily(backend, m, 1);
        // after the prompt the last token's states and all logits; and one float wherever the host waits
        assertThat(none.toHost()).isBetween((long) Float.BYTES * (m.width() + m.vocabulary() + 2),
                Float.BYTES * (m.width() + m.vocabulary() + 2 + none.launches()));
        Transfers four = greedily(backend, m, 5).minus(none);
        int layers = m.stack().layers();
        // an id with its logit; and one float wherever the host waits until arguments may be overwritten
        assertThat(four.toHost()).isBetween(4L * 2 * Float.BYTES, 4L * Float.BYTES * (2 + layers + 3));
        // angles, through an array of 256 floats, and arguments
        assertThat(four.toDevice()).isBetween(4L * Float.BYTES, 4L * (Float.BYTES * 256 + 10_000L * layers));
        // embedding, angles, layers, and the choice
        assertThat(four.launches()).isEqualTo(4L * (layers + 3));
    }

    /** All logits, for those who look at them: states go there and come back with them. */
    @Test
    void allLogitsCrossWhereTheyAreAskedFor() {
        request(m, 5, 1, true);
        Transfers none = crossing(backend, m, 0);
        Transfers four = crossing(backend, m, 4).minus(none);
        int layers = m.stack().layers();
        long states = 4L * Float.BYTES * (m.width() + m.vocabulary());
        assertThat(four.toHost()).isBetween(states, states + 4L * Float.BYTES * (layers + 4));
        assertThat(four.launches()).isEqualTo(4L * (layers + 4));
    }

    /** The highest logits are those of the processor, whose choice among all of them is the same. */
    @Test
    void choicesAreThoseOfTheProcessor() {
        try (Winnow processor = Winnow.open(OnDevice.golden(MODEL), CpuBackend.create())) {
            LanguageModel here = processor.languageModel().orElseThrow();
            Sequence expected = new Sequence(here);
            Sequence actual = new Sequence(m);
            SamplingOptions drawn = SamplingOptions.greedy().withTemperature(0.9).withTopK(20).withTopP(0.9).withSeed(5);
            for (int k : new int[] {1, 1, 20, Math.min(512, here.vocabulary()), 1}) {
                float[] logits = here.step(3, expected.cache, expected.schedule, expected.workspace);
                Highest highest = m.stepHighest(3, k, actual.cache, actual.schedule, actual.workspace).orElseThrow();
                for (int i = 0; i < k; i++) assertThat(highest.values()[i]).isCloseTo(logits[highest.ids()[i]], within(1e-4f));
                int best = new Sampler(SamplingOptions.greedy()).next(logits, new int[0], 0);
                assertThat(highest.ids()[0]).isEqualTo(best);
                if (k != 20) continue;
                Sampler sampler = new Sampler(drawn);
                assertThat(sampler.enough()).isEqualTo(k);
                assertThat(sampler.among(highest.ids(), highest.values())).isEqualTo(new Sampler(drawn).next(logits, new int[0], 0));
            }
        }
    }

    /** A sequence behind its prompt. */
    private static final class Sequence {
        final Schedule schedule;
        final Workspace workspace = new Workspace();
        final KvCache cache;

        Sequence(LanguageModel m) {
            schedule = ReductionPlan.NONE.schedule(m.shape());
            cache = m.newCache(0);
            prompt(m, 5, cache, schedule, workspace);
        }
    }

    private static void greedily(LanguageModel m, int tokens) {
        Sequence s = new Sequence(m);
        int id = 3;
        for (int i = 0; i < tokens; i++) id = m.stepHighest(id, 1, s.cache, s.schedule, s.workspace).orElseThrow().ids()[0];
        s.cache.drop();
    }

    private static Transfers greedily(TornadoBackend backend, LanguageModel m, int tokens) {
        Transfers before = backend.transfers();
        greedily(m, tokens);
        return backend.transfers().minus(before);
    }

    private static Transfers crossing(TornadoBackend backend, LanguageModel m, int tokens) {
        Transfers before = backend.transfers();
        request(m, 5, tokens, true);
        return backend.transfers().minus(before);
    }
}
