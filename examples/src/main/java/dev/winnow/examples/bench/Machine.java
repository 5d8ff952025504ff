package dev.winnow.examples.bench;

import dev.winnow.layers.Workers;
import dev.winnow.runtime.bench.Host;
import dev.winnow.runtime.models.Quantization;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.LongAdder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** What the machine could do at most, measured with the same threads that the models run on. */
final class Machine {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Long> J = LongVector.SPECIES_PREFERRED;
    private static final int PEAK_TASKS = 32;
    private static final int PEAK_STEPS = 100_000;
    private static final int PEAK_SUMS = 12;
    private static final int CHUNK = 1 << 20;
    private static final LongAdder SINK = new LongAdder();

    private Machine() {}

    /** One line that says where and when, for the head of a report. */
    static String describe() {
        return Host.describe() + ", vectors of " + F.vectorBitSize() + " bits";
    }

    /** Floating-point operations of one {@link #peak}. */
    static double peakFlops() {
        return 2.0 * PEAK_TASKS * PEAK_STEPS * PEAK_SUMS * F.length();
    }

    /** Multiply-adds that never leave the registers, on all threads. */
    static void peak() {
        Workers.shared().each(PEAK_TASKS, t -> SINK.add((long) multiplyAdd(PEAK_STEPS, 1f + t * 1e-9f)));
    }

    /** Twelve independent sums: more than two units of latency 4 need, few enough for the 16 registers of AVX2. */
    private static float multiplyAdd(int steps, float factor) {
        FloatVector x = FloatVector.broadcast(F, factor);
        FloatVector y = FloatVector.broadcast(F, 1e-9f);
        FloatVector s0 = y;
        FloatVector s1 = y;
        FloatVector s2 = y;
        FloatVector s3 = y;
        FloatVector s4 = y;
        FloatVector s5 = y;
        FloatVector s6 = y;
        FloatVector s7 = y;
        FloatVector s8 = y;
        FloatVector s9 = y;
        FloatVector s10 = y;
        FloatVector s11 = y;
        for (int i = 0; i < steps; i++) {
            s0 = x.fma(y, s0);
            s1 = x.fma(y, s1);
            s2 = x.fma(y, s2);
            s3 = x.fma(y, s3);
            s4 = x.fma(y, s4);
            s5 = x.fma(y, s5);
            s6 = x.fma(y, s6);
            s7 = x.fma(y, s7);
            s8 = x.fma(y, s8);
            s9 = x.fma(y, s9);
            s10 = x.fma(y, s10);
            s11 = x.fma(y, s11);
        }
        FloatVector a = s0.add(s1).add(s2.add(s3)).add(s4.add(s5).add(s6.add(s7)));
        FloatVector b = s8.add(s9).add(s10.add(s11));
        return a.add(b).reduceLanes(VectorOperators.ADD);
    }

    /** Reads every byte of a segment once, on all threads, each taking the next megabyte. */
    static void read(MemorySegment memory) {
        int chunks = Math.toIntExact(memory.byteSize() / CHUNK);
        Workers.shared().each(chunks, c -> SINK.add(sum(memory, (long) c * CHUNK, CHUNK)));
    }

    /** As {@link #read}, each thread going through its own long stretch. */
    static void readStretches(MemorySegment memory) {
        int threads = Workers.shared().threads();
        long each = memory.byteSize() / CHUNK / threads * CHUNK;
        Workers.shared().each(threads, t -> {
            for (long at = 0; at < each; at += CHUNK) SINK.add(sum(memory, t * each + at, CHUNK));
        });
    }

    /** Bytes that one {@link #read} covers. */
    static long covered(MemorySegment memory) {
        return memory.byteSize() / CHUNK * CHUNK;
    }

    private static long sum(MemorySegment memory, long from, int bytes) {
        int step = J.vectorByteSize();
        LongVector s0 = LongVector.zero(J);
        LongVector s1 = s0;
        LongVector s2 = s0;
        LongVector s3 = s0;
        for (int i = 0; i < bytes; i += 4 * step) {
            s0 = s0.add(LongVector.fromMemorySegment(J, memory, from + i, ByteOrder.LITTLE_ENDIAN));
            s1 = s1.add(LongVector.fromMemorySegment(J, memory, from + i + step, ByteOrder.LITTLE_ENDIAN));
            s2 = s2.add(LongVector.fromMemorySegment(J, memory, from + i + 2 * step, ByteOrder.LITTLE_ENDIAN));
            s3 = s3.add(LongVector.fromMemorySegment(J, memory, from + i + 3 * step, ByteOrder.LITTLE_ENDIAN));
        }
        return s0.add(s1).add(s2.add(s3)).reduceLanes(VectorOperators.ADD);
    }

    /** Random numbers around 0, the same in every run. */
    static float[] randoms(int n, long seed) {
        float[] values = new float[n];
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < n; i++) values[i] = (float) (random.nextDouble() * 2 - 1);
        return values;
    }

    /** How matrices are to be held, as an argument says: none (also when it is left out), q8 or q4. */
    static Quantization quantization(String[] args, int at) {
        return args.length > at ? Quantization.valueOf(args[at].toUpperCase(Locale.ROOT)) : Quantization.NONE;
    }
}
