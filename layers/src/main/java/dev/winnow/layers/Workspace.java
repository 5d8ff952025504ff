package dev.winnow.layers;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** Scratch memory and counters of one request, reused from layer to layer and step to step. Not thread-safe. */
public final class Workspace {
    /** The buffers a layer needs at the same time, and what a step leaves. */
    public enum Slot { NORMED, QUERIES, KEYS, VALUES, ATTENDED, HIDDEN, GATED, ENTERED, BRANCH, ROUTED, EXPERT, STEP, LOGITS }

    private final float[][] buffers = new float[Slot.values().length][0];
    private final Work work = new Work();
    private final Map<RotaryEmbedding, Rotation> rotations = new HashMap<>();
    private int[] rotatedPositions = {};
    /** Counts the passes: sets of positions that rotations were asked for, one after the other. */
    private long pass;
    private int[] positions = {};
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

    /** A buffer for at least n positions; its contents are undefined. */
    public int[] positions(int n) {
        if (positions.length < n) positions = new int[n];
        return positions;
    }

    /** What a pass and the next have of a rotary embedding. */
    private static final class Rotation {
        private float[] frequencies;
        private int stretch;
        private RotaryEmbedding.Table table;
        private long pass = -1;
    }

    /** The rotation table of n positions, for the pass at hand; layers of one pass share those of their embeddings. */
    RotaryEmbedding.Table rotation(RotaryEmbedding embedding, int[] positions, int n) {
        if (rotatedPositions.length != n) {
            rotatedPositions = Arrays.copyOf(positions, n);
            pass++;
        } else if (!Arrays.equals(rotatedPositions, 0, n, positions, 0, n)) {
            System.arraycopy(positions, 0, rotatedPositions, 0, n);
            pass++;
        }
        Rotation rotation = rotations.get(embedding);
        if (rotation == null) rotations.put(embedding, rotation = new Rotation());
        if (rotation.pass != pass) {
            turn(rotation, embedding, n);
            rotation.pass = pass;
        }
        return rotation.table;
    }

    private void turn(Rotation rotation, RotaryEmbedding embedding, int n) {
        int length = RotaryEmbedding.length(rotatedPositions, n);
        int stretch = embedding.stretch(length);
        if (rotation.frequencies == null || rotation.stretch != stretch) {
            rotation.frequencies = embedding.frequencies(length);
            rotation.stretch = stretch;
        }
        int size = n * embedding.half();
        if (rotation.table == null || rotation.table.cos().length != size) {
            rotation.table = new RotaryEmbedding.Table(new float[size], new float[size]);
        }
        embedding.fill(rotation.table, rotation.frequencies, rotatedPositions, n, places);
    }
}
