package dev.winnow.reduction.methods.language;

import static dev.winnow.reduction.SmallModel.WIDTH;
import static dev.winnow.reduction.SmallModel.live;
import static dev.winnow.reduction.methods.language.Prompts.DEPTH;
import static dev.winnow.reduction.methods.language.Prompts.FRONT;
import static dev.winnow.reduction.methods.language.Prompts.LENGTH;
import static dev.winnow.reduction.methods.language.Prompts.PICTURE;
import static dev.winnow.reduction.methods.language.Prompts.TEXT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.layers.KvCache;
import dev.winnow.reduction.Grid;
import dev.winnow.reduction.Methods;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.SmallModel;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.Threads;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.Tokens;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What must hold of every method that drops image tokens inside the language model, whatever the weights. */
class LanguageMethodsTest {
    private static final List<String> NAMES = List.of("fastv", "pyramiddrop", "sparsevlm", "feather", "transprune", "adaptinfer", "dart",
            "holitom-inner", "mustdrop", "hidrop", "vlapruner", "corematching", "greedyprune");
    private static final Map<String, String> MORE = Map.of("sparsevlm", ",recycle=0", "hidrop", ",inject=0,exit=8");

    private final SmallModel model = Prompts.model();
    private final float[] prompt = SmallModel.states(2, LENGTH);

    private static Stream<String> names() {
        return NAMES.stream();
    }

    private static String spec(String name, String keep) {
        return name + ":keep=" + keep + MORE.getOrDefault(name, "");
    }

    private Tokens run(String spec) {
        return run(model, prompt, model.cache(), spec);
    }

    private static Tokens run(SmallModel model, float[] prompt, KvCache cache, String spec) {
        Schedule schedule = spec.isEmpty() ? model.schedule() : model.schedule(spec);
        return model.run(prompt, Prompts.ledger(), cache, schedule, StackListener.NONE);
    }

    /** Invariant 12. */
    @ParameterizedTest
    @MethodSource("names")
    void roomForEverythingIsBitIdentical(String name) {
        float[] dense = live(run(""));
        for (String keep : List.of("100%", "16", "99")) assertThat(live(run(spec(name, keep)))).as(keep).isEqualTo(dense);
    }

    @ParameterizedTest
    @MethodSource("names")
    void aPromptWithoutPicturesIsLeftAlone(String name) {
        TokenLedger text = TokenLedger.uniform(LENGTH, 0, TokenKind.TEXT);
        Tokens tokens = model.run(prompt, text, model.cache(), model.schedule(spec(name, "25%")), StackListener.NONE);
        assertThat(live(tokens)).isEqualTo(live(run("")));
    }

    /** Invariant 45: the text stays whole, kept and dropped are the picture, positions ascend, nobody is used twice. */
    @ParameterizedTest
    @MethodSource("names")
    void theBudgetIsWhatIsLeft(String name) {
        for (String keep : List.of("25%", "4")) {
            Tokens tokens = run(spec(name, keep));
            TokenLedger ledger = tokens.ledger();
            assertThat(ledger.ofKind(TokenKind.VISUAL)).as(keep).hasSize(4);
            assertThat(ledger.ofKind(TokenKind.TEXT)).hasSize(FRONT + TEXT);
            assertThat(ledger.positions()).isSorted().doesNotHaveDuplicates();
            assertThat(SmallModel.kept(tokens)).isSorted().contains(0, 1, 2, 3, 20, 21, 22, 23, 24, 25);
            int[] sources = IntStream.range(0, tokens.count()).flatMap(i -> Arrays.stream(ledger.origin().sourcesOf(i))).toArray();
            assertThat(sources).doesNotHaveDuplicates();
        }
    }

