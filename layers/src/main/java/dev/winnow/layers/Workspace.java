package dev.winnow.layers;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** Scratch memory and counters of one request, reused from layer to layer and step to step. Not thread-safe. */
public final class Workspace {
    /** The buffers a layer needs at the same time, and what a step leaves. */
    public enum Slot { NORMED, QUERIES, KEYS, VALUES, ATTENDED, HIDDEN, GATED, ENTERED, BRANCH, ROUTED, EXPERT, LOGITS }

    private final float[][] buffers = new float[Slot.values().length][0];
    private final Work work = new Work();
    private final Map<RotaryEmbedding, RotaryEmbedding.Table> rotations = new HashMap<>();
    private int[] rotatedPositions = {};
    private RotaryAxes.Places places;

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

    /** Says where the tokens of the passes that follow lie, for rotary positions along several axes; null for nowhere in particular. */
    public void places(RotaryAxes.Places places) {
        this.places = places;
        rotations.clear();
    }

    /** What {@link #places(RotaryAxes.Places)} said last, or null. */
    public RotaryAxes.Places places() {
        return places;
    }

    /** The rotation table of n positions; layers of one pass share those of their embeddings. */
    public RotaryEmbedding.Table rotation(RotaryEmbedding embedding, int[] positions, int n) {
        if (rotatedPositions.length != n || !Arrays.equals(rotatedPositions, 0, n, positions, 0, n)) {
            rotations.clear();
            rotatedPositions = Arrays.copyOf(positions, n);
        }
        return rotations.computeIfAbsent(embedding, e -> e.table(positions, n, places));
    }
}
