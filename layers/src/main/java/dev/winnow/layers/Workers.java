package dev.winnow.layers;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
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
    private volatile Loop current;
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
        Loop loop = new Loop(tasks, body);
        if (threads == 1 || !busy.compareAndSet(false, true)) {
            loop.work();
        } else {
            try {
                current = loop;
                Helper[] all = helpers;
                for (int i = Math.min(all.length, tasks - 1) - 1; i >= 0; i--) LockSupport.unpark(all[i]);
                loop.work();
                loop.await();
            } finally {
                current = null;
                busy.set(false);
            }
        }
        loop.rethrow();
    }

    /** A loop in progress. */
    private static final class Loop {
        private final int tasks;
        private final IntConsumer body;
        private final Thread caller = Thread.currentThread();
        private final AtomicInteger next = new AtomicInteger();
        private final AtomicInteger unfinished;
        private volatile Throwable failure;

        Loop(int tasks, IntConsumer body) {
            this.tasks = tasks;
            this.body = body;
            this.unfinished = new AtomicInteger(tasks);
        }

        /** Claims and runs tasks until none is left. A failed task does not stop the others: each runs once. */
        void work() {
            for (int i = next.getAndIncrement(); i < tasks; i = next.getAndIncrement()) {
                try {
                    body.accept(i);
                } catch (Throwable e) {
                    fail(e);
                }
                if (unfinished.decrementAndGet() == 0 && Thread.currentThread() != caller) LockSupport.unpark(caller);
            }
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

        void rethrow() {
            switch (failure) {
                case null -> { }
                case RuntimeException e -> throw e;
                case Error e -> throw e;
                // only a body that sneaks a checked exception through generics gets here
                case Throwable e -> throw new IllegalStateException(e);
            }
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
            Loop done = null;
            while (!retired) {
                Loop loop = current;
                if (loop == null || loop == done) {
                    // dropping the finished loop lets its body be collected while this thread sleeps
                    if (loop == null) done = null;
                    LockSupport.park(Workers.this);
                } else {
                    loop.work();
                    done = loop;
                }
            }
        }
    }
}