    /** Invariant 45: a layer's cache holds its live tokens. MustDrop narrows some caches later; it has a test of its own. */
    @ParameterizedTest
    @MethodSource("names")
    void everyLayersCacheHoldsItsLiveTokens(String name) {
        KvCache cache = model.cache();
        List<Integer> alive = new ArrayList<>();
        model.run(prompt, Prompts.ledger(), cache, model.schedule(spec(name, "25%")), new StackListener() {
            @Override
            public void layer(Stage stage, int layer, Tokens tokens) {
                alive.add(tokens.count());
            }
        });
        assertThat(alive.getLast()).isLessThan(LENGTH);
        int[] lengths = IntStream.range(0, DEPTH).map(l -> cache.layer(l).length()).toArray();
        if (name.equals("mustdrop")) assertThat(lengths).containsExactly(14, 14, 14, 14, 14, 14, 14, 14);
        else assertThat(lengths).containsExactly(alive.stream().mapToInt(Integer::intValue).toArray());
        assertThat(model.step(SmallModel.states(9, 1), cache, model.schedule(spec(name, "25%")))).doesNotContain(Float.NaN);
    }

    /** Invariant 46: what a schedule did before leaves no trace in it. */
    @ParameterizedTest
    @MethodSource("names")
    void promptsAfterOneAnotherAreAsAlone(String name) {
        float[] other = SmallModel.states(3, LENGTH);
        Schedule shared = model.schedule(spec(name, "25%"));
        List<float[]> together = new ArrayList<>();
        for (float[] p : List.of(prompt, other, prompt)) {
            together.add(live(model.run(p, Prompts.ledger(), model.cache(), shared, StackListener.NONE)));
        }
        assertThat(together.get(0)).isEqualTo(live(run(spec(name, "25%")))).isEqualTo(together.get(2));
        assertThat(together.get(1)).isEqualTo(live(run(model, other, model.cache(), spec(name, "25%"))));
    }

    /**
     * Invariant 46: methods that go by the last row find the same tokens when the text in front of the picture came in a pass of its own.
     * Those that look ahead normalise over the tokens at hand, and those with other rows need them all in one pass.
     */
    @ParameterizedTest
    @CsvSource({"fastv", "holitom-inner", "feather"})
    void aPromptInTwoPiecesKeepsTheSameTokens(String name) {
        KvCache cache = model.cache();
        Schedule schedule = model.schedule(spec(name, "25%"));
        model.run(Arrays.copyOf(prompt, FRONT * WIDTH), Prompts.ledger(0, FRONT), cache, schedule, StackListener.NONE);
        Tokens second = model.run(Arrays.copyOfRange(prompt, FRONT * WIDTH, LENGTH * WIDTH), Prompts.ledger(FRONT, LENGTH), cache, schedule,
                StackListener.NONE);
        int[] whole = Arrays.stream(SmallModel.kept(run(spec(name, "25%")))).filter(i -> i >= FRONT).map(i -> i - FRONT).toArray();
        assertThat(SmallModel.kept(second)).containsExactly(whole);
    }

    /** Invariant 41: the token that every query looks for is kept to the end, and one that none looks for is not. */
    @ParameterizedTest
    @MethodSource("names")
    void thePlantedTokenStays(String name) {
        if (name.equals("corematching") || name.equals("greedyprune")) return;
        SmallModel beacon = Prompts.beacon();
        for (int planted : new int[] {FRONT, FRONT + 9, FRONT + PICTURE - 1}) {
            float[] states = SmallModel.states(4, LENGTH);
            for (int i = 0; i < LENGTH; i++) states[i * WIDTH] = 0;
            states[planted * WIDTH] = 9;
            assertThat(SmallModel.kept(run(beacon, states, beacon.cache(), spec(name, "2")))).as(name).contains(planted);
            states[planted * WIDTH] = -9;
            if (name.equals("dart")) continue;
            assertThat(SmallModel.kept(run(beacon, states, beacon.cache(), spec(name, "2")))).as(name).doesNotContain(planted);
        }
    }

