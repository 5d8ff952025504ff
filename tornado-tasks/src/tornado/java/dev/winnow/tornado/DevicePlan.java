package dev.winnow.tornado;

import dev.winnow.layers.Transfers;
import dev.winnow.tornado.kernels.CacheEntries;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import uk.ac.manchester.tornado.api.DataRange;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.TornadoExecutionResult;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Programs that share arrays on a device: weights, and an arena of floats in which every other operand has a place. The arrays stay there
 * from program to program; what crosses is what {@link #upload} and {@link #download} are asked for, and the programs' arguments.
 */
final class DevicePlan implements AutoCloseable {
    /** Floats of the smallest array that uploads go through, and by how much the next is larger. */
    private static final int LEAST_STAGED = 256;
    private static final int STEP = 4;
    private static final int MOST_STAGED = 1 << 22;

    private final KernelContext context = new KernelContext();
    private final TornadoDevice device;
    private final FloatArray arena;
    private final List<Weights> weights;
    private final List<Program> programs = new ArrayList<>();
    private final List<Staging> stagings = new ArrayList<>();
    private final GridScheduler grids = new GridScheduler();
    private TornadoExecutionPlan plan;
    private TornadoExecutionResult last;
    private Transfers transfers = Transfers.NONE;
    /** Programs that were started, and that have certainly run. */
    private long started;
    private long done;

    /** An array that uploads go through, and the program that spreads it. */
    private record Staging(FloatArray array, Program program) {}

    /** The arrays of a {@link WeightStore}. */
    record Weights(FloatArray parameters, FloatArray floats, IntArray words, int format) {
        static Weights of(WeightStore store) {
            return new Weights(store.parameters(), store.floats(), store.words(), store.format());
        }

        long bytes() {
            return (long) Float.BYTES * (parameters.getSize() + floats.getSize() + words.getSize());
        }
    }

    DevicePlan(TornadoDevice device, int arenaSize, List<WeightStore> stores) {
        this.device = device;
        this.arena = new FloatArray(arenaSize);
        this.weights = stores.stream().map(Weights::of).toList();
    }

    /** The same weights with an arena of another size, and no programs yet. */
    private DevicePlan(DevicePlan smaller, int arenaSize) {
        this.device = smaller.device;
        this.arena = new FloatArray(arenaSize);
        this.weights = smaller.weights;
        this.transfers = smaller.transfers;
    }

    /** A plan with another arena, in place of this one. */
    DevicePlan resized(int arenaSize) {
        close();
        return new DevicePlan(this, arenaSize);
    }

    KernelContext context() {
        return context;
    }

    FloatArray arena() {
        return arena;
    }

    /** The weights of one of the stores that the plan was made with. */
    Weights weights(int store) {
        return weights.get(store);
    }

    /** Adds a program; all are added before the first one runs. */
    Program add(String name, int tasks, int section, Consumer<Program> build) {
        Program p = new Program(this, name, tasks, section);
        p.graph().transferToDevice(DataTransferMode.EVERY_EXECUTION, p.arguments());
        Object[] arrays = arrays();
        boolean first = programs.isEmpty();
        if (first) p.graph().transferToDevice(DataTransferMode.FIRST_EXECUTION, Arrays.copyOfRange(arrays, 1, arrays.length));
        else p.graph().consumeFromDevice(arrays);
        build.accept(p);
        p.graph().transferToHost(DataTransferMode.UNDER_DEMAND, arena);
        if (first) p.graph().persistOnDevice(arrays);
        p.index(programs.size());
        for (int t = 0; t < p.grids().size(); t++) grids.addWorkerGrid(name + ".t" + t, p.grids().get(t));
        programs.add(p);
        return p;
    }

    /** What stays on the device: the arena first, then all weights. */
    private Object[] arrays() {
        return Stream.concat(Stream.of(arena), weights.stream().flatMap(w -> Stream.of(w.parameters, w.floats, w.words))).toArray();
    }

    /**
     * Makes the plan ready and loads the weights. Called first of all.
     *
     * @param exact floats that one array for uploads has just room for: those of one token
     */
    void begin(int exact, Consumer<DevicePlan> others) {
        Program load = add("load", weights.size(), 4, p -> {
            for (Weights w : weights) {
                p.graph().task(p.task(), Loading::touch, context, p.arguments(), arena, w.parameters, w.floats, w.words);
                p.added(Loading.LOCAL);
            }
        });
        boolean smaller = true;
        for (int size = LEAST_STAGED; size <= MOST_STAGED; size *= STEP) {
            if (smaller && exact <= size) {
                if (exact < size) stage(exact);
                smaller = false;
            }
            stage(size);
        }
        others.accept(this);
        ImmutableTaskGraph[] graphs = programs.stream().map(p -> p.graph().snapshot()).toArray(ImmutableTaskGraph[]::new);
        plan = new TornadoExecutionPlan(graphs);
        plan.withDevice(device);
        for (int i = 0; i < weights.size(); i++) load.set(i, 1, arena.getSize() - 1);
        run(load);
        transfers = transfers.plus(new Transfers(weightBytes(), 0, 0));
    }

    private void stage(int size) {
        FloatArray array = new FloatArray(size);
        Program spread = add("upload" + size, 1, 4, p -> {
            p.graph().transferToDevice(DataTransferMode.EVERY_EXECUTION, array);
            p.graph().task(p.task(), CacheEntries::upload, context, p.arguments(), p.next(), arena, array);
            p.added(CacheEntries.LOCAL);
        });
        stagings.add(new Staging(array, spread));
    }

    /** Bytes of the weights. */
    long weightBytes() {
        return weights.stream().mapToLong(Weights::bytes).sum();
    }

    /** Bytes of everything on the device. */
    long bytes() {
        return weightBytes() + (long) Float.BYTES * arena.getSize();
    }

    void run(Program p) {
        last = plan.withGraph(p.index()).withGridScheduler(grids).execute();
        p.ran(++started);
        transfers = transfers.plus(new Transfers((long) Integer.BYTES * p.arguments().getSize(), 0, 1));
    }

    /** Waits until a program has run, whose arguments are about to change: copies to the device do not wait, copies from there do. */
    void settle(Program p) {
        if (p.ran() > done) fetch(arena.getSize() - 1, 1);
    }

    private void fetch(int from, int count) {
        last.transferToHost(new DataRange(arena).withOffset(from).withSize(count));
        done = started;
        transfers = transfers.plus(new Transfers(0, (long) Float.BYTES * count, 0));
    }

    /** Copies floats of the host into the arena. */
    void upload(int to, float[] x, int from, int count) {
        while (count > 0) {
            Staging s = staging(count);
            int n = Math.min(count, s.array.getSize());
            settle(s.program);
            MemorySegment.copy(x, from, s.array.getSegment(), ValueLayout.JAVA_FLOAT, 0, n);
            s.program.set(0, CacheEntries.groups(n), to, n);
            run(s.program);
            transfers = transfers.plus(new Transfers((long) Float.BYTES * s.array.getSize(), 0, 0));
            to += n;
            from += n;
            count -= n;
        }
    }

    /** The smallest array that has room for so many floats, or the largest that they fill, if that leaves less unused. */
    private Staging staging(int count) {
        Staging filled = null;
        for (Staging s : stagings) {
            if (s.array.getSize() == count) return s;
            if (s.array.getSize() > count) return filled == null || 2 * count > s.array.getSize() ? s : filled;
            filled = s;
        }
        return filled;
    }

    /** Copies floats of the arena to the host. */
    void download(int from, float[] y, int at, int count) {
        if (count == 0) return;
        fetch(from, count);
        MemorySegment.copy(arena.getSegment(), ValueLayout.JAVA_FLOAT, (long) Float.BYTES * from, y, at, count);
    }

    Transfers transfers() {
        return transfers;
    }

    /** Gives the device's memory back. */
    @Override
    public void close() {
        if (plan == null) return;
        try {
            plan.close();
        } catch (TornadoExecutionPlanException e) {
            throw new IllegalStateException("the device's memory could not be given back: " + e.getMessage(), e);
        }
        plan = null;
    }
}
