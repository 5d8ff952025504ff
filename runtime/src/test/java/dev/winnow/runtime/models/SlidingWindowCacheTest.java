package dev.winnow.runtime.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.layers.KvCache;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.Tokens;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Layers that see a window only forget what is out of sight. */
class SlidingWindowCacheTest {
    private static final int PROMPT = 150;
    private static final int STEPS = 150;

    private static float[] prefill(LanguageModel model, KvCache cache, Schedule schedule, Workspace workspace) {
        int[] ids = new Random(3).ints(PROMPT, 0, SmallFamilies.VOCABULARY).toArray();
        float[] hidden = new float[PROMPT * model.width()];
        model.embed(ids, hidden, 0);
        Tokens prompt = new Tokens(hidden, model.width(), TokenLedger.uniform(PROMPT, 0, TokenKind.TEXT));
        return model.prefill(prompt, cache, schedule, workspace, StackListener.NONE);
    }

    /** Families whose layers all slide, or some of them; layers that see all keep all. */
    @ParameterizedTest
    @CsvSource({"mistral,4", "gemma2,2", "gemma3_text,2", "qwen2,2", "llama,0"})
    void answersStayTheSameToTheBit(String family, int sliding) {
        LanguageModel model = SmallFamilies.model(SmallFamilies.CONFIGS.get(family));
        Schedule dense = ReductionPlan.NONE.schedule(model.shape());
        Workspace workspace = new Workspace();
        KvCache whole = model.newCache(0);
        KvCache forgetful = model.newCache(0);
        forgetful.forgetUnseen();
        assertThat(prefill(model, forgetful, dense, workspace)).isEqualTo(prefill(model, whole, dense, workspace));
        for (int i = 0; i < STEPS; i++) {
            float[] wanted = model.step(i % SmallFamilies.VOCABULARY, whole, dense, workspace).clone();
            assertThat(model.step(i % SmallFamilies.VOCABULARY, forgetful, dense, workspace)).isEqualTo(wanted);
        }
        int cut = 0;
        for (int l = 0; l < forgetful.layers(); l++) {
            int length = forgetful.layer(l).length();
            int window = model.stack().descriptions().get(l).attention().mask().window();
            assertThat(whole.layer(l).length()).isEqualTo(PROMPT + STEPS);
            if (window == Integer.MAX_VALUE) assertThat(length).isEqualTo(PROMPT + STEPS);
            else assertThat(length).isBetween(window, window + 64);
            if (length < PROMPT) cut++;
        }
        assertThat(cut).isEqualTo(sliding);
        if (sliding > 0) assertThat(forgetful.allocatedBytes()).isLessThan(whole.allocatedBytes());
    }

    @Test
    void cannotBeRewound() {
        LanguageModel model = SmallFamilies.model(SmallFamilies.CONFIGS.get("mistral"));
        KvCache cache = model.newCache(0);
        cache.forgetUnseen();
        assertThatThrownBy(() -> cache.rewind(1)).isInstanceOf(IllegalStateException.class);
    }
}
