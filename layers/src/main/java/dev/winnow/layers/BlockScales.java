package dev.winnow.layers;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** The scales of a block format, widened to f32. Scratch of one thread. */
final class BlockScales {
    private static final ValueLayout.OfShort SHORTS = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private short[] halves = {};
    private float[] scales = {};

    /** n scales from a byte on, in an array that the next call overwrites. */
    float[] read(MemorySegment weight, long at, int n) {
        if (scales.length < n) {
            scales = new float[n];
            halves = new short[n];
        }
        MemorySegment.copy(weight, SHORTS, at, halves, 0, n);
        // C2 turns this loop into vcvtph2ps, for which the Vector API has no name yet
        for (int i = 0; i < n; i++) scales[i] = Float.float16ToFloat(halves[i]);
        return scales;
    }
}
