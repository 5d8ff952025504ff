package dev.winnow.layers;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;

/**
 * The one thread pool: parked daemon threads that join the calling thread in a loop over independent tasks. Tasks are claimed one
 * by one, so uneven tasks and busy cores balance out. Idle threads park and never spin: a spinning pool collapses as soon as
 * another process needs the core.
 *
 * <p>One loop uses the pool at a time. A loop that starts meanwhile, nested in a task or from another request thread, runs on its
 * own thread alone; so loops can be nested and called from anywhere.
 */
public final class Workers {
    private static final Workers SHARED = new Workers(Runtime.getRuntime().availableProcessors());

    private final AtomicBoolean busy = new AtomicBoolean();
    private final Loop loop = new Loop();
    private volatile Helper[] helpers = {};
    private volatile int threads;

    Workers(int threads) {
        resize(threads);
    }

    /** The shared pool, sized to the machine or to {@link #resize}. */
    public static Workers shared() {
        return SHARED;
    }

    /** How many threads take part in a loop, the caller included. */
    public int threads() {
        return threads;
    }

    /** Changes how many threads take part from the next loop on. */
    public synchronized void resize(int threads) {
        if (threads < 1) throw new IllegalArgumentException("a pool needs at least one thread, not " + threads);
        Helper[] old = helpers;
        Helper[] now = new Helper[threads - 1];
        for (int i = 0; i < now.length; i++) {
            now[i] = i < old.length ? old[i] : new Helper(i);
            if (i >= old.length) now[i].start();
        }
        helpers = now;
        this.threads = threads;
        for (int i = now.length; i < old.length; i++) {
            old[i].retired = true;
            LockSupport.unpark(old[i]);
        }
    }

    /** Runs body(0..tasks-1), each once, on the pool and the calling thread; returns when all are done. Rethrows the first failure. */
    public void each(int tasks, IntConsumer body) {
        if (tasks <= 0) return;
        if (tasks == 1) {
            body.accept(0);
            return;
        }
        Throwable failure;
        if (threads == 1 || !busy.compareAndSet(false, true)) {
            failure = alone(tasks, body);
        } else {
            try {
                loop.begin(tasks, body);
                Helper[] all = helpers;
                for (int i = Math.min(all.length, tasks - 1) - 1; i >= 0; i--) LockSupport.unpark(all[i]);
                loop.work();
                loop.await();
            } finally {
                failure = loop.end();
                busy.set(false);
            }
        }
        rethrow(failure);
    }

    /** As {@link #each(int, IntConsumer)}, or where one thread is enough one after the other on the calling one, up to the first failure. */
    public void each(int threads, int tasks, IntConsumer body) {
        if (threads > 1) {
            each(tasks, body);
        } else {
            for (int t = 0; t < tasks; t++) body.accept(t);
        }
    }

    /** A failed task does not stop the others: each runs once. */
    private static Throwable alone(int tasks, IntConsumer body) {
        Throwable failure = null;
        for (int i = 0; i < tasks; i++) {
            try {
                body.accept(i);
            } catch (Throwable e) {
                if (failure == null) failure = e;
            }
        }
        return failure;
    }

    private static void rethrow(Throwable failure) {
        switch (failure) {
            case null -> { }
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            // only a body that sneaks a checked exception through generics gets here
            case Throwable e -> throw new IllegalStateException(e);
        }
    }

    /**
     * The loop in progress, one object for all that follow each other. How many tasks it has and how many are claimed is one number, so
     * that a thread that comes late, between two loops, claims nothing of the one by the size of the other.
     */
    private static final class Loop {
        /** Tasks in the upper half, claimed ones, or more, in the lower. */
        private final AtomicLong claims = new AtomicLong();
        private final AtomicInteger unfinished = new AtomicInteger();
        private IntConsumer body;
        private Thread caller;
        private Throwable failure;

        /** What was written before is seen by whoever claims a task. */
        void begin(int tasks, IntConsumer body) {
            this.body = body;
            this.caller = Thread.currentThread();
            unfinished.set(tasks);
            claims.set((long) tasks << 32);
        }

        /** Claims and runs tasks until none is left. A failed task does not stop the others: each runs once. */
        void work() {
            for (int i = claim(); i >= 0; i = claim()) {
                Thread waiting = caller;
                try {
                    body.accept(i);
                } catch (Throwable e) {
                    fail(e);
                }
                if (unfinished.decrementAndGet() == 0 && Thread.currentThread() != waiting) LockSupport.unpark(waiting);
            }
        }

        /** The next task, or -1. */
        private int claim() {
            long claim = claims.getAndIncrement();
            int next = (int) claim;
            return next < (int) (claim >>> 32) ? next : -1;
        }

        private synchronized void fail(Throwable e) {
            if (failure == null) failure = e;
        }

        /** Waits for the tasks that other threads still run; an interrupt stays pending and does not cut the wait short. */
        void await() {
            boolean interrupted = false;
            while (unfinished.get() > 0) {
                LockSupport.park(this);
                interrupted |= Thread.interrupted();
            }
            if (interrupted) Thread.currentThread().interrupt();
        }

        /** Lets go of all that the loop held; returns its first failure, or null. */
        synchronized Throwable end() {
            Throwable first = failure;
            failure = null;
            body = null;
            caller = null;
            return first;
        }
    }

    private final class Helper extends Thread {
        private volatile boolean retired;

        Helper(int index) {
            super("winnow-worker-" + (index + 1));
            setDaemon(true);
        }

        @Override
        public void run() {
            while (!retired) {
                loop.work();
                LockSupport.park(Workers.this);
            }
        }
    }
}
