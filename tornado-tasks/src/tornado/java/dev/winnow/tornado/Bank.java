package dev.winnow.tornado;

import dev.winnow.layers.Activation;
import dev.winnow.layers.CosineChoice;
import dev.winnow.layers.KeyValues;
import dev.winnow.layers.Linear;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.Transfers;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.tornado.LayerPrograms.Choice;
import dev.winnow.tornado.kernels.GreedyChoice;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import uk.ac.manchester.tornado.api.common.TornadoDevice;

/**
 * Layers of one shape with all that they need on a device: weights, an arena with the activations of some tokens, and the entries of
 * caches. The arena doubles when it is too small; then everything in it goes home first, and the programs are compiled anew.
 *
 * <p>One thread at a time uses a device: whoever calls holds the bank's lock.
 */
final class Bank {
    /** Tokens that the first arena has room for, in activations and in the cache of one sequence. */
    private static final int TOKENS = 1024;
    /** Floats of the first arena for all else. */
    private static final int SLACK = 1 << 16;

    private final Object lock;
    private final TornadoDevice device;
    private final LayerShape shape;
    private final WeightStore weights;
    private final long allocation;
    private int layers;
    private DevicePlan plan;
    private Heap heap;
    private LayerPrograms programs;
    private Activations activations;
    private final List<CacheRegion> regions = new ArrayList<>();
    /** The hidden states that are in the arena and not at home, or null. */
    private float[] resident;
    private int residentTokens;
    /** Whether the array has been given the same. */
    private boolean seen;
    /** Hidden states of which some are by themselves, or null. */
    private Waiting waiting;
    /** Rows of attention that are in the arena and not at home. */
    private final List<Observed> observed = new ArrayList<>();
    private RotaryEmbedding.Table rotation;
    private long rotationPass;
    private float[] angles = {};
    /** Around the layers, or null. */
    private DeviceVocabulary vocabulary;

    /** Where the activations of up to so many tokens are. */
    record Activations(int tokens, int at, int x, int normed, int attending, int attended, int hidden, int branch, int angles,
                       int scratch) {
        /** The same with states where normed ones were, and the other way round. */
        Activations swapped() {
            return new Activations(tokens, at, normed, x, attending, attended, hidden, branch, angles, scratch);
        }
    }

    /**
     * Rows of attention, [heads, count, columns].
     *
     * @param rows the array that they are to come to; who lets go of it wants them no more
     */
    private record Observed(WeakReference<float[]> rows, int at, int heads, int count, int columns) {}

    /** Hidden states that wait in a place of their own while some of them run a layer. */
    private record Waiting(float[] x, int tokens, int at) {}

    /**
     * @param lock       of all that runs on the device
     * @param allocation bytes of the largest array that the device takes
     */
    Bank(Object lock, TornadoDevice device, LayerShape shape, long allocation) {
        this.lock = lock;
        this.device = device;
        this.shape = shape;
        this.weights = new WeightStore(shape.dtype());
        this.allocation = allocation;
    }

    Object lock() {
        return lock;
    }

    LayerShape shape() {
        return shape;
    }

    /** Adds a layer, if the arrays have room for it and the bank has not begun to run. */
    LayerWeights add(TransformerLayer layer) {
        layers++;
        return LayerWeights.in(weights, layer);
    }

    /** Puts a vocabulary around the layers. */
    void surround(DeviceVocabulary words) {
        vocabulary = words;
    }

    /** Whether there is one, or no time left for one. */
    boolean surrounded() {
        return vocabulary != null || plan != null;
    }

    /** Whether another layer has room; all of a bank are of one size. */
    boolean hasRoom() {
        if (plan != null) return false;
        return layers == 0 || weights.largest() / layers * (layers + 1) <= Math.min(allocation, Integer.MAX_VALUE);
    }

    /** Bytes on the device: of the arrays that are there, or of those that {@link #begin} will make. */
    long bytes() {
        return plan != null ? plan.bytes() : stores().stream().mapToLong(WeightStore::size).sum() + Float.BYTES * firstArena();
    }

    private List<WeightStore> stores() {
        List<WeightStore> stores = new ArrayList<>(List.of(weights));
        if (vocabulary != null) stores.addAll(vocabulary.stores());
        return stores;
    }

