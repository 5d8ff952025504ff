package dev.winnow.layers;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/**
 * Keys and values of a sequence, one {@link KeyValues} per layer. Layers may hold different tokens: dropped tokens have no entry in
 * later layers, tokens routed around a layer have none in that layer.
 */
public final class KvCache {
    private final List<KeyValues> layers = new ArrayList<>();
    /** How many positions back each layer's queries see, themselves included. */
    private final int[] windows;
    private final int[] shifts;
    private final float[] thresholds;
    private int nextPosition;
    private int promptEnd;
    private boolean forgets;

    /** A cache for the given layers, with room for a number of tokens; without, each layer takes what its first tokens need. */
    public KvCache(List<TransformerLayer> layers, int room) {
        for (TransformerLayer l : layers) this.layers.add(new KeyValues(l.attention().kvHeads(), l.attention().headDim(), room));
        this.windows = layers.stream().mapToInt(l -> l.attention().mask().window()).toArray();
        this.shifts = new int[layers.size()];
        this.thresholds = new float[layers.size()];
        Arrays.fill(thresholds, -1f);
    }

    public KeyValues layer(int i) {
        return layers.get(i);
    }

    public int layers() {
        return layers.size();
    }

    /** Lets a layer read an earlier one's entries from now on, instead of its own. */
    public void share(int layer, int with) {
        layers.set(layer, layers.get(with));
    }

    /** Whether a layer reads an earlier one's entries. */
    public boolean shares(int layer) {
        return layers.indexOf(layers.get(layer)) < layer;
    }

    /**
     * From now on, layers whose queries see a window only let go of entries that no later token sees. What is computed stays the same to
     * the bit; the sequence cannot be {@link #rewind rewound} any more.
     */
    public void forgetUnseen() {
        forgets = true;
    }

    /** Says that a layer has run for all tokens before a position. Entries go in batches, so that few are moved often. */
    public void ran(int layer, int next) {
        int window = windows[layer];
        if (!forgets || window == Integer.MAX_VALUE) return;
        int room = Math.max(64, window / 4);
        KeyValues kv = layers.get(layer);
        if (kv.packed() || kv.length() - window < room) return;
        int[] unseen = new int[kv.heads()];
        for (int h = 0; h < unseen.length; h++) unseen[h] = kv.firstAfter(h, next + shifts[layer] - window);
        kv.forget(unseen);
        kv.trim(room);
    }

    /**
     * Forgets the last tokens of the sequence in every layer.
     *
     * @throws IllegalStateException once entries that those before them see may be gone
     */
    public void rewind(int tokens) {
        if (forgets) throw new IllegalStateException("a cache that forgets what no later token sees cannot be rewound");
        for (KeyValues l : distinct()) l.rewind(tokens);
        nextPosition -= tokens;
    }

    /** Layers without those that share another one's entries. */
    private Set<KeyValues> distinct() {
        Set<KeyValues> distinct = Collections.newSetFromMap(new IdentityHashMap<>());
        distinct.addAll(layers);
        return distinct;
    }

    /** Gives back what a device holds, when the sequence is over: its entries are gone then. */
    public void drop() {
        for (KeyValues l : layers) l.drop();
    }

    /** The position of the next token of the sequence, as if nothing had been dropped or renumbered. */
    public int nextPosition() {
        return nextPosition;
    }

    public void advance(int tokens) {
        nextPosition += tokens;
        if (tokens > 1 || promptEnd == 0) promptEnd = nextPosition;
    }

    /** Which token after the prompt comes next: 1 for the first. */
    public int nextStep() {
        return nextPosition - promptEnd + 1;
    }

    /**
     * What a layer adds to positions: a method that renumbers tokens after dropping some leaves later layers at smaller positions
     * than earlier ones, and decoding goes on from there.
     */
    public int shift(int layer) {
        return shifts[layer];
    }

    public void shift(int layer, int shift) {
        shifts[layer] = shift;
    }

    /** Up to which magnitude of the gate a layer's MLP leaves neurons out in this sequence; negative for none. */
    public float threshold(int layer) {
        return thresholds[layer];
    }

    public void threshold(int layer, float threshold) {
        thresholds[layer] = threshold;
    }

    /** Bytes of the entries alive. */
    public long bytes() {
        long n = 0;
        for (KeyValues l : distinct()) n += l.bytes();
        return n;
    }

    /** Bytes allocated, room to grow included. */
    public long allocatedBytes() {
        long n = 0;
        for (KeyValues l : distinct()) n += l.allocatedBytes();
        return n;
    }
}
