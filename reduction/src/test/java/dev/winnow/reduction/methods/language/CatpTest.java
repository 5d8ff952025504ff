package dev.winnow.reduction.methods.language;

import static dev.winnow.reduction.Features.cosine;
import static dev.winnow.reduction.SmallModel.WIDTH;
import static dev.winnow.reduction.SmallModel.live;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.layers.KvCache;
import dev.winnow.layers.Probe;
import dev.winnow.reduction.Acting;
import dev.winnow.reduction.Grid;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Site;
import dev.winnow.reduction.SmallModel;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.Tokens;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** CATP on two examples and a question: the equations, recomputed. */
class CatpTest {
    /** System text, picture 0, text, picture 1, text, picture 2 (the question's), text. */
    private static final int[] PICTURES = {2, 14, 26};
    private static final int CELLS = 8;
    private static final int LENGTH = 38;
    private static final int K = 2;
    private static final String SPEC = "catp:layer=2,keep=50%";
    private final SmallModel model = SmallModel.language(6);
    private final float[] prompt = SmallModel.states(3, LENGTH);

    private static int picture(int token) {
        for (int p = 0; p < PICTURES.length; p++) if (token >= PICTURES[p] && token < PICTURES[p] + CELLS) return p;
        return -1;
    }

    private static TokenLedger ledger() {
        TokenKind[] kinds = new TokenKind[LENGTH];
        int[] images = new int[LENGTH];
        int[] cells = new int[LENGTH];
        for (int i = 0; i < LENGTH; i++) {
            images[i] = picture(i);
            kinds[i] = images[i] < 0 ? TokenKind.TEXT : TokenKind.VISUAL;
            cells[i] = images[i] < 0 ? -1 : i - PICTURES[images[i]];
        }
        Grid grid = new Grid(2, 4);
        return TokenLedger.of(IntStream.range(0, LENGTH).toArray(), kinds, images, cells, List.of(grid, grid, grid));
    }

    private Tokens run(StackListener listener, KvCache cache, String... specs) {
        return model.run(prompt, ledger(), cache, model.schedule(specs), listener);
    }

    /** The original tokens of pictures that are alive after each event, in the order of the plan. */
    private List<int[]> alive(String... specs) {
        List<int[]> alive = new ArrayList<>();
        run(new StackListener() {
            @Override
            public void acted(ReductionEvent event, Outcome outcome, Tokens tokens, long nanos) {
                alive.add(IntStream.of(SmallModel.kept(tokens)).filter(i -> picture(i) >= 0).toArray());
            }
        }, model.cache(), specs);
        return alive;
    }

    private static int[] of(int[] tokens, int... pictures) {
        return IntStream.of(tokens).filter(i -> IntStream.of(pictures).anyMatch(p -> p == picture(i))).toArray();
    }

    @Test
    void halfGoesInFrontAndTheRestBehindTwoLayers() {
        List<int[]> alive = alive(SPEC);
        for (int p = 0; p < 3; p++) assertThat(of(alive.get(0), p)).as("six of eight in front").hasSize(6);
        assertThat(alive.get(1)).isEqualTo(alive.get(0));
        assertThat(of(alive.get(2), 0, 1)).as("half of the examples, together").hasSize(8);
        assertThat(of(alive.get(2), 2)).hasSize(6);
        assertThat(of(alive.get(3), 0, 1)).isEqualTo(of(alive.get(2), 0, 1));
        assertThat(of(alive.get(3), 2)).hasSize(4);
        KvCache cache = model.cache();
        run(StackListener.NONE, cache, SPEC);
        int text = LENGTH - 24;
        assertThat(IntStream.range(0, 6).map(l -> cache.layer(l).length()).toArray())
                .containsExactly(text + 18, text + 18, text + 18, text + 14, text + 12, text + 12);
        assertThat(model.step(SmallModel.states(9, 1), cache, model.schedule(SPEC))).doesNotContain(Float.NaN);
    }

