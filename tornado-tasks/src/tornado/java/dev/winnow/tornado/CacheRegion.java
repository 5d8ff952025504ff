package dev.winnow.tornado;

import dev.winnow.layers.DeviceEntries;
import dev.winnow.layers.KeyScore;
import dev.winnow.layers.KeyValues;
import dev.winnow.tornado.kernels.Scores;
import java.lang.ref.WeakReference;
import java.util.Arrays;
import java.util.stream.IntStream;

/** The entries of one layer's cache in a bank's arena: keys [heads][capacity][headDim], then values. */
final class CacheRegion implements DeviceEntries {
    /** Entries that a region has more room for than it needs at once. */
    private static final int ROOM = 64;

    private final Bank bank;
    private final WeakReference<KeyValues> owner;
    private final int heads;
    private final int dim;
    private int at = Heap.NONE;
    private int capacity;
    /** Slots that were found to have the lowest scores, and where they are until they are kept; or null. */
    private int[][] lowest;
    private int lowestAt;

    CacheRegion(Bank bank, KeyValues owner) {
        this.bank = bank;
        this.owner = new WeakReference<>(owner);
        this.heads = owner.heads();
        this.dim = owner.headDim();
    }

    Bank bank() {
        return bank;
    }

    /** The cache, or null when no one has it any more. */
    KeyValues owner() {
        return owner.get();
    }

    boolean released() {
        return at == Heap.NONE && capacity == 0;
    }

    LayerPrograms.Entries entries() {
        return new LayerPrograms.Entries(at, at + heads * capacity * dim, capacity);
    }

    private int key(int head, int slot) {
        return at + (head * capacity + slot) * dim;
    }

    private int value(int head, int slot) {
        return key(head, slot) + heads * capacity * dim;
    }

    /** Moves to a larger place, if this one has not room for so many entries. */
    void makeRoom(int entries) {
        if (entries <= capacity) return;
        int wanted = entries + Math.max(ROOM, entries / 8);
        int larger = bank.take(2L * heads * wanted * dim);
        forgetLowest();
        KeyValues kv = owner.get();
        for (int h = 0; h < heads; h++) {
            int n = kv.shared(h);
            if (n == 0) continue;
            copy(key(h, 0), larger + h * wanted * dim, n * dim);
            copy(value(h, 0), larger + (heads + h) * wanted * dim, n * dim);
        }
        if (at != Heap.NONE) bank.give(at);
        at = larger;
        capacity = wanted;
    }

    private void copy(int from, int to, int count) {
        bank.programs().copy(bank.plan(), from, to, count);
    }

    /** Brings what the host alone has. */
    void upload() {
        KeyValues kv = owner.get();
        for (int h = 0; h < heads; h++) {
            int from = kv.shared(h);
            int n = (kv.length(h) - from) * dim;
            if (n == 0) continue;
            int host = kv.offset(h) + from * dim;
            bank.plan().upload(key(h, from), kv.keys(), host, n);
            bank.plan().upload(value(h, from), kv.values(), host, n);
        }
        kv.uploaded();
    }

    @Override
    public void fetch(int head, int from, int to, float[] keys, float[] values, int index) {
        synchronized (bank.lock()) {
            // the host keeps what it likes from now on
            forgetLowest();
            int n = (to - from) * dim;
            bank.plan().download(key(head, from), keys, index, n);
            bank.plan().download(value(head, from), values, index, n);
        }
    }

    @Override
    public void keep(int[][] slots) {
        synchronized (bank.lock()) {
            try {
                int first = firstMoved(slots);
                if (first == Integer.MAX_VALUE) return;
                if (slots == lowest) keepLowest();
                else keepAll(slots, first);
            } catch (Bank.Full full) {
                // the host moves them then, and brings them back
                owner.get().keys();
            } finally {
                forgetLowest();
            }
        }
    }

    /** Keeps what was found last, whose slots are here. */
    private void keepLowest() {
        bank.programs().keep(bank.plan(), entries(), lowestAt, capacity, 0, counts(lowest));
    }

    private void forgetLowest() {
        if (lowest != null) bank.give(lowestAt);
        lowest = null;
    }

    private static int[] counts(int[][] slots) {
        return Arrays.stream(slots).mapToInt(s -> s == null ? 0 : s.length).toArray();
    }

    /** The first place of any head that another entry goes to; the largest number where none moves. */
    private static int firstMoved(int[][] slots) {
        int first = Integer.MAX_VALUE;
        for (int[] s : slots) {
            if (s == null) continue;
            int unmoved = DeviceEntries.unmoved(s);
            if (unmoved < s.length) first = Math.min(first, unmoved);
        }
        return first;
    }

