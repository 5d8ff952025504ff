package dev.winnow.tornado.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.reduction.primitives.BipartiteGraph;
import dev.winnow.reduction.primitives.Pairing;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("kernels")
class PartnersTest {
    private static final int WIDTH = 24;

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void matchesAsTheProcessor(Machine machine) {
        check(machine, 33, true, false);
        check(machine, 290, false, false);
        check(machine, 5, false, false);
        check(machine, 2, false, false);
        check(machine, 2, true, false);
        check(machine, 20, true, true);
    }

    /** @param equal whether all tokens are alike */
    private static void check(Machine machine, int n, boolean classToken, boolean equal) {
        Random random = new Random(n);
        float[][] keys = {Operands.random(random, n * WIDTH), Operands.random(random, n * WIDTH)};
        for (float[] head : keys) {
            for (int i = 0; equal && i < head.length; i++) head[i] = head[i % WIDTH];
        }
        boolean[] guard = new boolean[n];
        float[] guarded = new float[n];
        guard[0] = classToken;
        guarded[0] = classToken ? 1 : 0;
        int from = (n + 1) / 2;

        Operands o = new Operands(3 * n * WIDTH + 4 * n + 200);
        int first = o.put(keys[0]);
        int second = o.put(keys[1]);
        int units = o.room(n * WIDTH);
        o.numbers(n, first, second - first, keys.length, units);
        machine.run(Partners.unitGroups(n), Partners.LOCAL, o, Partners::units, WIDTH);
        assertThat(o.get(units, n * WIDTH)).as("rows of length 1").doesNotContain(Float.NaN);
        int partner = o.room(from);
        int best = o.room(from);
        o.again().numbers(n, units, classToken ? o.put(guarded) : Offsets.NONE, partner, best);
        machine.run(Partners.groups(n), Partners.LOCAL, o, Partners::nearest, WIDTH);

        float[] mean = new float[n * WIDTH];
        for (int i = 0; i < mean.length; i++) mean[i] = (keys[0][i] + keys[1][i]) / 2;
        Pairing expected = BipartiteGraph.alternating(mean, n, WIDTH, guard).pairing();
        for (int i = 0; i < from; i++) {
            if (expected.best()[i] == Float.NEGATIVE_INFINITY) {
                assertThat(o.a.get(best + i)).as("token %d", 2 * i).isEqualTo(Scores.NEVER);
                continue;
            }
            assertThat(o.a.get(best + i)).as("token %d", 2 * i).isCloseTo(expected.best()[i], within(1e-5f));
            assertThat((int) o.a.get(partner + i)).as("token %d", 2 * i).isEqualTo(expected.partner()[i]);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void aRowOfZerosIsSimilarToNone(Machine machine) {
        Operands o = new Operands(500);
        float[] keys = new float[3 * WIDTH];
        keys[WIDTH] = 2;
        int units = o.room(keys.length);
        o.numbers(3, o.put(keys), 0, 1, units);
        machine.run(Partners.unitGroups(3), Partners.LOCAL, o, Partners::units, WIDTH);
        float[] expected = new float[keys.length];
        expected[WIDTH] = 1;
        assertThat(o.get(units, keys.length)).isEqualTo(expected);
    }
}
