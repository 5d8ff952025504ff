package dev.winnow.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.layers.KvCache;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.Tokens;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.models.LanguageModel;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Requests one after another: what they take of the device, and what crosses between it and the host. */
class RequestsOnDeviceTest {
    private static final Path MODEL = OnDevice.golden("llama-plain");

    /** Prompt and a few tokens; what is left of the cache when the request forgets to give it back is for the collector. */
    private static void request(LanguageModel m, int prompt, int tokens, boolean tidy) {
        Schedule schedule = ReductionPlan.NONE.schedule(m.shape());
        Workspace workspace = new Workspace();
        KvCache cache = m.newCache(0);
        float[] hidden = new float[prompt * m.width()];
        int[] ids = new int[prompt];
        for (int i = 0; i < prompt; i++) ids[i] = 1 + i % 7;
        m.embed(ids, hidden, 0);
        m.prefill(new Tokens(hidden, m.width(), TokenLedger.uniform(prompt, 0, TokenKind.TEXT)), cache, schedule, workspace,
                StackListener.NONE);
        for (int i = 0; i < tokens; i++) m.step(3, cache, schedule, workspace);
        if (tidy) cache.drop();
    }

    @Test
    void aHundredRequestsTakeNoMoreThanOne() {
        try (TornadoBackend backend = OnDevice.backend(); Winnow winnow = Winnow.open(MODEL, backend)) {
            LanguageModel m = winnow.languageModel().orElseThrow();
            request(m, 20, 3, true);
            long bytes = backend.bytes();
            long used = backend.used();
            for (int i = 0; i < 100; i++) request(m, 1 + 17 * i % 20, 3, true);
            assertThat(backend.bytes()).isEqualTo(bytes);
            assertThat(backend.used()).isEqualTo(used);
        }
    }

    /** Hidden states of one token go there and come back; so do its normed state and its logits; the rest are angles and arguments. */
    @Test
    void aTokenCrossesOnce() {
        try (TornadoBackend backend = OnDevice.backend(); Winnow winnow = Winnow.open(MODEL, backend)) {
            LanguageModel m = winnow.languageModel().orElseThrow();
            request(m, 5, 1, true);
            Transfers none = crossing(backend, m, 0);
            Transfers four = crossing(backend, m, 4).minus(none);
            int width = m.width();
            int layers = m.stack().layers();
            // and where the host waits for arguments to be free again, one float
            long states = 4L * Float.BYTES * (width + m.vocabulary());
            assertThat(four.toHost()).isBetween(states, states + 4L * Float.BYTES * (2 * layers + 5));
            // states, normed states and angles, through arrays no larger than 256 floats each; 10 KB of arguments a layer at most
            assertThat(four.toDevice()).isBetween(4L * Float.BYTES * 2 * width, 4L * (Float.BYTES * 2 * (width + 256) + 10_000L * layers));
            assertThat(four.launches()).isEqualTo(4L * (2 * layers + 5));
        }
    }

    private static Transfers crossing(TornadoBackend backend, LanguageModel m, int tokens) {
        Transfers before = backend.transfers();
        request(m, 5, tokens, true);
        return backend.transfers().minus(before);
    }
}