    /** Invariant 14: what comes before the first dropped token does not notice. */
    @ParameterizedTest
    @MethodSource("names")
    void theTextInFrontDoesNotNotice(String name) {
        float[] front = Arrays.copyOf(live(run("")), FRONT * WIDTH);
        assertThat(Arrays.copyOf(live(run(spec(name, "25%"))), FRONT * WIDTH)).isEqualTo(front);
    }

    /** Invariant 11: removing tokens that keep their positions is hiding them from the others. */
    @ParameterizedTest
    @CsvSource({"fastv", "dart", "vlapruner", "corematching", "greedyprune"})
    void removingIsHiding(String name) {
        ReductionMethod method = ReductionPlan.parse(List.of(spec(name, "25%"))).methods().getFirst();
        Tokens removed = run(spec(name, "25%"));
        Tokens hidden = model.run(prompt, Prompts.ledger(), model.cache(), model.scheduleOf(new Hiding(method)), StackListener.NONE);
        assertThat(hidden.count()).isEqualTo(LENGTH);
        int[] kept = SmallModel.kept(removed);
        for (int i = 0; i < kept.length; i++) {
            assertThat(SmallModel.difference(SmallModel.row(removed, i), SmallModel.row(hidden, kept[i]))).isLessThan(1e-4);
        }
    }

    /** A method that hides what another one drops. */
    private record Hiding(ReductionMethod method) implements ReductionMethod {
        @Override
        public String spec() {
            return method.spec();
        }

        @Override
        public List<ReductionEvent> events(ModelShape shape) {
            return method.events(shape).stream().map(e -> e.deciding(o -> hiding(e.decide().apply(o)))).toList();
        }

        private static Outcome hiding(Outcome outcome) {
            if (!(outcome instanceof Outcome.Reduce r)) return outcome;
            boolean[] gone = new boolean[r.map().sources()];
            Arrays.fill(gone, true);
            for (int i = 0; i < r.map().rows(); i++) gone[r.map().anchor(i)] = false;
            return new Outcome.Hide(gone);
        }
    }

    /** Invariant 47. */
    @ParameterizedTest
    @MethodSource("names")
    void threadsDoNotChangeWhatIsKept(String name) {
        Supplier<int[]> kept = () -> SmallModel.kept(run(spec(name, "25%")));
        assertThat(Threads.with(3, kept)).containsExactly(Threads.with(1, kept));
    }

    @ParameterizedTest
    @MethodSource("names")
    void twoPicturesWithTextBetween(String name) {
        TokenKind[] kinds = new TokenKind[LENGTH];
        int[] images = new int[LENGTH];
        int[] cells = new int[LENGTH];
        for (int i = 0; i < LENGTH; i++) {
            int image = i >= 3 && i < 11 ? 0 : i >= 14 && i < 22 ? 1 : -1;
            kinds[i] = image < 0 ? TokenKind.TEXT : TokenKind.VISUAL;
            images[i] = image;
            cells[i] = image < 0 ? -1 : i - 3 - 11 * image;
        }
        TokenLedger ledger = TokenLedger.of(IntStream.range(0, LENGTH).toArray(), kinds, images, cells,
                List.of(new Grid(2, 4), new Grid(4, 2)));
        Tokens tokens = model.run(prompt, ledger, model.cache(), model.schedule(spec(name, "25%")), StackListener.NONE);
        assertThat(tokens.ledger().ofKind(TokenKind.VISUAL)).hasSize(4);
        assertThat(SmallModel.kept(tokens)).isSorted().contains(0, 1, 2, 11, 12, 13, 22, 23, 24, 25);
    }

    /** With tokens merged before it, another method after it, skipped layers and a compacted cache. */
    @ParameterizedTest
    @MethodSource("names")
    void getsAlongWithOthers(String name) {
        KvCache cache = model.cache();
        Schedule schedule = model.schedule("holitom-inner:layer=1,keep=12", spec(name, "50%"), "pyramiddrop:layers=6,ratios=0.125",
                "layerdrop:layers=7", "snapkv:budget=9,window=3");
        Tokens tokens = model.run(prompt, Prompts.ledger(), cache, schedule, StackListener.NONE);
        assertThat(tokens.ledger().ofKind(TokenKind.VISUAL)).hasSize(2);
        assertThat(live(tokens)).doesNotContain(Float.NaN);
        assertThat(cache.layer(6).length()).isLessThanOrEqualTo(9);
        assertThat(model.step(SmallModel.states(9, 1), cache, schedule)).doesNotContain(Float.NaN);
    }

