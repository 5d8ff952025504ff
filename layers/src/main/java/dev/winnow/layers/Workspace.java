package dev.winnow.layers;

import java.util.Arrays;

/** Scratch memory and counters of one request, reused from layer to layer and step to step. Not thread-safe. */
public final class Workspace {
    /** The buffers a layer needs at the same time, and what a step leaves. */
    public enum Slot { NORMED, QUERIES, KEYS, VALUES, ATTENDED, HIDDEN, GATED, LOGITS }

    private final float[][] buffers = new float[Slot.values().length][0];
    private final Work work = new Work();
    private RotaryEmbedding rotary;
    private int[] rotaryPositions = {};
    private RotaryEmbedding.Table rotaryTable;

    /** A buffer of at least the given size; its contents are undefined. */
    public float[] buffer(Slot slot, int size) {
        int i = slot.ordinal();
        if (buffers[i].length < size) buffers[i] = new float[Math.max(size, buffers[i].length + buffers[i].length / 4)];
        return buffers[i];
    }

    /** A buffer of just the given size, the same as long as that does not change; its contents are undefined. */
    public float[] exactly(Slot slot, int size) {
        int i = slot.ordinal();
        if (buffers[i].length != size) buffers[i] = new float[size];
        return buffers[i];
    }

    public Work work() {
        return work;
    }

    /** Bytes of scratch held. */
    public long bytes() {
        long n = 0;
        for (float[] b : buffers) n += 4L * b.length;
        return n;
    }

    /** The rotation table of n positions; layers of one pass share it. */
    RotaryEmbedding.Table rotation(RotaryEmbedding embedding, int[] positions, int n) {
        boolean same = embedding.equals(rotary) && rotaryPositions.length == n && Arrays.equals(rotaryPositions, 0, n, positions, 0, n);
        if (!same) {
            rotary = embedding;
            rotaryPositions = Arrays.copyOf(positions, n);
            rotaryTable = embedding.table(positions, n);
        }
        return rotaryTable;
    }
}