    private long firstArena() {
        return (long) TOKENS * shape.floatsPerToken() + (long) layers * TOKENS * 2 * shape.keyWidth()
                + LayerPrograms.scratch(shape) + (vocabulary == null ? 0 : vocabulary.room()) + SLACK;
    }

    private void begin() {
        if (plan != null) return;
        plan = new DevicePlan(device, size(firstArena()), stores());
        fill();
    }

    private int size(long floats) {
        long most = Math.min(allocation / Float.BYTES, Integer.MAX_VALUE - 64);
        if (floats > most) {
            throw new IllegalStateException("the device would need an array of " + floats * Float.BYTES / 1_000_000
                    + " MB for activations and cache, but takes arrays of up to " + most * Float.BYTES / 1_000_000 + " MB");
        }
        return (int) floats;
    }

    private void fill() {
        heap = new Heap(plan.arena().getSize() - 32);
        plan.begin(shape.width(), p -> {
            programs = new LayerPrograms(p, shape);
            if (vocabulary != null) vocabulary.add(p);
        });
        if (vocabulary != null) vocabulary.place(take(vocabulary.room()));
        activations = null;
        rotation = null;
        makeRoom(TOKENS / 4);
    }

    /** Makes the arena so large that this much more fits in one piece. */
    private void grow(long floats) {
        home();
        if (waiting != null) home(waiting.x);
        for (Observed o : List.copyOf(observed)) if (o.rows.get() != null) home(o.rows.get());
        observed.clear();
        for (CacheRegion region : List.copyOf(regions)) {
            KeyValues kv = region.owner();
            if (kv != null && kv.device() == region) kv.release();
        }
        regions.clear();
        long old = plan.arena().getSize();
        plan = plan.resized(size(Math.max(2 * old, old + floats + SLACK)));
        fill();
    }

    /** A place for so many floats, growing the arena if need be: places taken before are invalid then. */
    int take(long floats) {
        int at = heap.take(floats);
        if (at == Heap.NONE) {
            forget();
            at = heap.take(floats);
        }
        if (at == Heap.NONE) throw new Full(floats);
        return at;
    }

    void give(int at) {
        heap.give(at);
    }

    /** Takes back the places of caches that no one has any more. */
    private void forget() {
        regions.stream().filter(r -> r.owner() == null).forEach(CacheRegion::release);
        regions.removeIf(CacheRegion::released);
        for (Observed o : List.copyOf(observed)) if (o.rows.get() == null) drop(o);
    }

    /** That something has no place; caught where the work can begin anew in a larger arena. */
    static final class Full extends RuntimeException {
        private final long floats;

        Full(long floats) {
            super(null, null, false, false);
            this.floats = floats;
        }
    }

    /** Work that takes places, and may be begun anew when the arena has grown. */
    interface Reserved<T> {
        T run();
    }

    <T> T reserving(Reserved<T> work) {
        begin();
        while (true) {
            try {
                return work.run();
            } catch (Full full) {
                grow(full.floats);
            }
        }
    }

    /** Makes room for the activations of so many tokens. */
    void makeRoom(int tokens) {
        if (activations != null && activations.tokens >= tokens) return;
        home();
        int wanted = Math.max(tokens, activations == null ? 0 : 2 * activations.tokens);
        if (activations != null) give(activations.at);
        activations = null;
        rotation = null;
        int at = take((long) wanted * shape.floatsPerToken() + LayerPrograms.scratch(shape));
        int x = at;
        int normed = x + wanted * shape.width();
        int branch = normed + wanted * shape.width();
        int attending = branch + wanted * shape.width();
        int attended = attending + wanted * shape.attendingWidth();
        int hidden = attended + wanted * shape.queryWidth();
        int turned = hidden + wanted * shape.inner();
        int scratch = turned + 2 * wanted * shape.half();
        activations = new Activations(wanted, at, x, normed, attending, attended, hidden, branch, turned, scratch);
    }

    Activations activations() {
        return activations;
    }

    LayerPrograms programs() {
        return programs;
    }

    DevicePlan plan() {
        return plan;
    }

    // ---- what is in the arena ----