    @ParameterizedTest
    @MethodSource("names")
    void worksWithItsDefaultsOnModelsOfAnyDepth(String name) {
        for (int depth : new int[] {2, 3, 4, 5, 12, 32, 40}) {
            if (depth == 2 && name.equals("fastv")) continue;
            ModelShape shape = new ModelShape(model.shape().vision(), depth);
            assertThat(ReductionPlan.parse(List.of(name)).methods().getFirst().events(shape)).as(name + " " + depth).isNotEmpty();
        }
        assertThat(live(run(name))).doesNotContain(Float.NaN);
    }

    @ParameterizedTest
    @MethodSource("names")
    void needsALanguageModel(String name) {
        ModelShape classifier = new ModelShape(model.shape().vision(), 0);
        assertThatThrownBy(() -> ReductionPlan.parse(List.of(name)).schedule(classifier)).isInstanceOf(PlanException.class)
                .hasMessageStartingWith(name).hasMessageContaining("language model");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "sparsevlm:layers=1/8 | layer 8 is outside",
        "sparsevlm:layers=3/1 | should ascend",
        "sparsevlm:layers=1/3,keep=4/3/2 | 2 stages need as many budgets",
        "adaptinfer:keep=half | keep should be a count",
        "feather:layers=3 | should be two",
        "feather:layers=3/9 | layer 9 is outside",
        "transprune:layers=2,ratios=0.5/0.25 | 1 layers need as many ratios",
        "hidrop:inject=4,layers=3,ratios=0.5 | layer 3 is outside",
        "hidrop:exit=9 | layer 9 is outside",
        "dart:layer=8 | layer 8 is outside",
        "holitom-inner:layer=0 | layer should be at least 1",
        "mustdrop:layers=9 | layer 9 is outside",
        "corematching:layer=8 | layer 8 is outside",
        "greedyprune:layer=8 | layer 8 is outside",
        "greedyprune:threshold=2 | threshold should be between",
        "catp:layer=7 | layer 7 is outside",
        "ppe:positions=0 | positions should be between 1"})
    void saysWhatDoesNotFit(String spec, String message) {
        assertThatThrownBy(() -> model.schedule(spec)).isInstanceOf(PlanException.class)
                .hasMessageContaining(spec.substring(0, spec.indexOf(':'))).hasMessageContaining(message);
    }

    @Test
    void mustDropNeedsATowerWithAClassToken() {
        assertThatThrownBy(() -> SmallModel.language(DEPTH).schedule("mustdrop")).isInstanceOf(PlanException.class)
                .hasMessageContaining("tower");
        ModelShape shape = new ModelShape(Optional.of(new ModelShape.Vision(3, 2, false, PICTURE)), DEPTH);
        assertThatThrownBy(() -> Methods.named("mustdrop").create(Map.of()).events(shape)).isInstanceOf(PlanException.class)
                .hasMessageContaining("class token");
    }

    /** Invariant 12: tokens that go after the last layer were all there for the last token. */
    @Test
    void droppingAfterTheLastLayerDoesNotChangeTheAnswer() {
        for (String spec : List.of("sparsevlm:layers=7,keep=2", "adaptinfer:layers=7,keep=2", "corematching:layer=7,keep=2")) {
            Tokens dropped = run(spec);
            assertThat(dropped.count()).isLessThan(LENGTH);
            assertThat(SmallModel.row(dropped, dropped.count() - 1)).as(spec).isEqualTo(SmallModel.row(run(""), LENGTH - 1));
        }
    }
}
