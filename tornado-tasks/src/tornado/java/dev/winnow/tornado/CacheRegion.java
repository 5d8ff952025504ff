package dev.winnow.tornado;

import dev.winnow.layers.DeviceEntries;
import dev.winnow.layers.KeyValues;
import dev.winnow.tornado.kernels.CacheEntries;
import dev.winnow.tornado.kernels.Scores;
import java.lang.ref.WeakReference;

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
            int n = (to - from) * dim;
            bank.plan().download(key(head, from), keys, index, n);
            bank.plan().download(value(head, from), values, index, n);
        }
    }

    @Override
    public void keep(int head, int[] slots) {
        int first = 0;
        while (first < slots.length && slots[first] == first) first++;
        synchronized (bank.lock()) {
            try {
                keep(head, slots, first);
            } catch (Bank.Full full) {
                // the host moves them then, and brings them back
                owner.get().keys();
            }
        }
    }

    private void keep(int head, int[] slots, int first) {
        int count = slots.length - first;
        if (count == 0) return;
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++) numbers[i] = slots[first + i] - first;
        int places = bank.take(count);
        bank.plan().upload(places, numbers, 0, count);
        Program p = bank.programs().keep();
        p.set(0, CacheEntries.keepGroups(1), key(head, first), value(head, first), capacity, places, count);
        bank.plan().run(p);
        bank.give(places);
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
            if (at != Heap.NONE) bank.give(at);
            at = Heap.NONE;
            capacity = 0;
        }
    }
}
