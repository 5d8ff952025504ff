package dev.winnow.reduction.methods.language;

import static dev.winnow.reduction.SmallModel.WIDTH;
import static dev.winnow.reduction.SmallModel.live;
import static dev.winnow.reduction.methods.language.Prompts.FRONT;
import static dev.winnow.reduction.methods.language.Prompts.LENGTH;
import static dev.winnow.reduction.methods.language.Prompts.PICTURE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.layers.AttentionMode;
import dev.winnow.layers.KvCache;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.SmallModel;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.Tokens;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Clusters and their positions; what positions by run do to attention is tested with the layer. */
class PpeTest {
    private final SmallModel model = Prompts.model();
    private final float[] prompt = prompt();

    /** A picture of four kinds of token, of which cells 0, 4, 8 and 12 are the first kind; further cells are farther from its first. */
    private static float[] prompt() {
        float[] states = SmallModel.states(2, LENGTH);
        for (int i = 0; i < PICTURE; i++) {
            for (int c = 0; c < WIDTH; c++) {
                states[(FRONT + i) * WIDTH + c] = states[(FRONT + i % 4) * WIDTH + c] + (c == 0 ? 0.01f * (i / 4) * (i / 4) : 0);
            }
        }
        return states;
    }

    private Tokens run(KvCache cache, StackListener listener, String... specs) {
        return model.run(prompt, Prompts.ledger(), cache, model.schedule(specs), listener);
    }

    @Test
    void roomForAllIsBitIdentical() {
        float[] dense = live(run(model.cache(), StackListener.NONE));
        for (String spec : List.of("ppe:keep=100%,positions=4", "ppe:keep=16,positions=2", "ppe:keep=99,positions=1")) {
            assertThat(live(run(model.cache(), StackListener.NONE, spec))).as(spec).isEqualTo(dense);
        }
        TokenLedger text = TokenLedger.uniform(LENGTH, 0, TokenKind.TEXT);
        Tokens tokens = model.run(prompt, text, model.cache(), model.schedule("ppe:keep=4,positions=4"), StackListener.NONE);
        assertThat(live(tokens)).isEqualTo(dense);
    }

    /** Each cluster's token is the mean of its kind, at the positions of its members, nearest to the centre first. */
    @Test
    void aClusterStandsWhereItsMembersStood() {
        List<int[][]> seen = new ArrayList<>();
        List<TokenLedger> ledgers = new ArrayList<>();
        KvCache cache = model.cache();
        Tokens tokens = run(cache, new StackListener() {
            @Override
            public void acted(ReductionEvent event, Outcome outcome, Tokens now, long nanos) {
                ledgers.add(now.ledger());
                for (Outcome o : outcome instanceof Outcome.All all ? all.outcomes() : List.of(outcome)) {
                    if (o instanceof Outcome.Attend(AttentionMode.Sections(int[][] positions))) seen.add(positions);
                }
            }
        }, "ppe:keep=4,positions=4,neighbours=3");
        assertThat(seen).hasSize(Prompts.DEPTH);
        for (int[][] layer : seen) assertThat(layer).isDeepEqualTo(seen.getFirst());
        assertThat(tokens.count()).isEqualTo(LENGTH - 12);
        int[] places = ledgers.getFirst().positions();
        assertThat(places).isSorted();
        for (int i = 0; i < tokens.count(); i++) {
            int[] positions = seen.getFirst()[i];
            assertThat(positions[0]).isEqualTo(places[i]);
            if (tokens.ledger().kind(i) == TokenKind.TEXT) {
                assertThat(positions).containsOnly(places[i]);
                continue;
            }
            int kind = (places[i] - FRONT) % 4;
            assertThat(positions).containsExactlyInAnyOrder(FRONT + kind, FRONT + kind + 4, FRONT + kind + 8, FRONT + kind + 12);
            int centre = (positions[0] - FRONT) / 4;
            double[] far = Arrays.stream(positions).mapToDouble(p -> Math.abs(square((p - FRONT) / 4) - square(centre))).toArray();
            assertThat(far).isSorted();
            assertThat(tokens.ledger().origin().sourcesOf(i)).hasSize(4);
            for (float w : tokens.ledger().origin().weightsOf(i)) assertThat(w).isBetween(0.2499f, 0.2501f);
        }
        assertThat(IntStream.range(0, Prompts.DEPTH).map(l -> cache.layer(l).length())).containsOnly(LENGTH - 12);
        assertThat(cache.nextPosition()).isEqualTo(LENGTH);
        assertThat(cache.shift(3)).as("decoding goes on behind the prompt").isZero();
    }

    private static int square(int x) {
        return x * x;
    }

    @Test
    void membersBeginAnewWhereThereAreTooFew() {
        List<int[][]> seen = new ArrayList<>();
        run(model.cache(), new StackListener() {
            @Override
            public void acted(ReductionEvent event, Outcome outcome, Tokens now, long nanos) {
                if (outcome instanceof Outcome.Attend(AttentionMode.Sections(int[][] positions))) seen.add(positions);
            }
        }, "ppe:keep=15,positions=4,neighbours=2");
        int[][] picture = Arrays.stream(seen.getFirst()).filter(p -> Arrays.stream(p).distinct().count() > 1).toArray(int[][]::new);
        assertThat(picture).as("one cluster of two").hasDimensions(1, 4);
        assertThat(picture[0][2]).isEqualTo(picture[0][0]);
        assertThat(picture[0][3]).isEqualTo(picture[0][1]);
    }

    /** A token with one position is one that keeps its centre's place, which further positions change. */
    @Test
    void morePositionsThanOneMatter() {
        float[] one = live(run(model.cache(), StackListener.NONE, "ppe:keep=4,positions=1"));
        float[] four = live(run(model.cache(), StackListener.NONE, "ppe:keep=4,positions=4"));
        assertThat(SmallModel.difference(one, four)).isGreaterThan(1e-3);
        assertThat(Arrays.copyOf(one, FRONT * WIDTH)).isEqualTo(Arrays.copyOf(four, FRONT * WIDTH));
    }

    @Test
    void getsAlongWithOthersAndDecodes() {
        KvCache cache = model.cache();
        String[] specs = {"ppe:keep=8,positions=2", "fastv:k=3,keep=4", "snapkv:keep=9,window=3"};
        assertThatThrownBy(() -> run(model.cache(), StackListener.NONE, specs)).isInstanceOf(PlanException.class)
                .hasMessageContaining("earlier in the plan");
        Tokens tokens = run(cache, StackListener.NONE, specs[1], specs[0], specs[2]);
        assertThat(tokens.ledger().ofKind(TokenKind.VISUAL)).hasSize(4);
        float[] stepped = model.step(SmallModel.states(9, 1), cache, model.schedule(specs[1], specs[0], specs[2]));
        assertThat(stepped).doesNotContain(Float.NaN);
        assertThat(cache.layer(7).length()).isEqualTo(10);
    }

    @Test
    void runsThatDoNotDivideTheChannelsAreRefused() {
        assertThatThrownBy(() -> run(model.cache(), StackListener.NONE, "ppe:keep=4,positions=3")).isInstanceOf(PlanException.class)
                .hasMessageContaining("positions should divide the 4 channel pairs");
    }
}
