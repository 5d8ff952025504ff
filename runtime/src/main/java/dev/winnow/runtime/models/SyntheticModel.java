package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import com.sun.management.OperatingSystemMXBean;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.DType;
import dev.winnow.weights.Settings;
import dev.winnow.weights.Tensor;
import java.lang.management.ManagementFactory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.LongStream;

/**
 * A checkpoint of random weights for a configuration. The family's own loading code asks for the tensors, so names and shapes have
 * one home. Matrices are uniform around 0 with the standard deviation of 0.02 that transformers initialise with; norms are 1.
 */
public final class SyntheticModel {
    private static final double DEVIATION = 0.02;
    /** The rest is for the heap and for what else the machine is doing. */
    private static final double SHARE_OF_MEMORY = 0.5;
    private static final long CHUNK = 1 << 20;

    private SyntheticModel() {}

    /**
     * Makes the tensors.
     *
     * @param dtype F32, F16 or BF16
     * @param arena owns their memory
     */
    public static List<Tensor> tensors(Settings config, DType dtype, long seed, Arena arena, Backend backend) {
        Map<String, Tensor> made = new LinkedHashMap<>();
        Allowance allowance = new Allowance();
        Model.load(config, WeightScope.of(new WeightScope.Source() {
            @Override
            public boolean has(String name) {
                return made.containsKey(name);
            }

            @Override
            public Tensor any(String name) {
                return made.get(name);
            }

            @Override
            public Tensor tensor(String name, long... shape) {
                return made.computeIfAbsent(name, n -> {
                    allowance.take(name, dtype, shape);
                    return make(n, dtype, shape, seed, arena);
                });
            }
        }), backend);
        return new ArrayList<>(made.values());
    }

    /** Counts bytes before they are allocated: all tensors are in memory at once, and asking for too much can stall a machine. */
    private static final class Allowance {
        private double left = SHARE_OF_MEMORY * ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();

        void take(String name, DType dtype, long[] shape) {
            double bytes = dtype.blockBytes();
            for (long d : shape) bytes *= d;
            left -= bytes;
            if (left < 0) {
                throw new CheckpointException("a model of this configuration would take more than half of this machine's memory;"
                        + " it is tensor " + name + " of shape " + Arrays.toString(shape) + " that goes beyond it");
            }
        }
    }

    private static Tensor make(String name, DType dtype, long[] shape, long seed, Arena arena) {
        long n = 1;
        for (long d : shape) n = Math.multiplyExact(n, d);
        MemorySegment data = arena.allocate(Math.max(1, dtype.bytes(n))).asSlice(0, dtype.bytes(n));
        boolean norm = name.contains("norm") && name.endsWith(".weight");
        boolean bias = name.endsWith(".bias");
        long elements = n;
        double spread = norm || bias ? 0 : DEVIATION * Math.sqrt(3);
        double centre = norm ? 1 : 0;
        LongStream.range(0, (n + CHUNK - 1) / CHUNK).parallel().forEach(c -> {
            SplittableRandom random = new SplittableRandom(seed * 31 + name.hashCode() * 1_000_003L + c);
            for (long i = c * CHUNK; i < Math.min(elements, (c + 1) * CHUNK); i++) {
                float value = (float) (centre + spread * (random.nextInt() * 0x1p-31));
                store(data, dtype, i, value);
            }
        });
        return new Tensor(name, dtype, shape, data);
    }

    private static void store(MemorySegment data, DType dtype, long i, float value) {
        switch (dtype) {
            case F32 -> data.set(ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 4 * i, value);
            case F16 -> data.set(ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 2 * i, Float.floatToFloat16(value));
            // round half up in the last kept bit: random weights need no ties-to-even
            case BF16 -> data.set(ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 2 * i,
                    (short) (Float.floatToRawIntBits(value) + 0x8000 >> 16));
            default -> throw new IllegalArgumentException("weights can be made as F32, F16 or BF16, not " + dtype);
        }
    }
}
