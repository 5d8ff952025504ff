package dev.winnow.tornado;

import dev.winnow.layers.Activation;
import dev.winnow.layers.CompiledVocabulary;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Vocabulary;
import dev.winnow.layers.Work;
import dev.winnow.tornado.LayerShape.NormShape;
import dev.winnow.tornado.LayerWeights.NormPlace;
import dev.winnow.tornado.WeightStore.Place;
import dev.winnow.tornado.kernels.ArgMax;
import dev.winnow.tornado.kernels.BitonicTopK;
import dev.winnow.tornado.kernels.EmbeddingRows;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A vocabulary in the bank of the layers that it is around: ids become states in the arena, and states the ids whose logits are highest.
 * What was found stays in the arena, so that an id that comes next need not even cross.
 */
final class DeviceVocabulary implements CompiledVocabulary {
    /** Rows of all logits that are computed at a time, for those who want them. */
    private static final int ROWS = 16;
    private static final int ARGUMENTS = 16;
    private static final int NONE = -1;

    private final TornadoBackend backend;
    private final Bank bank;
    private final Vocabulary data;
    private final int size;
    private final int width;
    private final NormShape normShape;
    private final NormPlace norm;
    private final Place head;
    /** The words, or null where the host embeds. */
    private final Place table;
    private final List<WeightStore> stores = new ArrayList<>();
    private Program embed;
    private Program best;
    private Program logits;
    private Program passOn;
    private Program few;
    private Program many;
    /** Where the arena has room for ids, for logits and for what is found in them. */
    private int at;
    private int[] found = {};
    /** Where the ids found last are. */
    private int foundAt;

    DeviceVocabulary(TornadoBackend backend, Bank bank, Vocabulary data) {
        this.backend = backend;
        this.bank = bank;
        this.data = data;
        this.size = data.head().out();
        this.width = data.head().in();
        this.normShape = NormShape.of(data.norm());
        WeightStore store = new WeightStore(data.head().weight().dtype());
        stores.add(store);
        this.norm = NormPlace.in(store, data.norm());
        this.head = store.add(List.of(data.head()));
        this.table = table(store);
    }

    private Place table(WeightStore store) {
        if (data.words() == null || !WeightStore.holds(data.words().dtype())) return null;
        if (data.words().data().equals(data.head().weight().data())) return head;
        WeightStore own = new WeightStore(data.words().dtype());
        stores.add(own);
        return own.add(List.of(new Linear(data.words(), null)));
    }

    /** What it needs besides the layers' weights. */
    List<WeightStore> stores() {
        return stores;
    }

    /** Floats of the arena. */
    long room() {
        return (long) ROWS * (width + size) + scratch();
    }

    /** Floats for ids and for what is found. */
    private int scratch() {
        return 1 + 2 * ArgMax.groups(size) + 2 + 4 * BitonicTopK.passedOn(size, most());
    }

    private int most() {
        return Math.min(MOST, size);
    }

    /** Adds the programs to a plan, whose first weights are the layers'. */
    void add(DevicePlan plan) {
        DevicePlan.Weights w = plan.weights(1);
        if (table != null) {
            DevicePlan.Weights t = plan.weights(stores.size());
            embed = plan.add("embed", 1, ARGUMENTS, p -> {
                p.graph().task(p.task(), EmbeddingRows::gather, plan.context(), p.arguments(), p.next(), plan.arena(), t.parameters(),
                        t.floats(), t.words(), t.format(), width, data.scale());
                p.added(EmbeddingRows.LOCAL);
            });
        }
        best = plan.add("best", 4, ARGUMENTS, p -> {
            logits(plan, p, w);
            for (int i = 0; i < 2; i++) {
                p.graph().task(p.task(), ArgMax::blocks, plan.context(), p.arguments(), p.next(), plan.arena());
                p.added(ArgMax.LOCAL);
            }
        });
        logits = plan.add("logits", 2, ARGUMENTS, p -> logits(plan, p, w));
        passOn = plan.add("passOn", 1, ARGUMENTS, p -> {
            p.graph().task(p.task(), BitonicTopK::blocks, plan.context(), p.arguments(), p.next(), plan.arena());
            p.added(BitonicTopK.LOCAL);
        });
        few = plan.add("vocabularyFew", 1, ARGUMENTS, p -> LayerPrograms.product(plan, p, true, w, width, data.activation()));
        many = plan.add("vocabularyMany", 1, ARGUMENTS, p -> LayerPrograms.product(plan, p, false, w, width, data.activation()));
    }

