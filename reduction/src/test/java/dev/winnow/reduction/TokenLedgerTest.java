package dev.winnow.reduction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class TokenLedgerTest {
    @Test
    void patchesFollowTheClassToken() {
        TokenLedger ledger = TokenLedger.patches(3, true, 5);
        assertThat(ledger.count()).isEqualTo(4);
        assertThat(ledger.positions()).containsExactly(0, 1, 2, 3);
        assertThat(ledger.kind(0)).isEqualTo(TokenKind.CLASS);
        assertThat(ledger.ofKind(TokenKind.VISUAL)).containsExactly(1, 2, 3);
        assertThat(ledger.image(2)).isEqualTo(5);
        assertThat(ledger.merged()).isFalse();
        assertThat(TokenLedger.patches(3, false, 0).ofKind(TokenKind.CLASS)).isEmpty();
    }

    @Test
    void selectionsKeepOrRenumberPositions() {
        TokenLedger ledger = TokenLedger.uniform(5, 10, TokenKind.TEXT);
        TokenMap map = TokenMap.select(new int[] {1, 4}, 5);
        assertThat(ledger.after(map, PositionPolicy.PRESERVE).positions()).containsExactly(11, 14);
        assertThat(ledger.after(map, PositionPolicy.RENUMBER).positions()).containsExactly(10, 11);
    }

    @Test
    void mergedTokensTakeTheirAnchorsPlaceAndAllSizes() {
        TokenLedger ledger = TokenLedger.patches(3, true, 0);
        TokenMap map = TokenMap.of(4, new int[][] {{0}, {3, 1, 2}}, new float[][] {{1}, {0.5f, 0.25f, 0.25f}});
        TokenLedger merged = ledger.after(map, PositionPolicy.PRESERVE);
        assertThat(merged.positions()).containsExactly(0, 3);
        assertThat(merged.sizes()).containsExactly(1, 3);
        assertThat(merged.kind(0)).isEqualTo(TokenKind.CLASS);
        assertThat(merged.kind(1)).isEqualTo(TokenKind.VISUAL);
        assertThat(merged.merged()).isTrue();
        assertThat(merged.originally(TokenKind.VISUAL)).isEqualTo(3);
        assertThat(ledger.sizes()).as("a ledger never changes").containsExactly(1, 1, 1, 1);
    }

    @Test
    void aKindCanChangeWithoutChangingTheOldLedger() {
        TokenLedger ledger = TokenLedger.patches(1, true, 0);
        assertThat(ledger.withKind(0, TokenKind.VISUAL).kind(0)).isEqualTo(TokenKind.VISUAL);
        assertThat(ledger.kind(0)).isEqualTo(TokenKind.CLASS);
    }

    @Test
    void refusesColumnsOfDifferentLength() {
        assertThatThrownBy(() -> TokenLedger.of(new int[2], new TokenKind[1], new int[2])).isInstanceOf(IllegalArgumentException.class);
    }

    @Property
    void partitionsConserveSizesAndTraceEveryOriginal(@ForAll long seed, @ForAll @IntRange(min = 2, max = 24) int n) {
        Random random = new Random(seed);
        TokenLedger ledger = TokenLedger.uniform(n, 0, TokenKind.VISUAL);
        for (int round = 0; round < 3 && ledger.count() > 1; round++) {
            int count = ledger.count();
            int groups = random.nextInt(1, count + 1);
            int[] group = new int[count];
            for (int i = 0; i < count; i++) group[i] = i < groups ? i : random.nextInt(groups);
            int[][] index = new int[groups][];
            float[][] weight = new float[groups][];
            for (int g = 0; g < groups; g++) {
                int wanted = g;
                index[g] = IntStream.range(0, count).filter(i -> group[i] == wanted).toArray();
                weight[g] = new float[index[g].length];
                Arrays.fill(weight[g], 1f / weight[g].length);
            }
            ledger = ledger.after(TokenMap.of(count, index, weight), PositionPolicy.PRESERVE);
        }
        float sum = 0;
        boolean[] seen = new boolean[n];
        for (int i = 0; i < ledger.count(); i++) {
            sum += ledger.size(i);
            int[] originals = ledger.origin().sourcesOf(i);
            assertThat((float) originals.length).isEqualTo(ledger.size(i));
            for (int o : originals) {
                assertThat(seen[o]).isFalse();
                seen[o] = true;
            }
        }
        assertThat(sum).isEqualTo(n);
        assertThat(seen).doesNotContain(false);
    }
}