    /** Brings hidden states into the arena, unless they are there. */
    void enter(float[] x, int n) {
        if (resident == x && residentTokens == n) return;
        home();
        plan.upload(activations.x, x, 0, n * shape.width());
    }

    /** Says that the arena has newer states than the array. */
    void stay(float[] x, int n) {
        resident = x;
        residentTokens = n;
        seen = false;
    }

    /** Whether the states of an array are here. */
    boolean holds(float[] x) {
        return resident == x || waiting != null && waiting.x == x || observed(x) != null;
    }

    /** Brings the states that layers run on home. */
    void home() {
        if (resident == null) return;
        look(resident, 0, residentTokens);
        resident = null;
    }

    /** Brings states of an array home, or rows of attention. */
    void home(float[] x) {
        Observed rows = observed(x);
        if (rows != null) {
            plan.download(rows.at, x, 0, x.length);
            drop(rows);
        }
        if (resident == x) home();
        if (waiting == null || waiting.x != x) return;
        plan.download(waiting.at, x, 0, waiting.tokens * shape.width());
        give(waiting.at);
        waiting = null;
    }

    /** Shows an array rows of its states: those that layers run on stay, those that wait for them go home. */
    void look(float[] x, int from, int to) {
        if (waiting != null && waiting.x == x) home(x);
        if (resident != x || seen) return;
        int width = shape.width();
        plan.download(activations.x + from * width, x, from * width, (to - from) * width);
        seen = from == 0 && to == residentTokens;
    }

    /** Takes chosen states by themselves, if those of x are here. */
    boolean part(float[] x, int n, int[] chosen, float[] y) {
        if (resident != x || residentTokens != n || waiting != null) return false;
        int floats = n * shape.width();
        int at = take((long) floats + chosen.length + 2 * Heap.UNIT);
        give(at);
        int index = bring(numbers(chosen));
        at = take(floats);
        programs.copy(plan, activations.x, at, floats);
        programs.gather(plan, at, activations.x, chosen.length, index);
        give(index);
        waiting = new Waiting(x, n, at);
        stay(y, chosen.length);
        return true;
    }

    /** Puts them back, if those of x wait here. */
    boolean join(float[] x, int n, int[] chosen, float[] factor, float[] y) {
        if (waiting == null || waiting.x != x || waiting.tokens != n) return false;
        enter(y, chosen.length);
        int k = chosen.length;
        float[] numbers = Arrays.copyOf(numbers(chosen), factor == null ? k : 2 * k);
        if (factor != null) System.arraycopy(factor, 0, numbers, k, k);
        int index = bring(numbers);
        programs.scatter(plan, activations.x, waiting.at, k, index, factor == null ? Heap.NONE : index + k);
        programs.copy(plan, waiting.at, activations.x, n * shape.width());
        give(index);
        give(waiting.at);
        waiting = null;
        stay(x, n);
        return true;
    }

    private static float[] numbers(int[] values) {
        float[] numbers = new float[values.length];
        for (int i = 0; i < numbers.length; i++) numbers[i] = values[i];
        return numbers;
    }

    /** A place with some numbers in it. */
    private int bring(float[] numbers) {
        int at = take(numbers.length);
        plan.upload(at, numbers, 0, numbers.length);
        return at;
    }

    /** Lets states or rows that are here go: nobody will look at them again. */
    void forget(float[] x) {
        if (resident == x) resident = null;
        Observed rows = observed(x);
        if (rows != null) drop(rows);
    }

    /** Lets rows of attention stay: [heads, count, columns], in a place that is theirs. */
    void observe(float[] rows, int at, int heads, int count, int columns) {
        observed.add(new Observed(new WeakReference<>(rows), at, heads, count, columns));
    }

    private Observed observed(float[] rows) {
        for (Observed o : observed) if (o.rows.get() == rows) return o;
        return null;
    }

    private void drop(Observed rows) {
        give(rows.at);
        observed.remove(rows);
    }

    /** Sums over several rows of each head; null if they did not stay. */
    float[] received(float[] rows) {
        Observed o = observed(rows);
        if (o == null) return null;
        float[] sums = new float[o.heads * o.columns];
        int at = take(sums.length);
        programs.sum(plan, o.at, at, o.count, o.columns, false);
        plan.download(at, sums, 0, sums.length);
        give(at);
        return sums;
    }

