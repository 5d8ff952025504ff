package dev.winnow.tornado.kernels;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("kernels")
class AttentionTest {
    /**
     * One attention to be computed.
     *
     * @param past   entries of key head 0 before the queries' own; later heads have fewer
     * @param window slots back that a query sees, or 0 for all
     */
    private record Case(int n, int past, int heads, int kvHeads, int headDim, boolean causal, int window, boolean biased, float softcap) {
        int length(int kvHead) {
            return Math.max(0, past - 2 * kvHead) + n;
        }

        int end(int kvHead, int query) {
            return causal ? length(kvHead) - n + query + 1 : length(kvHead);
        }

        int start(int kvHead, int query) {
            return window == 0 ? 0 : Math.max(0, length(kvHead) - n + query + 1 - window);
        }
    }

    /** Each takes kernels of its own. */
    private static final Case[] CASES = {
        new Case(5, 70, 6, 2, 16, true, 0, true, 0f),
        new Case(40, 30, 2, 2, 8, true, 17, false, 5f),
        new Case(1, 131, 8, 1, 40, true, 0, true, 3f),
    };
    private static final Case[] OTHERS = {
        new Case(1, 0, 1, 1, 4, true, 0, false, 0f),
        new Case(37, 0, 2, 2, 20, true, 0, true, 0f),
        new Case(34, 3, 2, 1, 64, false, 0, true, 0f),
        new Case(2, 90, 4, 4, 136, true, 33, false, 0f),
    };

    /** The operands of a case, and what attention gives: outputs [n, heads * headDim] and probabilities [heads, n, columns]. */
    private static final class Setting {
        private final Case c;
        private final Operands o = new Operands(120_000);
        private final int out;
        private final int outStride;
        private final int columns;
        private final int q;
        private final int keys;
        private final int values;
        private final int capacity;
        private final int bias;
        private final int starts;
        private final int qStride;
        private final double[] expected;
        private final double[] probabilities;

        Setting(Case c) {
            this.c = c;
            Random random = new Random(c.n() * 7 + c.past());
            qStride = c.heads() * c.headDim() + 6;
            outStride = c.heads() * c.headDim() + 1;
            columns = c.length(0);
            capacity = columns + 4;
            float[] queries = Operands.random(random, c.n() * qStride);
            float[] k = Operands.random(random, c.kvHeads() * capacity * c.headDim());
            float[] v = Operands.random(random, k.length);
            float[] b = Operands.random(random, c.kvHeads() * capacity);
            b[0] = c.n() > 1 || c.past() > 0 ? Float.NEGATIVE_INFINITY : 0f;
            float[] first = new float[c.kvHeads() * c.n()];
            for (int i = 0; i < first.length; i++) first[i] = c.start(i / c.n(), i % c.n());
            q = o.put(queries);
            keys = o.put(k);
            values = o.put(v);
            bias = c.biased() ? o.put(b) : Offsets.NONE;
            starts = c.window() > 0 ? o.put(first) : Offsets.NONE;
            float[] blank = new float[c.n() * outStride];
            Arrays.fill(blank, 0.5f);
            out = o.put(blank);
            expected = new double[blank.length];
            Arrays.fill(expected, 0.5);
            probabilities = new double[c.heads() * c.n() * columns];
            for (int h = 0; h < c.heads(); h++) {
                for (int i = 0; i < c.n(); i++) reference(h, i, queries, k, v, b);
            }
        }

        private void reference(int head, int i, float[] queries, float[] k, float[] v, float[] b) {
            int dim = c.headDim();
            int kvHead = head / (c.heads() / c.kvHeads());
            double[] weight = new double[columns];
            double sum = 0;
            for (int j = c.start(kvHead, i); j < c.end(kvHead, i); j++) {
                double dot = 0;
                for (int d = 0; d < dim; d++) dot += (double) queries[i * qStride + head * dim + d] * k[(kvHead * capacity + j) * dim + d];
                double logit = dot * 0.3;
                if (c.softcap() > 0) logit = c.softcap() * Math.tanh(logit / c.softcap());
                if (c.biased()) logit += b[kvHead * capacity + j];
                weight[j] = Math.exp(logit);
                sum += weight[j];
            }
            for (int d = 0; d < dim; d++) {
                double gathered = 0;
                for (int j = 0; j < columns; j++) gathered += weight[j] == 0 ? 0 : weight[j] / sum * v[(kvHead * capacity + j) * dim + d];
                expected[i * outStride + head * dim + d] = gathered;
            }
            for (int j = 0; j < columns; j++) probabilities[(head * c.n() + i) * columns + j] = weight[j] == 0 ? 0 : weight[j] / sum;
        }

