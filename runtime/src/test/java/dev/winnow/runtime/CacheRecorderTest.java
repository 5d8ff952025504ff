package dev.winnow.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.PositionPolicy;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.Site;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.TokenMap;
import java.util.List;
import org.junit.jupiter.api.Test;

class CacheRecorderTest {
    private static final TokenLedger SIX = TokenLedger.uniform(6, 0, TokenKind.TEXT);
    private final CacheRecorder cache = new CacheRecorder(new int[] {2, 2, 2});

    private static ReductionEvent event(Site.Moment moment, int layer) {
        return ReductionEvent.at("method", new Site(Stage.LANGUAGE, moment, layer), o -> Outcome.UNCHANGED);
    }

    private int[] kept(int layer, int head) {
        return cache.entries().get(layer).heads().get(head).kept();
    }

    @Test
    void tokensAroundALayerHaveNoEntryThere() {
        cache.attended(1, SIX, new int[] {0, 3, 5});
        cache.acted(event(Site.Moment.CACHE, 1), new Outcome.Compact(new int[][] {{0, 2}, {1}}), SIX);
        assertThat(kept(1, 0)).containsExactly(0, 5);
        assertThat(kept(1, 1)).containsExactly(3);
        assertThat(cache.entries().get(0).heads()).isEmpty();
        assertThat(cache.entries().get(0).deeds()).containsExactly("no token ran it");
        assertThat(cache.entries().get(1).deeds()).containsExactly("method: keeps 1 to 2 of 3 entries in each head");
    }

    @Test
    void layersMayShareEntriesMadeAhead() {
        cache.attended(0, SIX, null);
        TokenLedger three = SIX.after(TokenMap.select(new int[] {1, 2, 4}, 6), PositionPolicy.RENUMBER);
        cache.acted(event(Site.Moment.BEFORE_LAYER, 1), new Outcome.Supply(List.of(new Outcome.Supplied(1, 1, null, null),
                new Outcome.Supplied(2, 1, null, null))), three);
        // few tokens ask there, which makes no entries
        cache.attended(1, three.after(TokenMap.select(new int[] {2}, 3), PositionPolicy.PRESERVE), null);
        assertThat(kept(0, 1)).hasSize(6);
        assertThat(kept(1, 1)).containsExactly(1, 2, 4);
        assertThat(cache.entries().get(2).heads()).isEmpty();
        assertThat(cache.entries().get(2).deeds()).containsExactly("method: reads the entries of layer 1");
    }

    @Test
    void narrowingLeavesTheTokensStillAlive() {
        cache.attended(0, SIX, null);
        TokenLedger alive = SIX.after(TokenMap.select(new int[] {0, 2, 5}, 6), PositionPolicy.RENUMBER);
        cache.acted(event(Site.Moment.AFTER_LAYER, 1), new Outcome.All(List.of(new Outcome.Narrow(0, 0, new int[] {0, 2, 5}))), alive);
        assertThat(kept(0, 0)).containsExactly(0, 2, 5);
        assertThat(cache.methods()).as("tokens went, not entries of their own").isEmpty();
    }

    @Test
    void mergedTokensAndEntriesLiveOnInOthers() {
        TokenLedger merged = SIX.after(TokenMap.of(6, new int[][] {{0}, {1, 2}, {3}, {4}, {5}},
                new float[][] {{1}, {0.5f, 0.5f}, {1}, {1}, {1}}), PositionPolicy.PRESERVE);
        cache.attended(0, merged, null);
        TokenMap pair = TokenMap.of(5, new int[][] {{0}, {1, 2}, {4}}, new float[][] {{1}, {0.4f, 0.6f}, {1}});
        cache.acted(event(Site.Moment.CACHE, 0), new Outcome.MergeCache(List.of(pair, TokenMap.identity(5))), merged);
        Explanation.Entries first = cache.entries().getFirst().heads().getFirst();
        assertThat(first.kept()).containsExactly(0, 3, 5);
        assertThat(first.merged()).containsExactly(1, 2);
        assertThat(kept(0, 1)).containsExactly(0, 1, 3, 4, 5);
        assertThat(cache.entries().getFirst().heads().get(1).merged()).containsExactly(2);
    }
}
