package dev.winnow.layers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class WorkersTest {
    @Test
    void runsEachTaskOnce() {
        for (int threads : new int[] {1, 2, 5}) {
            Workers workers = new Workers(threads);
            for (int tasks : new int[] {0, 1, 2, 3, 100, 1000}) {
                AtomicIntegerArray runs = new AtomicIntegerArray(tasks);
                workers.each(tasks, runs::incrementAndGet);
                for (int i = 0; i < tasks; i++) assertThat(runs.get(i)).isEqualTo(1);
            }
        }
    }

    @Test
    void allThreadsTakePart() throws Exception {
        Workers workers = new Workers(3);
        Set<Thread> seen = ConcurrentHashMap.newKeySet();
        CountDownLatch together = new CountDownLatch(3);
        workers.each(3, i -> {
            seen.add(Thread.currentThread());
            together.countDown();
            try {
                together.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        assertThat(seen).hasSize(3).contains(Thread.currentThread());
        assertThat(seen).filteredOn(t -> t != Thread.currentThread()).allMatch(Thread::isDaemon);
    }

    @Test
    void rethrowsTheFailureAfterAllTasksEnded() {
        for (int threads : new int[] {1, 3}) {
            Workers workers = new Workers(threads);
            AtomicInteger ended = new AtomicInteger();
            assertThatThrownBy(() -> workers.each(50, i -> {
                ended.incrementAndGet();
                if (i == 7) throw new IllegalStateException("seven");
            })).isInstanceOf(IllegalStateException.class).hasMessage("seven");
            assertThat(ended).hasValue(50);
            assertThatThrownBy(() -> workers.each(4, i -> {
                throw new AssertionError("all");
            })).isInstanceOf(AssertionError.class);
            AtomicInteger after = new AtomicInteger();
            workers.each(20, i -> after.incrementAndGet());
            assertThat(after).hasValue(20);
        }
    }

    @Test
    void nestedLoopsComplete() {
        Workers workers = new Workers(4);
        AtomicInteger runs = new AtomicInteger();
        workers.each(10, i -> workers.each(10, j -> workers.each(3, k -> runs.incrementAndGet())));
        assertThat(runs).hasValue(300);
    }

    @Test
    void concurrentCallersComplete() throws Exception {
        Workers workers = new Workers(3);
        try (ExecutorService callers = Executors.newFixedThreadPool(6)) {
            List<Future<Integer>> results = new ArrayList<>();
            for (int c = 0; c < 6; c++) {
                results.add(callers.submit(() -> {
                    AtomicInteger runs = new AtomicInteger();
                    for (int i = 0; i < 2000; i++) workers.each(5, t -> runs.incrementAndGet());
                    return runs.get();
                }));
            }
            for (Future<Integer> r : results) assertThat(r.get(20, TimeUnit.SECONDS)).isEqualTo(10_000);
        }
    }

    @Test
    void resizes() {
        Workers workers = new Workers(1);
        assertThat(workers.threads()).isEqualTo(1);
        Set<Thread> ever = ConcurrentHashMap.newKeySet();
        for (int threads : new int[] {4, 2, 1, 3}) {
            workers.resize(threads);
            assertThat(workers.threads()).isEqualTo(threads);
            // one that is retired may be about to claim a last task
            ever.remove(Thread.currentThread());
            while (ever.stream().filter(Thread::isAlive).count() >= threads) Thread.onSpinWait();
            Set<Thread> seen = ConcurrentHashMap.newKeySet();
            AtomicInteger runs = new AtomicInteger();
            for (int i = 0; i < 200; i++) {
                workers.each(20, t -> {
                    seen.add(Thread.currentThread());
                    runs.incrementAndGet();
                });
            }
            assertThat(runs).hasValue(4000);
            assertThat(seen.size()).isLessThanOrEqualTo(threads);
            ever.addAll(seen);
        }
        assertThatThrownBy(() -> workers.resize(0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void anInterruptedCallerStaysInterruptedAndComplete() {
        Workers workers = new Workers(2);
        Thread.currentThread().interrupt();
        AtomicInteger runs = new AtomicInteger();
        workers.each(64, i -> runs.incrementAndGet());
        assertThat(runs).hasValue(64);
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void theSharedPoolHasTheMachinesSize() {
        assertThat(Workers.shared()).isSameAs(Workers.shared());
        assertThat(Workers.shared().threads()).isEqualTo(Runtime.getRuntime().availableProcessors());
    }
}
