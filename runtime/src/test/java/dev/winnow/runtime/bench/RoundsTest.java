package dev.winnow.runtime.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RoundsTest {
    @Test
    void everyOtherRoundGoesBackwardsAndWarmUpsDoNotCount() {
        List<String> order = new ArrayList<>();
        Rounds rounds = new Rounds().task("a", () -> order.add("a")).task("b", () -> order.add("b"));
        rounds.run(1, 2, 0);
        assertThat(order).containsExactly("a", "b", "b", "a", "a", "b");
        assertThat(rounds.total(s -> 1)).isEqualTo(4);
    }

    @Test
    void timesAreThoseOfTheTask() {
        long[] spun = {0};
        Rounds rounds = new Rounds().task("spin", () -> {
            long began = System.nanoTime();
            while (System.nanoTime() - began < 20_000_000) spun[0]++;
        });
        rounds.run(0, 3, 0);
        assertThat(rounds.bestWall("spin")).isBetween(0.02, rounds.medianWall("spin"));
        assertThat(rounds.bestCpu("spin")).isPositive();
        assertThat(rounds.ratio("spin", "spin", Rounds.Sample::wall)).containsExactly(1, 1, 1);
    }

    @Test
    void quantilesLieBetweenValues() {
        double[] values = {4, 1, 3, 2};
        assertThat(Rounds.quantile(values, 0)).isEqualTo(1);
        assertThat(Rounds.quantile(values, 0.5)).isCloseTo(2.5, within(1e-12));
        assertThat(Rounds.quantile(values, 1)).isEqualTo(4);
    }

    @Test
    void aNameIsTakenOnce() {
        Rounds rounds = new Rounds().task("a", () -> { });
        assertThatThrownBy(() -> rounds.task("a", () -> { })).hasMessageContaining("two tasks named a");
    }

    @Test
    void linuxSaysWhatWasResidentAndStolen() {
        boolean linux = Files.exists(Path.of("/proc/self/status"));
        assertThat(Host.peakResidentBytes().isPresent()).isEqualTo(linux);
        if (linux) assertThat(Host.peakResidentBytes().getAsLong()).isGreaterThan(Runtime.getRuntime().totalMemory() / 1000);
        assertThat(Double.isNaN(Host.stealSeconds())).isNotEqualTo(linux);
    }
}
