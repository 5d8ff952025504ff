package dev.winnow.tornado.kernels;

import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.stream.Stream;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task10;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task11;
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
        void execute(int groups, int local, Operands o, Consumer<KernelContext> kernel, BiConsumer<TaskGraph, KernelContext> task) {
            EmulatedGroups.run(groups, local, kernel);
        }
    },
    DEVICE {
        @Override
        void execute(int groups, int local, Operands o, Consumer<KernelContext> kernel, BiConsumer<TaskGraph, KernelContext> task) {
            WorkerGrid grid = new WorkerGrid1D(groups * local);
            grid.setLocalWork(local, 1, 1);
            TaskGraph graph = new TaskGraph("kernels").transferToDevice(DataTransferMode.EVERY_EXECUTION, o.m, o.a, o.p, o.words);
            task.accept(graph, new KernelContext());
            graph.transferToHost(DataTransferMode.EVERY_EXECUTION, o.a);
            try (TornadoExecutionPlan plan = new TornadoExecutionPlan(graph.snapshot())) {
                plan.withGridScheduler(new GridScheduler("kernels.kernel", grid)).execute();
            } catch (TornadoExecutionPlanException e) {
                throw new AssertionError(e);
            }
        }
    };

    /**
     * Runs a kernel on the operands.
     *
     * @param kernel how it is called for one work-item
     * @param task   how it becomes part of a graph
     */
    abstract void execute(int groups, int local, Operands o, Consumer<KernelContext> kernel, BiConsumer<TaskGraph, KernelContext> task);

    void run(int groups, int local, Operands o, Task4<KernelContext, IntArray, Integer, FloatArray> kernel) {
        execute(groups, local, o, c -> kernel.apply(c, o.m, Operands.AT, o.a),
                (graph, c) -> graph.task("kernel", kernel, c, o.m, Operands.AT, o.a));
    }

    <E> void run(int groups, int local, Operands o, Task5<KernelContext, IntArray, Integer, FloatArray, E> kernel, E e) {
        execute(groups, local, o, c -> kernel.apply(c, o.m, Operands.AT, o.a, e),
                (graph, c) -> graph.task("kernel", kernel, c, o.m, Operands.AT, o.a, e));
    }

    <E, F> void run(int groups, int local, Operands o, Task6<KernelContext, IntArray, Integer, FloatArray, E, F> kernel, E e, F f) {
        execute(groups, local, o, c -> kernel.apply(c, o.m, Operands.AT, o.a, e, f),
                (graph, c) -> graph.task("kernel", kernel, c, o.m, Operands.AT, o.a, e, f));
    }

    <E, F, G> void run(int groups, int local, Operands o, Task7<KernelContext, IntArray, Integer, FloatArray, E, F, G> kernel,
            E e, F f, G g) {
        execute(groups, local, o, c -> kernel.apply(c, o.m, Operands.AT, o.a, e, f, g),
                (graph, c) -> graph.task("kernel", kernel, c, o.m, Operands.AT, o.a, e, f, g));
    }

    <E, F, G, H> void run(int groups, int local, Operands o, Task8<KernelContext, IntArray, Integer, FloatArray, E, F, G, H> kernel,
            E e, F f, G g, H h) {
        execute(groups, local, o, c -> kernel.apply(c, o.m, Operands.AT, o.a, e, f, g, h),
                (graph, c) -> graph.task("kernel", kernel, c, o.m, Operands.AT, o.a, e, f, g, h));
    }

    <E, F, G, H, I> void run(int groups, int local, Operands o, Task9<KernelContext, IntArray, Integer, FloatArray, E, F, G, H, I> kernel,
            E e, F f, G g, H h, I i) {
        execute(groups, local, o, c -> kernel.apply(c, o.m, Operands.AT, o.a, e, f, g, h, i),
                (graph, c) -> graph.task("kernel", kernel, c, o.m, Operands.AT, o.a, e, f, g, h, i));
    }

    <E, F, G, H, I, J> void run(int groups, int local, Operands o,
            Task10<KernelContext, IntArray, Integer, FloatArray, E, F, G, H, I, J> kernel,
            E e, F f, G g, H h, I i, J j) {
        execute(groups, local, o, c -> kernel.apply(c, o.m, Operands.AT, o.a, e, f, g, h, i, j),
                (graph, c) -> graph.task("kernel", kernel, c, o.m, Operands.AT, o.a, e, f, g, h, i, j));
    }

    <E, F, G, H, I, J, K> void run(int groups, int local, Operands o,
            Task11<KernelContext, IntArray, Integer, FloatArray, E, F, G, H, I, J, K> kernel,
            E e, F f, G g, H h, I i, J j, K k) {
        execute(groups, local, o, c -> kernel.apply(c, o.m, Operands.AT, o.a, e, f, g, h, i, j, k),
                (graph, c) -> graph.task("kernel", kernel, c, o.m, Operands.AT, o.a, e, f, g, h, i, j, k));
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
