package dev.winnow.tornado.kernels;

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import uk.ac.manchester.tornado.api.KernelContext;

/**
 * Runs kernels as plain Java with the meaning that a device gives them: each work-item of a group is a thread, barriers wait for the
 * whole group, and local memory is the group's. Groups come one after the other. A barrier that part of a group does not reach fails.
 */
final class EmulatedGroups {
    private static final int SECONDS = 20;

    private EmulatedGroups() {}

    static void run(int groups, int local, Consumer<KernelContext> kernel) {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int g = 0; g < groups; g++) {
                Group group = new Group(local);
                List<Future<?>> items = new ArrayList<>();
                for (int i = 0; i < local; i++) {
                    WorkItem item = new WorkItem(group, g, i, local, groups);
                    items.add(threads.submit(() -> kernel.accept(item)));
                }
                for (Future<?> item : items) item.get();
            }
        } catch (ExecutionException e) {
            throw new AssertionError("a work-item failed", e.getCause());
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** What the work-items of a group share. */
    private static final class Group {
        private final CyclicBarrier barrier;
        private final List<Object> local = new ArrayList<>();

        Group(int items) {
            this.barrier = new CyclicBarrier(items);
        }

        void await() {
            try {
                barrier.await(SECONDS, TimeUnit.SECONDS);
            } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
                throw new IllegalStateException("a barrier that not all work-items of the group reach", e);
            }
        }

        /** The n-th array that each work-item allocates is one and the same. */
        synchronized Object array(int n, Supplier<Object> made) {
            if (n == local.size()) local.add(made.get());
            return local.get(n);
        }
    }

    private static final class WorkItem extends KernelContext {
        private final Group group;
        private int allocated;

        WorkItem(Group group, int groupId, int localId, int local, int groups) {
            this.group = group;
            set("localIdx", localId);
            set("groupIdx", groupId);
            set("globalIdx", groupId * local + localId);
            set("localGroupSizeX", local);
            set("globalGroupSizeX", groups * local);
        }

        private void set(String name, int value) {
            try {
                Field field = KernelContext.class.getField(name);
                field.setAccessible(true);
                field.set(this, value);
            } catch (ReflectiveOperationException e) {
                throw new AssertionError(e);
            }
        }

        @Override
        public void localBarrier() {
            group.await();
        }

        @Override
        public void globalBarrier() {
            group.await();
        }

        @Override
        public float[] allocateFloatLocalArray(int size) {
            return (float[]) group.array(allocated++, () -> new float[size]);
        }

        @Override
        public int[] allocateIntLocalArray(int size) {
            return (int[]) group.array(allocated++, () -> new int[size]);
        }
    }
}
