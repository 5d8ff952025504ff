package dev.winnow.layers;

import java.util.function.IntConsumer;

/** The one thread pool. (contract) */
public final class Workers {
    private Workers() {}

    /** The shared pool, sized to the machine or to {@link #resize}. */
    public static Workers shared() {
        throw new UnsupportedOperationException();
    }

    /** How many threads take part in a loop, the caller included. */
    public int threads() {
        throw new UnsupportedOperationException();
    }

    /** Changes how many threads take part from the next loop on. */
    public void resize(int threads) {
        throw new UnsupportedOperationException();
    }

    /** Runs body(0..tasks-1), each once, on the pool and the calling thread; returns when all are done. Rethrows the first failure. */
    public void each(int tasks, IntConsumer body) {
        throw new UnsupportedOperationException();
    }
}