        /** The numbers up to the lengths. */
        Operands numbers(int target, int strideOrFirst) {
            o.again().numbers(c.n(), q, qStride, target, strideOrFirst, keys, values, capacity, bias, capacity, starts, c.causal() ? 1 : 0);
            for (int h = 0; h < c.kvHeads(); h++) o.numbers(c.length(h));
            return o;
        }
    }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void flash(Machine machine) {
        flash(machine, CASES);
    }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void splitOverKeys(Machine machine) {
        splitOverKeys(machine, CASES, 3);
    }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void probesAndSums(Machine machine) {
        probesAndSums(machine, CASES);
    }

    @Tag("sizes")
    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void otherSizes(Machine machine) {
        flash(machine, OTHERS);
        splitOverKeys(machine, CASES, 1);
        splitOverKeys(machine, OTHERS, 1, 3);
        probesAndSums(machine, OTHERS);
    }

    private static void flash(Machine machine, Case... cases) {
        for (Case c : cases) {
            Setting s = new Setting(c);
            Operands o = s.numbers(s.out, s.outStride);
            int heads = c.heads();
            int kvHeads = c.kvHeads();
            int headDim = c.headDim();
            float softcap = c.softcap();
            machine.run(FlashAttention.groups(c.n(), heads), FlashAttention.LOCAL, o,
                    FlashAttention::attend, heads, kvHeads, headDim, 0.3f, softcap);
            Closeness.close(o.get(s.out, s.expected.length), s.expected);
        }
    }

    private static void splitOverKeys(Machine machine, Case[] cases, int... piecesOfKeys) {
        for (Case c : cases) {
            for (int pieces : piecesOfKeys) {
                Setting s = new Setting(c);
                int heads = c.heads();
                int kvHeads = c.kvHeads();
                int headDim = c.headDim();
                float softcap = c.softcap();
                Operands o = s.numbers(s.out, s.outStride)
                        .numbers(s.o.room(DecodeAttention.scratch(c.n(), heads, headDim, pieces)));
                machine.run(DecodeAttention.groups(c.n(), heads, kvHeads, pieces), DecodeAttention.LOCAL, o,
                        DecodeAttention::split, heads, kvHeads, headDim, 0.3f, softcap, pieces);
                machine.run(DecodeAttention.mergeGroups(c.n(), heads), DecodeAttention.LOCAL, o,
                        DecodeAttention::merge, heads, kvHeads, headDim, pieces);
                Closeness.close(o.get(s.out, s.expected.length), s.expected);
            }
        }
    }

    private static void probesAndSums(Machine machine, Case... cases) {
        for (Case c : cases) {
            Setting s = new Setting(c);
            int first = c.n() / 2;
            int count = c.n() - first;
            int heads = c.heads();
            int kvHeads = c.kvHeads();
            int headDim = c.headDim();
            float softcap = c.softcap();
            int rows = s.o.room(heads * count * s.columns);
            Operands o = s.numbers(rows, first).numbers(count, s.columns);
            machine.run(FlashAttention.rowGroups(count, heads), FlashAttention.LOCAL, o,
                    FlashAttention::probabilities, heads, kvHeads, headDim, 0.3f, softcap);
            double[] expected = new double[heads * count * s.columns];
            double[] sums = new double[heads * s.columns];
            for (int i = 0; i < expected.length; i++) {
                int head = i / (count * s.columns);
                int row = first + i / s.columns % count;
                expected[i] = s.probabilities[(head * c.n() + row) * s.columns + i % s.columns];
                sums[head * s.columns + i % s.columns] += expected[i];
            }
            Closeness.close(o.get(rows, expected.length), expected);

            int target = o.room(sums.length);
            for (int add = 0; add < 2; add++) {
                o.again().numbers(rows, target, count, s.columns, add);
                machine.run(FlashAttention.sumGroups(s.columns, heads), FlashAttention.LOCAL, o,
                        FlashAttention::sumRows, heads);
                Closeness.close(o.get(target, sums.length), sums);
                for (int i = 0; i < sums.length; i++) sums[i] *= 2;
            }
        }
    }
}
