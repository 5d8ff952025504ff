package dev.winnow.tornado.kernels;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task1;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.runtime.TornadoRuntimeProvider;

/** Where a kernel is tested: as plain Java, and on a device where the JVM runs with TornadoVM. */
enum Machine {
    JAVA {
        @Override
        void run(int groups, int local, Operands operands, Task1<KernelContext> kernel) {
            EmulatedGroups.run(groups, local, kernel::apply);
        }
    },
    DEVICE {
        @Override
        void run(int groups, int local, Operands operands, Task1<KernelContext> kernel) {
            KernelContext context = new KernelContext();
            WorkerGrid grid = new WorkerGrid1D(groups * local);
            grid.setLocalWork(local, 1, 1);
            TaskGraph graph = new TaskGraph("kernels")
                    .transferToDevice(DataTransferMode.EVERY_EXECUTION, operands.m, operands.a, operands.p, operands.words)
                    .task("kernel", kernel, context)
                    .transferToHost(DataTransferMode.EVERY_EXECUTION, operands.a);
            try (TornadoExecutionPlan plan = new TornadoExecutionPlan(graph.snapshot())) {
                plan.withGridScheduler(new GridScheduler("kernels.kernel", grid)).execute();
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        }
    };

    /**
     * Runs a kernel on the operands.
     *
     * @param kernel a lambda that captures the operands and calls the kernel
     */
    abstract void run(int groups, int local, Operands operands, Task1<KernelContext> kernel);

    /** The machines there are. */
    static Stream<Machine> all() {
        List<Machine> all = new ArrayList<>(List.of(JAVA));
        if (hasDevice()) all.add(DEVICE);
        return all.stream();
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