    /** @param from where all that is before it stays */
    private void keepAll(int[][] slots, int from) {
        int[] counts = Arrays.stream(counts(slots)).map(n -> Math.max(0, n - from)).toArray();
        int most = Arrays.stream(counts).max().orElseThrow();
        float[] numbers = new float[heads * most];
        for (int h = 0; h < heads; h++) for (int i = 0; i < counts[h]; i++) numbers[h * most + i] = slots[h][from + i];
        int places = bank.take(numbers.length);
        bank.plan().upload(places, numbers, 0, numbers.length);
        bank.programs().keep(bank.plan(), entries(), places, most, from, counts);
        bank.give(places);
    }

    private int[] lengths() {
        KeyValues kv = owner.get();
        return IntStream.range(0, heads).map(kv::length).toArray();
    }

    /** Floats that {@link LayerPrograms#scores} needs for heads of so many keys at most. */
    private long room(int most) {
        return (long) heads * (most + dim);
    }

    @Override
    public float[][] scores(KeyScore score) {
        synchronized (bank.lock()) {
            int[] lengths = lengths();
            int most = Arrays.stream(lengths).max().orElseThrow();
            if (most == 0) return null;
            int scored;
            try {
                scored = bank.take(room(most));
            } catch (Bank.Full full) {
                return null;
            }
            bank.programs().scores(bank.plan(), score, entries(), scored, most, lengths);
            float[] numbers = new float[heads * most];
            bank.plan().download(scored, numbers, 0, numbers.length);
            bank.give(scored);
            float[][] scores = new float[heads][];
            Arrays.setAll(scores, h -> Arrays.copyOfRange(numbers, h * most, h * most + lengths[h]));
            return scores;
        }
    }

    @Override
    public int[][] lowest(KeyScore score, int[] counts) {
        synchronized (bank.lock()) {
            forgetLowest();
            int[] lengths = lengths();
            int most = Arrays.stream(lengths).max().orElseThrow();
            if (most == 0) return null;
            int found = Heap.NONE;
            int scored;
            try {
                found = bank.take((long) heads * capacity);
                scored = bank.take(room(most));
            } catch (Bank.Full full) {
                if (found != Heap.NONE) bank.give(found);
                return null;
            }
            bank.programs().scores(bank.plan(), score, entries(), scored, most, lengths);
            bank.programs().lowest(bank.plan(), scored, most, lengths, counts, found, capacity);
            bank.give(scored);
            int[][] slots = new int[heads][];
            float[] numbers = new float[Arrays.stream(counts).max().orElseThrow()];
            boolean ascending = true;
            for (int h = 0; h < heads; h++) {
                slots[h] = new int[counts[h]];
                bank.plan().download(found + h * capacity, numbers, 0, counts[h]);
                for (int i = 0; i < counts[h]; i++) {
                    slots[h][i] = (int) numbers[i];
                    ascending &= slots[h][i] > (i == 0 ? -1 : slots[h][i - 1]) && slots[h][i] < lengths[h];
                }
            }
            if (!ascending) {
                // numbers that have no order
                bank.give(found);
                return null;
            }
            lowest = slots;
            lowestAt = found;
            return slots;
        }
    }

    @Override
    public boolean partners(int n, boolean[] guarded, int[] partner, float[] similarity) {
        synchronized (bank.lock()) {
            int units = n * dim;
            int at;
            try {
                at = bank.take((long) units + n + 2L * partner.length);
            } catch (Bank.Full full) {
                return false;
            }
            int guards = guarded == null ? Heap.NONE : at + units;
            int found = at + units + n;
            if (guarded != null) {
                float[] flags = new float[n];
                for (int i = 0; i < n; i++) flags[i] = guarded[i] ? 1 : 0;
                bank.plan().upload(guards, flags, 0, n);
            }
            bank.programs().partners(bank.plan(), n, key(0, owner.get().length(0) - n), capacity * dim, at, guards, found);
            float[] numbers = new float[2 * partner.length];
            bank.plan().download(found, numbers, 0, numbers.length);
            bank.give(at);
            for (int i = 0; i < partner.length; i++) {
                partner[i] = (int) numbers[i];
                float best = numbers[partner.length + i];
                similarity[i] = best > Scores.NEVER ? best : Float.NEGATIVE_INFINITY;
            }
            return true;
        }
    }

    @Override
    public void release() {
        synchronized (bank.lock()) {
            forgetLowest();
            if (at != Heap.NONE) bank.give(at);
            at = Heap.NONE;
            capacity = 0;
        }
    }
}