    /** Equations 5 to 7, by plain greedy choice. */
    @Test
    void theFirstStageCoversThePictureAndFollowsItsText() {
        int[] kept = alive(SPEC).get(0);
        for (int p = 0; p < 3; p++) {
            int from = PICTURES[p];
            float[] mean = mean(prompt, from + CELLS, p == 2 ? LENGTH : PICTURES[p + 1]);
            List<Integer> chosen = new ArrayList<>();
            while (chosen.size() < 6) {
                int best = IntStream.range(from, from + CELLS).filter(i -> !chosen.contains(i)).boxed()
                        .max(Comparator.comparingDouble(i -> objective(from, mean, plus(chosen, i)))).orElseThrow();
                chosen.add(best);
            }
            assertThat(of(kept, p)).containsExactly(chosen.stream().sorted().mapToInt(i -> i).toArray());
        }
    }

    private static List<Integer> plus(List<Integer> chosen, int one) {
        List<Integer> more = new ArrayList<>(chosen);
        more.add(one);
        return more;
    }

    private double objective(int from, float[] text, List<Integer> chosen) {
        double sum = 0;
        for (int x = from; x < from + CELLS; x++) {
            double best = 0;
            for (int y : chosen) best = Math.max(best, (1 + cosine(prompt, WIDTH, x, y)) / 2);
            sum += best;
        }
        for (int y : chosen) sum += 0.7 * (1 + cosine(Arrays.copyOfRange(prompt, y * WIDTH, (y + 1) * WIDTH), text)) / 2;
        return sum;
    }

    private static float[] mean(float[] states, int from, int to) {
        float[] mean = new float[WIDTH];
        for (int i = from; i < to; i++) for (int c = 0; c < WIDTH; c++) mean[c] += states[i * WIDTH + c] / (to - from);
        return mean;
    }

    /** Equations 8 to 10, from the states and attention rows of the same run. */
    @Test
    void theSecondStageFollowsGrowingAttentionAndTheQuestion() {
        Map<Integer, float[]> attention = new HashMap<>();
        List<ReductionEvent> looks = new ArrayList<>();
        for (int l : new int[] {K - 1, K}) {
            looks.add(ReductionEvent.at("looks", new Site(Stage.LANGUAGE, Site.Moment.AFTER_LAYER, l), o -> {
                float[] row = new float[o.tokens().count()];
                for (int i = 0; i < o.rows().length; i++) row[i % row.length] += o.rows()[i] / o.heads();
                attention.put(l, row);
                return Outcome.UNCHANGED;
            }).watching(l, Probe.LAST_ROW));
        }
        Map<Integer, Tokens> before = new HashMap<>();
        ReductionMethod catp = ReductionPlan.parse(List.of(SPEC)).methods().getFirst();
        List<int[]> kept = new ArrayList<>();
        ReductionPlan plan = new ReductionPlan(List.of(Acting.of("looks", looks.toArray(ReductionEvent[]::new)), catp));
        model.run(prompt, ledger(), model.cache(), plan.schedule(model.shape()), new StackListener() {
            @Override
            public void layer(Stage stage, int layer, Tokens tokens) {
                before.put(layer, new Tokens(live(tokens), WIDTH, tokens.ledger()));
                kept.add(SmallModel.kept(tokens));
            }
        });
        Tokens at = before.get(K);
        int[] tokens = kept.get(K);
        int question = first(tokens, PICTURES[2]);
        float[] asked = mean(at.hidden(), question, tokens.length);
        int[] context = IntStream.range(0, question).filter(i -> picture(tokens[i]) >= 0).toArray();
        double[] score = Arrays.stream(context).mapToDouble(i -> Math.max(0, attention.get(K)[i] - attention.get(K - 1)[i])
                + 0.6 * cosine(SmallModel.row(at, i), asked)).toArray();
        assertThat(of(kept.get(K + 1), 0, 1)).containsExactly(best(tokens, context, score, 8));

        Tokens then = before.get(K + 1);
        int[] left = kept.get(K + 1);
        int start = first(left, PICTURES[2]);
        float[] distilled = mean(then.hidden(), first(left, PICTURES[0]), start);
        int[] candidates = IntStream.range(start, left.length).filter(i -> picture(left[i]) == 2).toArray();
        double[] likeness = Arrays.stream(candidates).mapToDouble(i -> cosine(SmallModel.row(then, i), distilled)).toArray();
        assertThat(of(kept.get(K + 2), 2)).containsExactly(best(left, candidates, likeness, 4));
    }

