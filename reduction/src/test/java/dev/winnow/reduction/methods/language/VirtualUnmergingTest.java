package dev.winnow.reduction.methods.language;

import static dev.winnow.reduction.SmallModel.WIDTH;
import static dev.winnow.reduction.SmallModel.difference;
import static dev.winnow.reduction.SmallModel.live;
import static dev.winnow.reduction.SmallModel.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.layers.AttentionMode;
import dev.winnow.layers.KvCache;
import dev.winnow.reduction.Acting;
import dev.winnow.reduction.Grid;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.PositionPolicy;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.Site;
import dev.winnow.reduction.SmallModel;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.TokenMap;
import dev.winnow.reduction.Tokens;
import dev.winnow.reduction.primitives.Groups;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Virtual unmerging in whole models; what copies do to attention is tested with the layer (invariants 31 to 33). */
class VirtualUnmergingTest {
    private static final int PROMPT = 12;
    /** Tokens 3, 5 and 8 are the same, and merged. */
    private static final int[] SAME = {3, 5, 8};
    private final float[] prompt = prompt();

    /** Merges the equal tokens of the prompt before layer 0. */
    private static ReductionMethod merging(PositionPolicy positions) {
        int[][] groups = {{0}, {1}, {2}, SAME, {4}, {6}, {7}, {9}, {10}, {11}};
        TokenMap means = Groups.average(PROMPT, groups, null);
        return Acting.of("merging", ReductionEvent.at("merging", new Site(Stage.LANGUAGE, Site.Moment.BEFORE_LAYER, 0),
                o -> new Outcome.Reduce(means, positions)));
    }

    private static float[] prompt() {
        float[] states = SmallModel.states(4, PROMPT);
        for (int s : SAME) System.arraycopy(states, SAME[0] * WIDTH, states, s * WIDTH, WIDTH);
        return states;
    }

    private static Schedule schedule(SmallModel model, PositionPolicy positions) {
        return new ReductionPlan(List.of(merging(positions), ReductionPlan.parse(List.of("vtu")).methods().getFirst()))
                .schedule(model.shape());
    }

    @Test
    void nothingMergedIsBitIdentical() {
        SmallModel model = SmallModel.language(3);
        assertThat(live(model.prefill(prompt, model.cache(), model.schedule("vtu"))))
                .isEqualTo(live(model.prefill(prompt, model.cache(), model.schedule())));
    }

    /** Invariants 31 and 33: one layer leaves lone tokens, the cache and the steps that follow as if nothing had been merged. */
    @Test
    void oneLayerIsExactForLoneTokensAndTheCache() {
        SmallModel model = SmallModel.language(1);
        float[] state = SmallModel.states(6, 1);
        KvCache dense = model.cache();
        Tokens expected = model.prefill(prompt, dense, model.schedule());
        float[] step = model.step(state, dense, model.schedule());
        for (PositionPolicy policy : PositionPolicy.values()) {
            KvCache cache = model.cache();
            Schedule schedule = schedule(model, policy);
            Tokens merged = model.prefill(prompt, cache, schedule);
            int[] kept = SmallModel.kept(merged);
            for (int i = 0; i < kept.length; i++) {
                if (kept[i] != SAME[0]) assertThat(difference(row(merged, i), row(expected, kept[i]))).isLessThan(1e-5);
            }
            assertThat(difference(row(merged, 3), row(expected, SAME[0]))).as("a mean of copies at other angles").isGreaterThan(1e-3);
            assertThat(Arrays.copyOf(cache.layer(0).positions(1), PROMPT)).isEqualTo(IntStream.range(0, PROMPT).toArray());
            assertThat(difference(model.step(state, cache, schedule), step)).isLessThan(1e-5);
            assertThat(cache.layer(0).positions(0)[PROMPT]).isEqualTo(PROMPT);
        }
    }

    @Test
    void isCloserToTheUnmergedModelThanMergingAlone() {
        SmallModel model = SmallModel.language(3);
        float[] dense = row(model.prefill(prompt, model.cache(), model.schedule()), PROMPT - 1);
        Tokens unmerged = model.prefill(prompt, model.cache(), schedule(model, PositionPolicy.RENUMBER));
        Tokens merged = model.prefill(prompt, model.cache(), model.scheduleOf(merging(PositionPolicy.RENUMBER)));
        assertThat(difference(row(unmerged, 9), dense)).isLessThan(difference(row(merged, 9), dense) / 2);
    }

    @Test
    void towersNoteWhatTheirTokensStandFor() {
        SmallModel tower = SmallModel.vision(3, 16);
        ModelShape shape = new ModelShape(tower.shape().vision(), 2);
        Schedule schedule = ReductionPlan.parse(List.of("tome:r=3", "vtu")).schedule(shape);
        TokenLedger ledger = tower.encode(SmallModel.states(3, 17), schedule).ledger();
        TokenLedger.Note note = ledger.note("vtu.members");
        assertThat(note.width()).isEqualTo(16);
        for (int i = 0; i < ledger.count(); i++) {
            int members = 0;
            for (int c = 0; c < 16; c++) members += (int) note.values()[i * 16 + c];
            assertThat((float) members).isEqualTo(ledger.kind(i) == TokenKind.CLASS ? 0 : ledger.size(i));
        }
    }