    /** Means over heads of some columns of a row that stayed; null if it did not. */
    float[] headMean(float[] rows, int row, int[] columns) {
        float[] means = new float[columns.length];
        return scored(rows, row, columns, 0, means) ? means : null;
    }

    /** Places of the k highest of them, highest first; null if the row did not stay, or has numbers without an order. */
    int[] highest(float[] rows, int row, int[] columns, int k) {
        float[] numbers = new float[k];
        if (!scored(rows, row, columns, k, numbers)) return null;
        return chosen(numbers, columns.length, false);
    }

    /** Brings back the means of some columns, or places of the k highest of them; whether the row is here. */
    private boolean scored(float[] rows, int row, int[] columns, int k, float[] numbers) {
        Observed o = observed(rows);
        if (o == null) return false;
        if (numbers.length == 0) return true;
        int n = columns.length;
        boolean apart = !neighbours(columns);
        int at = take(2L * n + k);
        int means = at + n;
        if (apart) plan.upload(at, numbers(columns), 0, n);
        int index = apart ? at : Heap.NONE;
        LayerPrograms.Row r = new LayerPrograms.Row(o.at + row * o.columns, o.heads, o.count * o.columns, index, columns[0], n);
        if (k > 0) programs.ranks(plan, r, k, means);
        else programs.means(plan, r, means);
        plan.download(k > 0 ? means + n : means, numbers, 0, numbers.length);
        give(at);
        return true;
    }

    /** What a map of few outputs makes of the states that are here; null if those of x are not. */
    float[] product(Linear map, Activation f, float[] x, int n) {
        if (resident != x || residentTokens != n) return null;
        int size = map.out() * map.in();
        float[] numbers = Arrays.copyOf(map.weight().toFloats(), size + (map.bias() == null ? 0 : map.out()));
        if (map.bias() != null) System.arraycopy(map.bias(), 0, numbers, size, map.out());
        float[] y = new float[n * map.out()];
        int at = take((long) numbers.length + y.length);
        int target = at + numbers.length;
        plan.upload(at, numbers, 0, numbers.length);
        programs.products(plan, activations.x, n, at, map.bias() == null ? Heap.NONE : at + size, map.out(), f, target);
        plan.download(target, y, 0, y.length);
        give(at);
        return y;
    }

    /** Whether each is one more than the one before. */
    private static boolean neighbours(int[] numbers) {
        for (int i = 1; i < numbers.length; i++) if (numbers[i] != numbers[i - 1] + 1) return false;
        return true;
    }

    /** Places among some tokens of those chosen by the cosines of their states, which are here from then on; null if they have no order. */
    int[] choose(CosineChoice choice, float[] x, int n, int[] tokens, int k) {
        int count = tokens.length;
        boolean distinct = choice instanceof CosineChoice.Distinct;
        boolean apart = !neighbours(tokens);
        int gathered = apart ? count * (1 + shape.width()) : 0;
        int at = take(1 + gathered + LayerPrograms.room(distinct ? count + 1 : count, k, shape.width()));
        boolean here = resident == x;
        enterAsSeen(x, n);
        int states = activations.x + tokens[0] * shape.width();
        if (apart) {
            states = at + 1 + count;
            plan.upload(at + 1, numbers(tokens), 0, count);
            programs.gather(plan, activations.x, states, count, at + 1);
        }
        int room = at + 1 + gathered;
        programs.choose(plan, placed(choice, states, count, k, at), room);
        float[] places = new float[k];
        plan.download(room, places, 0, k);
        give(at);
        int[] chosen = chosen(places, count, distinct);
        if (chosen == null && !here) forget(x);
        return chosen;
    }

