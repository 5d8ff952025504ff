package dev.winnow.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BlockMatrixTest {
    private static final int ROWS = 35;
    private static final int IN = 96;

    /** A matrix, and what was written: codes [rows][words], scales [rows][blocks]. */
    private record Written(BlockMatrix matrix, int[][] codes, short[][] scales) {
        static Written random(DType format, int rows) {
            BlockMatrix m = new BlockMatrix(MemorySegment.ofArray(new byte[Math.toIntExact(rows * format.bytes(IN))]), format, IN);
            Random random = new Random(rows);
            int[][] codes = new int[rows][];
            short[][] scales = new short[rows][IN / BlockMatrix.BLOCK];
            for (int r = 0; r < rows; r++) {
                codes[r] = random.ints(m.words()).toArray();
                for (int b = 0; b < scales[r].length; b++) scales[r][b] = Float.floatToFloat16(random.nextFloat() - 0.5f);
                m.write(r, codes[r], scales[r]);
            }
            return new Written(m, codes, scales);
        }

        Tensor tensor() {
            return new Tensor("w", matrix.format(), new long[] {codes.length, IN}, matrix.data());
        }

        /** A row by the rules of {@link DType}: byte i of a block is element i, or elements i and i + 16. */
        float[] row(int r) {
            float[] x = new float[IN];
            boolean wide = matrix.format() == DType.Q8_0;
            int bytes = BlockMatrix.codeBytes(matrix.format());
            for (int b = 0; b < scales[r].length; b++) {
                float scale = Float.float16ToFloat(scales[r][b]);
                for (int i = 0; i < bytes; i++) {
                    int at = b * bytes + i;
                    int code = codes[r][at / 4] >>> 8 * (at % 4) & 0xff;
                    x[32 * b + i] = scale * (wide ? (byte) code : (code & 15) - 8);
                    if (!wide) x[32 * b + 16 + i] = scale * ((code >> 4) - 8);
                }
            }
            return x;
        }

        float[] rows(int[] order) {
            float[] x = new float[order.length * IN];
            for (int i = 0; i < order.length; i++) System.arraycopy(row(order[i]), 0, x, i * IN, IN);
            return x;
        }

        float[] all() {
            return rows(IntStream.range(0, codes.length).toArray());
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"Q8_0", "Q4_0"})
    void whatIsWrittenIsRead(DType format) {
        Written w = Written.random(format, ROWS);
        assertThat(w.matrix.rows()).isEqualTo(ROWS);
        assertThat(w.matrix.grouped()).isEqualTo(32);
        assertThat(w.matrix.words()).isEqualTo(w.matrix.wordsOfBlock() * 3);
        for (int r = 0; r < ROWS; r++) {
            int[] codes = new int[w.matrix.words()];
            short[] scales = new short[IN / BlockMatrix.BLOCK];
            w.matrix.readCodes(r, codes);
            w.matrix.readScales(r, scales);
            assertThat(codes).as("codes of row %d", r).isEqualTo(w.codes[r]);
            assertThat(scales).as("scales of row %d", r).isEqualTo(w.scales[r]);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"Q8_0", "Q4_0"})
    void elementsRowsAndTensorsAreTheSame(DType format) {
        Written w = Written.random(format, ROWS);
        float[] all = w.all();
        assertThat(w.tensor().toFloats()).isEqualTo(all);
        for (int r = 0; r < ROWS; r++) {
            float[] expected = w.row(r);
            float[] row = new float[IN + 2];
            w.matrix.widen(r, row, 1);
            assertThat(Arrays.copyOfRange(row, 1, IN + 1)).as("row %d", r).isEqualTo(expected);
            assertThat(row[0] + row[IN + 1]).isZero();
            for (int i = 0; i < IN; i++) assertThat(w.matrix.element(r, i)).as("element %d of row %d", i, r).isEqualTo(expected[i]);
        }
    }

    /** Within a row, over the end of one, and over the end of the last group. */
    @ParameterizedTest
    @EnumSource(names = {"Q8_0", "Q4_0"})
    void partsAreCopied(DType format) {
        Written w = Written.random(format, ROWS);
        float[] all = w.all();
        int[][] ranges = {{0, 0}, {5, 40}, {90, 10}, {15 * IN, IN}, {15 * IN + 7, 2 * IN}, {31 * IN + 95, IN + 2}, {34 * IN + 1, IN - 1}};
        for (int[] range : ranges) {
            float[] part = new float[range[1] + 3];
            w.tensor().copyTo(range[0], range[1], part, 2);
            assertThat(Arrays.copyOfRange(part, 2, 2 + range[1])).as("%d from %d on", range[1], range[0])
                    .isEqualTo(Arrays.copyOfRange(all, range[0], range[0] + range[1]));
            assertThat(part[1] + part[part.length - 1]).isZero();
        }
    }

    /** Rows that had a group have none, and the other way round. */
    @ParameterizedTest
    @EnumSource(names = {"Q8_0", "Q4_0"})
    void rowsMoveBetweenGroups(DType format) {
        Written w = Written.random(format, ROWS);
        for (int[] order : new int[][] {{34, 0, 17}, shuffled(ROWS, 17), shuffled(ROWS, ROWS)}) {
            assertThat(w.tensor().gathered(order).toFloats()).isEqualTo(w.rows(order));
        }
        Written more = Written.random(format, 40);
        int[] order = shuffled(40, ROWS);
        assertThat(more.tensor().gathered(order).toFloats()).isEqualTo(more.rows(order));
        for (int[] some : new int[][] {{0, 3}, {30, 3}, {0, 17}, {9, 17}, {5, 30}, {32, 3}}) {
            assertThat(w.tensor().rows(some[0], some[1]).toFloats()).as("%d rows from %d on", some[1], some[0])
                    .isEqualTo(w.rows(IntStream.range(some[0], some[0] + some[1]).toArray()));
        }
    }

    private static int[] shuffled(int rows, int count) {
        List<Integer> order = Arrays.asList(IntStream.range(0, rows).boxed().toArray(Integer[]::new));
        Collections.shuffle(order, new Random(count));
        return order.stream().limit(count).mapToInt(i -> i).toArray();
    }

    @Test
    void otherFormatsAndPartsOfBlocksAreRefused() {
        MemorySegment data = MemorySegment.ofArray(new byte[340]);
        assertThatThrownBy(() -> new BlockMatrix(data, DType.F16, 32)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("F16 is no block format");
        for (int in : new int[] {33, -32}) {
            assertThatThrownBy(() -> new BlockMatrix(data, DType.Q8_0, in)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("rows of " + in + " elements are no whole blocks of Q8_0");
        }
    }
}
