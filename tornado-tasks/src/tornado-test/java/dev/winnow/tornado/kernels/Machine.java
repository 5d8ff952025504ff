package dev.winnow.tornado.kernels;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task10;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task4;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task5;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task6;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task7;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task8;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task9;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.runtime.TornadoRuntimeProvider;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Where a kernel is tested: as plain Java, and on a device where the JVM runs with TornadoVM. All kernels begin with context, numbers,
 * place of the numbers and arena; there is a method for each number of arguments behind them, as in TornadoVM.
 */
enum Machine {
    JAVA {
        @Override
        void execute(int groups, int local, Operands o, Consumer<KernelContext> kernel, Task task, List<Object> what) {
            EmulatedGroups.run(groups, local, kernel);
        }
    },
    DEVICE {
        @Override
        void execute(int groups, int local, Operands o, Consumer<KernelContext> kernel, Task task, List<Object> what) {
            Compiled compiled = COMPILED.get(what);
            if (compiled == null || !compiled.own.holds(o)) {
                if (compiled != null) compiled.close();
                compiled = new Compiled(local, o.larger(), task);
                COMPILED.put(what, compiled);
            }
            compiled.run(groups, o);
        }
    };

    /** How a kernel becomes part of a graph, with operands of the graph's own. */
    interface Task {
        void add(TaskGraph graph, KernelContext context, Operands own);
    }

    private static final int PLANS = 16;

    /** What was compiled last, by kernel and constants. */
    private static final Map<List<Object>, Compiled> COMPILED = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<List<Object>, Compiled> eldest) {
            if (size() > PLANS) eldest.getValue().close();
            return size() > PLANS;
        }
    };

    /** A kernel with the arrays that it was compiled for, which operands are copied to and from. */
    private static final class Compiled {
        private final Operands own;
        private final int local;
        private final WorkerGrid grid = new WorkerGrid1D(1);
        private final TornadoExecutionPlan plan;

        Compiled(int local, Operands own, Task task) {
            this.own = own;
            this.local = local;
            TaskGraph graph = new TaskGraph("kernels").transferToDevice(DataTransferMode.EVERY_EXECUTION, own.m, own.a, own.p, own.words);
            task.add(graph, new KernelContext(), own);
            graph.transferToHost(DataTransferMode.EVERY_EXECUTION, own.a);
            plan = new TornadoExecutionPlan(graph.snapshot());
            plan.withGridScheduler(new GridScheduler("kernels.kernel", grid));
        }

        void run(int groups, Operands o) {
            own.take(o);
            grid.setGlobalWork((long) groups * local, 1, 1);
            grid.setLocalWork(local, 1, 1);
            plan.execute();
            o.takeArena(own);
        }

        void close() {
            try {
                plan.close();
            } catch (TornadoExecutionPlanException e) {
                throw new AssertionError(e);
            }
        }
    }

    /**
     * Runs a kernel on the operands.
     *
     * @param kernel how it is called for one work-item
     * @param what   the kernel and its constants
     */
    abstract void execute(int groups, int local, Operands o, Consumer<KernelContext> kernel, Task task, List<Object> what);

    void run(int groups, int local, Operands o, Task4<KernelContext, IntArray, Integer, FloatArray> kernel) {
        execute(groups, local, o, c -> kernel.apply(c, o.m, Operands.AT, o.a),
                (graph, c, own) -> graph.task("kernel", kernel, c, own.m, Operands.AT, own.a), o.what(kernel));
    }

    <E> void run(int groups, int local, Operands o, Task5<KernelContext, IntArray, Integer, FloatArray, E> kernel, E e) {
        execute(groups, local, o, c -> kernel.apply(c, o.m, Operands.AT, o.a, e),
                (graph, c, own) -> graph.task("kernel", kernel, c, own.m, Operands.AT, own.a, own.mine(e)), o.what(kernel, e));
    }

    <E, F> void run(int groups, int local, Operands o, Task6<KernelContext, IntArray, Integer, FloatArray, E, F> kernel, E e, F f) {
        execute(groups, local, o, c -> kernel.apply(c, o.m, Operands.AT, o.a, e, f),
                (graph, c, own) -> graph.task("kernel", kernel, c, own.m, Operands.AT, own.a, own.mine(e), own.mine(f)),
                o.what(kernel, e, f));
    }

    <E, F, G> void run(int groups, int local, Operands o, Task7<KernelContext, IntArray, Integer, FloatArray, E, F, G> kernel,
            E e, F f, G g) {
        execute(groups, local, o, c -> kernel.apply(c, o.m, Operands.AT, o.a, e, f, g),
                (graph, c, own) -> graph.task("kernel", kernel, c, own.m, Operands.AT, own.a, own.mine(e), own.mine(f), own.mine(g)),
                o.what(kernel, e, f, g));
    }

    <E, F, G, H> void run(int groups, int local, Operands o, Task8<KernelContext, IntArray, Integer, FloatArray, E, F, G, H> kernel,
            E e, F f, G g, H h) {
        execute(groups, local, o, c -> kernel.apply(c, o.m, Operands.AT, o.a, e, f, g, h),
                (graph, c, own) -> graph.task("kernel", kernel, c, own.m, Operands.AT, own.a,
                        own.mine(e), own.mine(f), own.mine(g), own.mine(h)),
                o.what(kernel, e, f, g, h));
    }

    <E, F, G, H, I> void run(int groups, int local, Operands o, Task9<KernelContext, IntArray, Integer, FloatArray, E, F, G, H, I> kernel,
            E e, F f, G g, H h, I i) {
        execute(groups, local, o, c -> kernel.apply(c, o.m, Operands.AT, o.a, e, f, g, h, i),
                (graph, c, own) -> graph.task("kernel", kernel, c, own.m, Operands.AT, own.a,
                        own.mine(e), own.mine(f), own.mine(g), own.mine(h), own.mine(i)),
                o.what(kernel, e, f, g, h, i));
    }

    <E, F, G, H, I, J> void run(int groups, int local, Operands o,
            Task10<KernelContext, IntArray, Integer, FloatArray, E, F, G, H, I, J> kernel,
            E e, F f, G g, H h, I i, J j) {
        execute(groups, local, o, c -> kernel.apply(c, o.m, Operands.AT, o.a, e, f, g, h, i, j),
                (graph, c, own) -> graph.task("kernel", kernel, c, own.m, Operands.AT, own.a,
                        own.mine(e), own.mine(f), own.mine(g), own.mine(h), own.mine(i), own.mine(j)),
                o.what(kernel, e, f, g, h, i, j));
    }

    /**
     * The machine that the system property {@code winnow.kernels} names; without it the device where there is one, else plain Java. Never
     * both in one JVM: where a subclass of the context is loaded, TornadoVM's compiler does not know the context's methods any more.
     */
    static Stream<Machine> all() {
        String named = System.getProperty("winnow.kernels");
        if (named != null) return Stream.of(valueOf(named));
        return Stream.of(hasDevice() ? DEVICE : JAVA);
    }

    /** Without the runtime of TornadoVM its classes fail to initialise, each in its own way. */
    private static boolean hasDevice() {
        try {
            return TornadoRuntimeProvider.getTornadoRuntime().getNumBackends() > 0;
        } catch (Throwable e) {
            return false;
        }
    }
}