    private static int first(int[] tokens, int from) {
        return (int) Arrays.stream(tokens).filter(t -> t < from).count();
    }

    private static int[] best(int[] tokens, int[] places, double[] score, int k) {
        return IntStream.range(0, places.length).boxed().sorted(Comparator.comparingDouble(i -> -score[i])).limit(k)
                .mapToInt(i -> tokens[places[i]]).sorted().toArray();
    }

    @Test
    void roomForAllAndPromptsWithoutPicturesAreLeftAlone() {
        float[] dense = live(run(StackListener.NONE, model.cache()));
        for (String keep : List.of("100%", "24", "99")) {
            assertThat(live(run(StackListener.NONE, model.cache(), "catp:keep=" + keep))).isEqualTo(dense);
        }
        TokenLedger text = TokenLedger.uniform(LENGTH, 0, TokenKind.TEXT);
        assertThat(live(model.run(prompt, text, model.cache(), model.schedule("catp"), StackListener.NONE))).isEqualTo(dense);
    }

    @Test
    void needsThreeLayers() {
        assertThat(SmallModel.language(3).schedule("catp")).isNotNull();
        assertThatThrownBy(() -> SmallModel.language(2).schedule("catp")).isInstanceOf(PlanException.class).hasMessageContaining("has 2");
        assertThatThrownBy(() -> Prompts.model().schedule("catp:layer=7")).isInstanceOf(PlanException.class)
                .hasMessageContaining("layer 7 is outside 1..6");
    }

    @Test
    void aCountIsOfThePromptsTokens() {
        assertThat(of(alive("catp:layer=2,keep=12").getLast(), 0, 1, 2)).hasSize(12);
    }

    /** A picture alone has nothing to be compared with: what the first stage leaves stays. */
    @Test
    void onePictureGoesThroughTheFirstStageOnly() {
        SmallModel deep = Prompts.model();
        Tokens tokens = deep.run(SmallModel.states(2, Prompts.LENGTH), Prompts.ledger(), deep.cache(), deep.schedule("catp:keep=25%"),
                StackListener.NONE);
        assertThat(tokens.ledger().ofKind(TokenKind.VISUAL)).hasSize(10);
    }

    /** Tiles of one picture, or pictures in a row, are one question. */
    @Test
    void picturesInARowAskTogether() {
        TokenKind[] kinds = new TokenKind[LENGTH];
        int[] images = new int[LENGTH];
        int[] cells = new int[LENGTH];
        for (int i = 0; i < LENGTH; i++) {
            images[i] = i >= 2 && i < 10 ? 0 : i >= 14 && i < 22 ? 1 : i >= 22 && i < 30 ? 2 : -1;
            kinds[i] = images[i] < 0 ? TokenKind.TEXT : TokenKind.VISUAL;
            cells[i] = images[i] < 0 ? -1 : (i - 2 - 4 * Math.min(1, images[i])) % 8;
        }
        Grid grid = new Grid(2, 4);
        TokenLedger ledger = TokenLedger.of(IntStream.range(0, LENGTH).toArray(), kinds, images, cells, List.of(grid, grid, grid));
        Tokens tokens = model.run(prompt, ledger, model.cache(), model.schedule(SPEC), StackListener.NONE);
        int[] kept = SmallModel.kept(tokens);
        assertThat(IntStream.of(kept).filter(i -> images[i] == 0)).hasSize(4);
        assertThat(IntStream.of(kept).filter(i -> images[i] > 0)).hasSize(8);
    }
}
