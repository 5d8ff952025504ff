package dev.winnow.layers;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Keys and values of one attention layer, head-major: {@code [kvHeads][capacity][headDim]}. Each head has its own length and
 * positions, so that compaction may keep different tokens per head; rotary phases are already in the keys and stay correct
 * because positions travel with them. Encoders use it too, as the keys and values of the pass at hand.
 *
 * <p>A backend may hold the entries in a device's memory ({@link #attach}). Then either side has all of them: the host from its last
 * append or change on, the device from {@link #appended} on; the other has as many as {@link #shared} says and gets the rest when it
 * needs them. Lengths, positions, biases and tallies are the host's always.
 */
public final class KeyValues {
    private final int heads;
    private final int headDim;
    private int capacity;
    private float[] keys;
    private float[] values;
    private final int[] lengths;
    private int[][] positions;
    private float[][] bias;
    private float[][] tally;
    /** Where keys and values are when they are packed, else null. */
    private PackedEntries packed;
    /** The longest that the sequence has been, for rotations that depend on it. */
    private int reach;
    /** What pages of keys reach to, for attention that asked for it; null when there is none or it no longer holds. */
    private PageIndex pages;
    /** Where a device holds the entries, or null. */
    private DeviceEntries device;
    /** Whether the device has all entries, and the host only those that are shared. */
    private boolean onDevice;
    /** How many of a head's first entries are the same on both sides. */
    private final int[] shared;

    public KeyValues(int kvHeads, int headDim, int capacity) {
        this.heads = kvHeads;
        this.headDim = headDim;
        this.capacity = Math.max(1, capacity);
        // an array that cannot be is refused at once
        floats(this.capacity);
        this.lengths = new int[heads];
        this.shared = new int[heads];
        this.positions = new int[heads][this.capacity];
    }

    private int floats(int room) {
        return Math.toIntExact((long) heads * room * headDim);
    }

    public int heads() {
        return heads;
    }

    public int headDim() {
        return headDim;
    }

    /** Entries alive in a head. */
    public int length(int head) {
        return lengths[head];
    }

    /** The longest head. */
    public int length() {
        int n = 0;
        for (int l : lengths) n = Math.max(n, l);
        return n;
    }

    /**
     * The keys, for reading; who writes them says so by {@link #changed}.
     *
     * @throws IllegalStateException for a packed cache
     */
    public float[] keys() {
        requireUnpacked();
        bringHome();
        return keys;
    }

    /**
     * The values, as {@link #keys}.
     *
     * @throws IllegalStateException for a packed cache
     */
    public float[] values() {
        requireUnpacked();
        bringHome();
        return values;
    }

    /** Says that entries of a head were written in place. */
    public void changed(int head) {
        shared[head] = 0;
    }

    /** Fetches what the host does not have, into arrays that are made when they are first needed. */
    private void bringHome() {
        if (keys == null) {
            keys = new float[floats(capacity)];
            values = new float[keys.length];
        }
        if (!onDevice) return;
        for (int h = 0; h < heads; h++) {
            if (shared[h] < lengths[h]) device.fetch(h, shared[h], lengths[h], keys, values, offset(h) + shared[h] * headDim);
            shared[h] = lengths[h];
        }
        onDevice = false;
    }

    // ---- on a device ----

    /** Where a device holds the entries, or null. */
    public DeviceEntries device() {
        return device;
    }

    /**
     * Lets a device hold the entries; one that held them before gives them back.
     *
     * @throws IllegalStateException for a packed cache
     */
    public void attach(DeviceEntries other) {
        requireUnpacked();
        release();
        device = other;
        Arrays.fill(shared, 0);
    }

    /** How many of a head's first entries the device has already; all of them once it has {@link #appended} some. */
    public int shared(int head) {
        return onDevice ? lengths[head] : shared[head];
    }

    /** Says that the device has been given all that the host has. */
    public void uploaded() {
        if (!onDevice) System.arraycopy(lengths, 0, shared, 0, heads);
    }

    /**
     * Says that the device appended n entries to every head; it has all earlier ones.
     *
     * @param newBias as for {@link #append}
     */
    public void appended(int n, int[] newPositions, float[] newBias) {
        onDevice = true;
        makeRoom(n);
        extend(n, newPositions, newBias);
    }

    /**
     * For each of the last n entries at an even place the one at an odd place whose key, averaged over heads, is most similar.
     *
     * @return whether a device that has the entries said so
     */
    public boolean partners(int n, boolean[] guarded, int[] partner, float[] similarity) {
        return onDevice && device.partners(n, guarded, partner, similarity);
    }

    /** Scores of the keys of each head, [heads][length(head)], where a device has the keys; null where none has. */
    public float[][] scores(KeyScore score) {
        return onDevice ? device.scores(score) : null;
    }

    /**
     * For each head the slots of so many entries with the lowest scores, ascending, of equal scores the first, where a device has the keys.
     * To {@link #keep(int[][])} just these costs least.
     *
     * @return null where none has
     * @throws IllegalArgumentException when counts are not one for each head, or one is not in 0 .. length(head)
     */
    public int[][] lowest(KeyScore score, int[] counts) {
        requireHeads("counts", counts.length);
        for (int h = 0; h < heads; h++) {
            if (counts[h] < 0 || counts[h] > lengths[h]) {
                throw new IllegalArgumentException("cannot choose " + counts[h] + " of the " + lengths[h] + " entries of head " + h);
            }
        }
        return onDevice ? device.lowest(score, counts) : null;
    }

    /** Takes the entries home and lets the device forget them. */
    public void release() {
        if (device == null) return;
        bringHome();
        drop();
    }

    /** Forgets what the device holds, all entries with it if it alone has them: for a sequence that is over. */
    public void drop() {
        if (device == null) return;
        device.release();
        device = null;
        onDevice = false;
        Arrays.fill(shared, 0);
    }

    /** Whether entries are held in few bits; their number is fixed then, and they can be read only by {@link #readKeys}. */
    public boolean packed() {
        return packed != null;
    }

    private void requireUnpacked() {
        if (packed != null) throw new IllegalStateException("the entries of a packed cache can be read, but not changed or dropped");
    }

    /** Copies the keys of slots from .. to - 1 of a head, packed or not, into rows of the given stride. */
    public void readKeys(int head, int from, int to, float[] target, int offset, int stride) {
        if (packed != null) packed.readKeys(head, from, to, target, offset, stride);
        else read(keys(), head, from, to, target, offset, stride);
    }

    /** {@link #readKeys} of the values. */
    public void readValues(int head, int from, int to, float[] target, int offset, int stride) {
        if (packed != null) packed.readValues(head, from, to, target, offset, stride);
        else read(values(), head, from, to, target, offset, stride);
    }

    private void read(float[] entries, int head, int from, int to, float[] target, int offset, int stride) {
        int at = offset(head) + from * headDim;
        for (int i = 0; i < to - from; i++) System.arraycopy(entries, at + i * headDim, target, offset + i * stride, headDim);
    }

    /** Holds all but the latest entries in few bits from now on, those that come later too. */
    public void pack(CacheFormat format) {
        requireUnpacked();
        bringHome();
        drop();
        PackedEntries entries = new PackedEntries(format, heads, headDim);
        for (int h = 0; h < heads; h++) entries.fill(h, keys, values, offset(h), lengths[h]);
        packed = entries;
        keys = new float[0];
        values = keys;
    }

    /** Index in {@link #keys} and {@link #values} of a head's first entry; entries are {@link #headDim} apart. */
    public int offset(int head) {
        return head * capacity * headDim;
    }

    /** Positions of a head's entries, ascending; valid up to {@link #length(int)}. */
    public int[] positions(int head) {
        return positions[head];
    }

    /** Added to the attention logits of each entry of a head (log of a token's size, -inf for a masked one), or null for none. */
    public float[] bias(int head) {
        return bias == null ? null : bias[head];
    }

    /** Bytes of the live entries: what a compact copy would hold. */
    public long bytes() {
        if (packed != null) return packed.bytes();
        long n = 0;
        for (int l : lengths) n += l;
        return n * headDim * 2 * Float.BYTES;
    }

    /** Bytes allocated. */
    public long allocatedBytes() {
        return packed != null ? packed.allocatedBytes() : 2L * Float.BYTES * heads * capacity * headDim;
    }

    /**
     * Lets the keys follow a sequence that grows, where their rotation depends on its length; packed ones stay as they are.
     *
     * @param length of the sequence once the next entries are there
     */
    public void follow(RotaryEmbedding rotary, int length) {
        if (reach > 0 && packed == null && rotary.outgrows(reach, length)) {
            pages = null;
            bringHome();
            for (int h = 0; h < heads; h++) rotary.retune(keys, offset(h), headDim, positions[h], lengths[h], reach, length);
            Arrays.fill(shared, 0);
        }
        reach = Math.max(reach, length);
    }

    /** Forgets all entries; keeps the memory. */
    public void clear() {
        reach = 0;
        onDevice = false;
        Arrays.fill(shared, 0);
        Arrays.fill(lengths, 0);
        bias = null;
        tally = null;
        pages = null;
        if (packed != null) packed.clear();
    }

    /**
     * Appends n entries to every head.
     *
     * @param k         [n, kvHeads * headDim] with the given row stride
     * @param v         as k
     * @param newPositions length n
     * @param newBias   length n, or null for zeros
     */
    public void append(float[] k, float[] v, int rowStride, int n, int[] newPositions, float[] newBias) {
        if (packed == null) bringHome();
        makeRoom(n);
        for (int h = 0; h < heads; h++) {
            int at = offset(h) + lengths[h] * headDim;
            for (int i = 0; i < n; i++, at += headDim) {
                int from = i * rowStride + h * headDim;
                if (packed != null) {
                    packed.add(h, k, from, v, from);
                    continue;
                }
                System.arraycopy(k, from, keys, at, headDim);
                System.arraycopy(v, from, values, at, headDim);
            }
        }
        extend(n, newPositions, newBias);
    }

    private void makeRoom(int n) {
        int needed = length() + n;
        // an eighth more, so that decoding after a prompt does not copy the cache at once
        if (needed > capacity) grow(needed + Math.max(64, needed / 8));
    }

    /** What comes with n entries besides keys and values. */
    private void extend(int n, int[] newPositions, float[] newBias) {
        if (newBias != null && bias == null) bias = new float[heads][capacity];
        for (int h = 0; h < heads; h++) {
            System.arraycopy(newPositions, 0, positions[h], lengths[h], n);
            if (bias != null) {
                if (newBias != null) System.arraycopy(newBias, 0, bias[h], lengths[h], n);
                else Arrays.fill(bias[h], lengths[h], lengths[h] + n, 0f);
            }
            if (tally != null) Arrays.fill(tally[h], lengths[h], lengths[h] + n, 0f);
            lengths[h] += n;
        }
    }

    /** Forgets the last n entries of every head; a head that has fewer forgets all. */
    public void rewind(int n) {
        requireUnpacked();
        pages = null;
        for (int h = 0; h < heads; h++) {
            lengths[h] = Math.max(0, lengths[h] - n);
            shared[h] = Math.min(shared[h], lengths[h]);
        }
    }

    /** A copy of one head that has, of its last n entries, only some: all that came before, then those. */
    KeyValues gathered(int head, int n, int[] chosen) {
        int past = lengths[head] - n;
        int count = past + chosen.length;
        KeyValues copy = new KeyValues(1, headDim, count);
        copy.bringHome();
        readKeys(head, 0, past, copy.keys, 0, headDim);
        readValues(head, 0, past, copy.values, 0, headDim);
        if (bias != null) copy.bias = new float[1][copy.capacity];
        for (int i = 0; i < count; i++) {
            int slot = i < past ? i : past + chosen[i - past];
            if (i >= past) {
                readKeys(head, slot, slot + 1, copy.keys, i * headDim, headDim);
                readValues(head, slot, slot + 1, copy.values, i * headDim, headDim);
            }
            copy.positions[0][i] = positions[head][slot];
            if (bias != null) copy.bias[0][i] = bias[head][slot];
        }
        copy.lengths[0] = count;
        return copy;
    }

    /** The index of the keys in pages of a size, begun when first asked for. */
    PageIndex pages(int size) {
        if (pages == null || pages.size() != size) pages = new PageIndex(size, heads);
        return pages;
    }

    /** Keeps the entries at the given ascending slots of one head, drops the others. */
    public void keep(int head, int[] slots) {
        int[][] all = new int[heads][];
        all[head] = slots;
        keep(all);
    }

    /**
     * Keeps the entries at the given ascending slots of each head and drops its others; null for a head that keeps all.
     *
     * @throws IllegalArgumentException when slots are not given for each head
     * @throws IllegalStateException    for a packed cache
     */
    public void keep(int[][] slots) {
        requireUnpacked();
        requireHeads("slots", slots.length);
        pages = null;
        if (onDevice) device.keep(slots);
        for (int h = 0; h < heads; h++) if (slots[h] != null) close(h, slots[h]);
    }

    private void requireHeads(String what, int n) {
        if (n != heads) throw new IllegalArgumentException(what + " are given for " + n + " heads, but the cache has " + heads);
    }

    /** Closes up what is kept of a head. */
    private void close(int head, int[] slots) {
        shared[head] = Math.min(shared[head], DeviceEntries.unmoved(slots));
        int run;
        for (int i = 0; i < slots.length; i += run) {
            int from = slots[i];
            run = 1;
            while (i + run < slots.length && slots[i + run] == from + run) run++;
            if (from != i) move(head, from, i, run);
        }
        lengths[head] = slots.length;
    }

    /** Drops the first entries of each head, as many as given. */
    void forget(int[] entries) {
        int[][] slots = new int[heads][];
        for (int h = 0; h < heads; h++) if (entries[h] > 0) slots[h] = IntStream.range(entries[h], lengths[h]).toArray();
        keep(slots);
    }

    /** The first slot of a head whose position is greater than one given. */
    int firstAfter(int head, long position) {
        int[] at = positions[head];
        int low = 0;
        int high = lengths[head];
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (at[middle] > position) high = middle;
            else low = middle + 1;
        }
        return low;
    }

    private void move(int head, int from, int to, int count) {
        if (!onDevice) {
            int base = offset(head);
            System.arraycopy(keys, base + from * headDim, keys, base + to * headDim, count * headDim);
            System.arraycopy(values, base + from * headDim, values, base + to * headDim, count * headDim);
        }
        System.arraycopy(positions[head], from, positions[head], to, count);
        if (bias != null) System.arraycopy(bias[head], from, bias[head], to, count);
        if (tally != null) System.arraycopy(tally[head], from, tally[head], to, count);
    }

    /**
     * Turns keys to other positions.
     *
     * @param newPositions for each head and entry, ascending
     * @param rotary       how the keys were rotated, or null for not at all
     */
    public void reposition(int[][] newPositions, RotaryEmbedding rotary) {
        requireUnpacked();
        pages = null;
        if (rotary != null) {
            bringHome();
            Arrays.fill(shared, 0);
        }
        for (int h = 0; h < heads; h++) {
            if (newPositions[h].length != lengths[h]) throw new IllegalArgumentException("head " + h + " has " + lengths[h] + " entries");
            if (rotary != null) rotary.shift(keys, offset(h), headDim, positions[h], newPositions[h]);
            System.arraycopy(newPositions[h], 0, positions[h], 0, lengths[h]);
        }
    }

    /**
     * A running score of each entry of a head, for policies that judge by all that an entry has received: zeros to begin with, and
     * for entries that come later. Valid up to {@link #length(int)}; may be changed in place.
     */
    public float[] tally(int head) {
        if (tally == null) tally = new float[heads][capacity];
        return tally[head];
    }

    /** Gives back memory beyond the longest head plus some room to grow. */
    public void trim(int room) {
        int wanted = length() + room;
        if (packed == null && wanted < capacity) grow(Math.max(1, wanted));
    }

    private void grow(int newCapacity) {
        if (packed == null && keys != null) {
            keys = moved(keys, newCapacity);
            values = moved(values, newCapacity);
        }
        for (int h = 0; h < heads; h++) {
            positions[h] = Arrays.copyOf(positions[h], newCapacity);
            if (bias != null) bias[h] = Arrays.copyOf(bias[h], newCapacity);
            if (tally != null) tally[h] = Arrays.copyOf(tally[h], newCapacity);
        }
        capacity = newCapacity;
    }

    private float[] moved(float[] entries, int newCapacity) {
        float[] wide = new float[floats(newCapacity)];
        for (int h = 0; h < heads; h++) {
            int held = onDevice ? shared[h] : lengths[h];
            System.arraycopy(entries, h * capacity * headDim, wide, h * newCapacity * headDim, held * headDim);
        }
        return wide;
    }
}