    private void logits(DevicePlan plan, Program p, DevicePlan.Weights w) {
        LayerPrograms.norm(plan, p, w, normShape);
        LayerPrograms.product(plan, p, true, w, width, data.activation());
    }

    /** Says where its room is; what was found before is gone. */
    void place(int place) {
        at = place;
        found = new int[0];
    }

    private int logitsAt() {
        return at + ROWS * width;
    }

    private int scratchAt() {
        return logitsAt() + ROWS * size;
    }

    @Override
    public boolean embeds() {
        return table != null;
    }

    @Override
    public void embed(int id, float[] x) {
        synchronized (bank.lock()) {
            backend.forget(x);
            ready();
            bank.home();
            int place = place(bank.plan(), id);
            embed.set(0, EmbeddingRows.groups(1), 1, place, bank.activations().x(), table.weight(), table.scales());
            bank.plan().run(embed);
            bank.stay(x, 1);
        }
    }

    private void ready() {
        bank.reserving(() -> {
            bank.makeRoom(1);
            return null;
        });
    }

    /** Where an id is in the arena, as one of those found or brought there. */
    private int place(DevicePlan plan, int id) {
        for (int i = 0; i < found.length; i++) if (found[i] == id) return foundAt + i;
        plan.upload(scratchAt(), new float[] {id}, 0, 1);
        return scratchAt();
    }

    @Override
    public Highest highest(float[] x, int k, Work work) {
        if (k < 1 || k > most()) throw new IllegalArgumentException("the highest " + k + " of " + size + " logits were asked for");
        synchronized (bank.lock()) {
            backend.homeUnlessIn(bank, x);
            ready();
            bank.enter(x, 1);
            work.product(1, size, width);
            Highest highest = k == 1 ? best() : several(k);
            backend.forget(x);
            return highest;
        }
    }

    private void setLogits(Program p) {
        Bank.Activations a = bank.activations();
        LayerPrograms.setNorm(p, 0, 1, 1, a.x(), width, a.normed(), width, norm);
        LayerPrograms.setProduct(p, 1, true, 1, a.normed(), width, logitsAt(), size, head, 0);
    }

    private Highest best() {
        int groups = ArgMax.groups(size);
        int values = scratchAt() + 1;
        int value = values + 2 * groups;
        setLogits(best);
        best.set(2, groups, size, logitsAt(), NONE, values, values + groups);
        best.set(3, 1, groups, values, values + groups, value, value + 1);
        bank.plan().run(best);
        return read(value, 1);
    }

    private Highest several(int k) {
        setLogits(logits);
        bank.plan().run(logits);
        int room = BitonicTopK.passedOn(size, most());
        int to = scratchAt() + 3 + 2 * ArgMax.groups(size);
        int other = to + 2 * room;
        int values = logitsAt();
        int ids = NONE;
        int count = size;
        do {
            int passed = BitonicTopK.passedOn(count, k);
            passOn.set(0, BitonicTopK.groups(count), count, values, ids, k, to, to + passed);
            bank.plan().run(passOn);
            values = to;
            ids = to + passed;
            to = other;
            other = values;
            count = passed;
        } while (count > k);
        return read(values, k);
    }

    /** Values and, behind them, their ids. */
    private Highest read(int from, int k) {
        float[] numbers = new float[2 * k];
        bank.plan().download(from, numbers, 0, numbers.length);
        int[] ids = new int[k];
        for (int i = 0; i < k; i++) ids[i] = (int) numbers[k + i];
        found = ids.clone();
        foundAt = from + k;
        return new Highest(ids, Arrays.copyOf(numbers, k));
    }

    /** Whether this is the head, behind its activation. */
    boolean isHead(Linear map, Activation f) {
        return map.equals(data.head()) && f == data.activation();
    }

    /** All logits of rows of normed states. */
    void logits(float[] x, int rows, float[] y) {
        ready();
        DevicePlan plan = bank.plan();
        for (int i = 0; i < rows; i += ROWS) {
            int some = Math.min(ROWS, rows - i);
            boolean one = some <= LayerPrograms.FEW;
            Program p = one ? few : many;
            plan.upload(at, x, i * width, some * width);
            LayerPrograms.setProduct(p, 0, one, some, at, width, logitsAt(), size, head, 0);
            plan.run(p);
            plan.download(logitsAt(), y, i * size, some * size);
        }
    }
}