    /** @param threshold where there is room for one */
    private Choice placed(CosineChoice choice, int states, int count, int k, int threshold) {
        return switch (choice) {
            case CosineChoice.FarthestFirst() -> new Choice(states, count, k, GreedyChoice.FARTHEST, Heap.NONE, 0, Heap.NONE);
            case CosineChoice.LeastAlike(int first) -> new Choice(states, count, k, GreedyChoice.LEAST_ALIKE, Heap.NONE, first, Heap.NONE);
            case CosineChoice.Distinct(int like, double most) -> {
                plan.upload(threshold, new float[] {atMost(most)}, 0, 1);
                yield new Choice(states, count, k, GreedyChoice.DISTINCT, activations.x + like * shape.width(), 0, threshold);
            }
        };
    }

    /** The largest float that is no larger: floats are above either alike. */
    private static float atMost(double x) {
        float near = (float) x;
        return near > x ? Math.nextDown(near) : near;
    }

    /** Brings states into the arena, unless they are there; the array has the same. */
    private void enterAsSeen(float[] x, int n) {
        if (resident == x && residentTokens == n) return;
        enter(x, n);
        stay(x, n);
        seen = true;
    }

    /** Places as they were found, up to the first that is none, if fewer may be; null if they are no choice. */
    private static int[] chosen(float[] places, int count, boolean fewer) {
        boolean[] taken = new boolean[count];
        int[] chosen = new int[places.length];
        for (int i = 0; i < chosen.length; i++) {
            int place = (int) places[i];
            if (place < 0 && fewer) return Arrays.copyOf(chosen, i);
            if (place < 0 || place >= count || taken[place]) return null;
            taken[place] = true;
            chosen[i] = place;
        }
        return chosen;
    }

    /** Makes the states that are here others, as a sparse matrix says, which are here in place of them. */
    void combine(int[] start, int[] index, float[] weight, float[] y) {
        int rows = start.length - 1;
        if (selects(start, weight)) {
            int chosen = bring(numbers(index));
            programs.gather(plan, activations.x, activations.normed, rows, chosen);
            give(chosen);
        } else {
            combine(start, index, weight);
        }
        activations = activations.swapped();
        stay(y, rows);
    }

    /** Whether each row is one of those before, as it was. */
    private static boolean selects(int[] start, float[] weight) {
        for (int i = 0; i < start.length; i++) if (start[i] != i) return false;
        for (float w : weight) if (w != 1f) return false;
        return true;
    }

    private void combine(int[] start, int[] index, float[] weight) {
        int rows = start.length - 1;
        float[] numbers = Arrays.copyOf(numbers(start), start.length + 2 * index.length);
        System.arraycopy(numbers(index), 0, numbers, start.length, index.length);
        System.arraycopy(weight, 0, numbers, start.length + index.length, index.length);
        int at = bring(numbers);
        programs.combine(plan, activations.x, activations.normed, rows, at, index.length);
        give(at);
    }

    /** Whether these states are here, with room for as many as they are to become. */
    boolean holds(float[] x, int n, int rows) {
        return resident == x && residentTokens == n && rows <= activations.tokens;
    }

    /**
     * Brings a rotary table into the arena, unless it is the last one that came.
     *
     * @param pass of the workspace that the table belongs to and is written anew in
     */
    void turn(RotaryEmbedding.Table table, long pass, int n) {
        if (table == rotation && pass == rotationPass) return;
        int each = n * shape.half();
        if (angles.length < 2 * each) angles = new float[2 * each];
        System.arraycopy(table.cos(), 0, angles, 0, each);
        System.arraycopy(table.sin(), 0, angles, each, each);
        plan.upload(activations.angles, angles, 0, 2 * each);
        rotation = table;
        rotationPass = pass;
    }

    /** The region of a cache with room for n more entries, holding all entries that the cache has. */
    CacheRegion region(KeyValues kv, int n) {
        CacheRegion region = kv.device() instanceof CacheRegion r && r.bank() == this ? r : null;
        if (region == null) {
            region = new CacheRegion(this, kv);
            kv.attach(region);
            regions.removeIf(CacheRegion::released);
            regions.add(region);
        }
        region.makeRoom(kv.length() + n);
        region.upload();
        return region;
    }

    /** Floats of the arena that are in use, activations included. */
    long used() {
        return heap == null ? 0 : heap.used();
    }

    Transfers transfers() {
        return plan == null ? Transfers.NONE : plan.transfers();
    }

    void close() {
        if (plan != null) plan.close();
    }
}
