package dev.winnow.reduction.methods.projector;

import static dev.winnow.reduction.Features.gaussian;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.reduction.Methods;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.TokenKind;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What holds of every method between projector and language model. */
class PromptMethodsTest {
    private static final int WIDTH = 12;

    private static ReductionMethod method(String name, String keep) {
        return Methods.named(name).create(Map.of("keep", keep));
    }

    /** Text 0..2, pictures of 36 and 16 tokens with a separator after each, text. */
    private static Prompt prompt(long seed) {
        Prompt prompt = Prompt.random(seed, WIDTH, 3, 5, 36, 16);
        return prompt.note("mmtok.features", 7, gaussian(seed + 1, prompt.tokens().count() * 7));
    }

    @ParameterizedTest
    @ValueSource(strings = {"divprune", "cdpruner", "script", "mmtok", "todre", "gprune", "pool", "chatunivi"})
    void aBudgetForEverythingChangesNothing(String name) {
        assertThat(prompt(1).act(method(name, "1.0"))).isEqualTo(Outcome.UNCHANGED);
        assertThat(prompt(1).act(method(name, "100%"))).isEqualTo(Outcome.UNCHANGED);
        assertThat(prompt(1).act(method(name, "52"))).isEqualTo(Outcome.UNCHANGED);
        assertThat(Prompt.random(1, WIDTH, 3, 5).act(method(name, "0.1"))).as("no picture").isEqualTo(Outcome.UNCHANGED);
    }

    @ParameterizedTest
    @CsvSource({"divprune,0.5,26", "divprune,0.25,13", "divprune,11%,6", "divprune,7,7", "todre,0.25,13", "cdpruner,0.25,13",
        "cdpruner,7,14", "script,0.25,13", "mmtok,0.5,26", "mmtok,3,6", "gprune,0.25,13", "gprune,11%,4", "chatunivi,0.25,13",
        "pool,0.25,13", "pool,4,8"})
    void keepsItsBudgetAndAllText(String name, String keep, int left) {
        Prompt prompt = prompt(2);
        prompt.act(method(name, keep));
        assertThat(prompt.tokens().ledger().ofKind(TokenKind.VISUAL)).hasSize(left);
        assertThat(prompt.tokens().ledger().ofKind(TokenKind.TEXT)).hasSize(8);
        assertThat(prompt.tokens().ledger().ofKind(TokenKind.NEWLINE)).hasSize(2);
        assertThat(prompt.kept()).isSorted().doesNotHaveDuplicates();
        assertThat(prompt.tokens().ledger().positions()).isEqualTo(IntStream.range(0, left + 10).toArray());
    }

    @ParameterizedTest
    @ValueSource(strings = {"divprune", "cdpruner", "script", "mmtok", "todre", "gprune", "pool", "chatunivi"})
    void actsOnWhatOthersLeave(String name) {
        Prompt prompt = prompt(3);
        prompt.act(method("divprune", "40"));
        prompt.act(new Pool("", null, ((Pool) method("pool", "0.5")).keep()));
        int before = prompt.tokens().ledger().ofKind(TokenKind.VISUAL).length;
        prompt.act(method(name, "0.25"));
        assertThat(prompt.tokens().ledger().ofKind(TokenKind.VISUAL).length).isLessThan(before).isPositive();
        assertThat(prompt.tokens().ledger().ofKind(TokenKind.TEXT)).hasSize(8);
    }

    @ParameterizedTest
    @ValueSource(strings = {"divprune", "cdpruner", "script", "mmtok", "todre", "gprune", "pool", "chatunivi", "zooprune",
        "visiondrop", "aim"})
    void needsATowerAndALanguageModel(String name) {
        ModelShape towerless = new ModelShape(Optional.empty(), 4);
        assertThatThrownBy(() -> Methods.named(name).create(Map.of()).events(towerless)).isInstanceOf(PlanException.class)
                .hasMessageContaining(name).hasMessageContaining("tower");
        ModelShape classifier = new ModelShape(Prompt.SHAPE.vision(), 0);
        assertThatThrownBy(() -> Methods.named(name).create(Map.of()).events(classifier)).isInstanceOf(PlanException.class)
                .hasMessageContaining(name).hasMessageContaining("language model");
    }

    @Test
    void divPruneTakesItsPublishedNames() {
        assertThat(divPruneKeeps(10, Map.of("threshold_ratio", "0.5"))).isEqualTo(5);
        assertThat(divPruneKeeps(10, Map.of("threshold_ratio", "1"))).as("a share of 1").isEqualTo(10);
        assertThat(divPruneKeeps(10, Map.of("threshold_ratio", "0.5", "keep", "9"))).isEqualTo(9);
        assertThat(divPruneKeeps(49, Map.of())).isEqualTo(5);
    }

    private static int divPruneKeeps(int n, Map<String, String> options) {
        return ((DivPrune) Methods.named("divprune").create(options)).keep().of(n);
    }

    /** Invariant 42, in a prompt: what is there twice stays once. */
    @ParameterizedTest
    @ValueSource(strings = {"divprune", "cdpruner", "script"})
    void ofTwinsOneStays(String name) {
        Prompt prompt = Prompt.random(4, WIDTH, 2, 3, 16);
        for (int i = 0; i < 8; i++) prompt.set(2 + 8 + i, prompt.state(2 + i));
        prompt.act(method(name, "8"));
        int[] tokens = prompt.tokens().ledger().ofKind(TokenKind.VISUAL);
        assertThat(Arrays.stream(tokens).map(t -> (prompt.kept()[t] - 2) % 8)).doesNotHaveDuplicates();
    }
}