    @Test
    void towerTokensTakeThePlacesOfTheirPatches() {
        SmallModel model = SmallModel.language(2);
        TokenKind t = TokenKind.TEXT;
        TokenKind v = TokenKind.VISUAL;
        // two tokens of text, an image of four patches in three tokens, one of text, an image with a class token in front, text
        TokenLedger ledger = TokenLedger.of(IntStream.range(0, 10).toArray(), new TokenKind[] {t, t, v, v, v, t, v, v, v, t},
                new int[] {-1, -1, 0, 0, 0, -1, 1, 1, 1, -1}, new int[] {-1, -1, 0, 1, 3, -1, -1, 0, 2, -1},
                List.of(Grid.square(4), Grid.square(4)));
        float[] members = new float[10 * 4];
        int[][] cells = {{}, {}, {0, 2}, {1}, {3}, {}, {}, {0, 1}, {2, 3}, {}};
        for (int i = 0; i < 10; i++) for (int c : cells[i]) members[i * 4 + c] = 1;
        List<AttentionMode> modes = new ArrayList<>();
        KvCache cache = model.cache();
        model.run(SmallModel.states(2, 10), ledger.with("vtu.members", new TokenLedger.Note(4, members)), cache, model.schedule("vtu"),
                new StackListener() {
                    @Override
                    public void acted(ReductionEvent event, Outcome outcome, Tokens tokens, long nanos) {
                        if (outcome instanceof Outcome.Attend(AttentionMode mode)) modes.add(mode);
                    }
                });
        AttentionMode.Copies copies = (AttentionMode.Copies) modes.getFirst();
        assertThat(copies.owner()).containsExactly(0, 1, 2, 3, 2, 4, 5, 6, 7, 7, 8, 8, 9);
        assertThat(copies.positions()).containsExactly(IntStream.range(0, 13).toArray());
        for (int l = 0; l < 2; l++) assertThat(cache.layer(l).length()).isEqualTo(13);
        model.step(SmallModel.states(3, 1), cache, model.schedule("vtu"));
        assertThat(cache.layer(1).positions(0)[13]).isEqualTo(13);
    }

    /** A tower that leaves every patch as it is says so too, and does not stand in the way of merging behind it. */
    @Test
    void clustersOfATowersTokensTakeThePlacesOfTheirMembers() {
        SmallModel model = Prompts.model();
        float[] members = new float[Prompts.LENGTH * Prompts.PICTURE];
        for (int p = 0; p < Prompts.PICTURE; p++) members[(Prompts.FRONT + p) * Prompts.PICTURE + p] = 1;
        TokenLedger noted = Prompts.ledger().with("vtu.members", new TokenLedger.Note(Prompts.PICTURE, members));
        List<AttentionMode.Copies> modes = new ArrayList<>();
        KvCache cache = model.cache();
        Tokens tokens = model.run(SmallModel.states(2, Prompts.LENGTH), noted, cache, model.schedule("chatunivi:keep=5", "vtu"),
                new StackListener() {
                    @Override
                    public void acted(ReductionEvent event, Outcome outcome, Tokens now, long nanos) {
                        for (Outcome o : outcome instanceof Outcome.All all ? all.outcomes() : List.of(outcome)) {
                            if (o instanceof Outcome.Attend(AttentionMode.Copies copies)) modes.add(copies);
                        }
                    }
                });
        assertThat(tokens.count()).isEqualTo(Prompts.LENGTH - Prompts.PICTURE + 5);
        assertThat(modes).hasSize(Prompts.DEPTH);
        int[] owner = modes.getFirst().owner();
        assertThat(modes.getFirst().positions()).containsExactly(IntStream.range(0, Prompts.LENGTH).toArray());
        for (int i = 0; i < tokens.count(); i++) {
            for (int source : tokens.ledger().origin().sourcesOf(i)) assertThat(owner[source]).isEqualTo(i);
        }
        assertThat(cache.layer(3).length()).isEqualTo(Prompts.LENGTH);
    }

    @Test
    void plansThatDoNotFit() {
        assertThatThrownBy(() -> SmallModel.vision(2, 9).schedule("vtu")).isInstanceOf(PlanException.class).hasMessageContaining("vtu");
        SmallModel model = SmallModel.language(3);
        ReductionMethod vtu = ReductionPlan.parse(List.of("vtu")).methods().getFirst();
        ReductionMethod fastv = ReductionPlan.parse(List.of("fastv:k=1,keep=2,start=2,length=6")).methods().getFirst();
        Schedule watched = new ReductionPlan(List.of(merging(PositionPolicy.PRESERVE), vtu, fastv)).schedule(model.shape());
        assertThatThrownBy(() -> model.prefill(prompt, model.cache(), watched)).isInstanceOf(PlanException.class)
                .hasMessageContaining("fastv").hasMessageContaining("copies");
        float[] members = new float[PROMPT * 2];
        Arrays.fill(members, 1);
        TokenLedger noted = TokenLedger.uniform(PROMPT, 0, TokenKind.VISUAL).with("vtu.members", new TokenLedger.Note(2, members));
        assertThatThrownBy(() -> model.run(prompt, noted, model.cache(), schedule(model, PositionPolicy.PRESERVE), StackListener.NONE))
                .isInstanceOf(PlanException.class).hasMessageContaining("merged again");
    }
}
