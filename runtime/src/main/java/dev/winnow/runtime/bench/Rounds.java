package dev.winnow.runtime.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.ToDoubleFunction;

/**
 * Tasks measured in turns, so that whatever else the machine does meets them alike; every other round goes backwards
 * to cancel drift.
 */
public final class Rounds {
    /**
     * One run of a task, in seconds.
     *
     * @param cpu   processor time of the process that did the work
     * @param steal time that the hypervisor gave to others while this machine wanted it, all cores together; NaN where nobody says
     */
    public record Sample(double wall, double cpu, double steal) {}

    /** @param clock processor time, in nanoseconds */
    private record Task(Runnable work, LongSupplier clock) {
        Sample measure() {
            double steal = Host.stealSeconds();
            long wall = System.nanoTime();
            long cpu = clock.getAsLong();
            work.run();
            double took = (System.nanoTime() - wall) / 1e9;
            double used = (clock.getAsLong() - cpu) / 1e9;
            return new Sample(took, used, Host.stealSeconds() - steal);
        }
    }

    private final Map<String, Task> tasks = new LinkedHashMap<>();
    private final Map<String, List<Sample>> samples = new LinkedHashMap<>();

    /** Adds a task that this process does; each name once. */
    public Rounds task(String name, Runnable work) {
        return task(name, work, CpuClock::nanos);
    }

    /**
     * Adds a task that another process does.
     *
     * @param clock the processor time of that process, in nanoseconds
     */
    public Rounds task(String name, Runnable work, LongSupplier clock) {
        if (tasks.put(name, new Task(work, clock)) != null) throw new IllegalArgumentException("there are two tasks named " + name);
        samples.put(name, new ArrayList<>());
        return this;
    }

    /**
     * Runs everything.
     *
     * @param pauseMillis rest before each task: threads that spin after their work (ONNX Runtime's) must not take the next one's core
     */
    public void run(int warmUp, int rounds, int pauseMillis) {
        List<String> order = new ArrayList<>(tasks.keySet());
        for (int r = -warmUp; r < rounds; r++) {
            for (String name : order) {
                if (pauseMillis > 0) sleep(pauseMillis);
                Sample s = tasks.get(name).measure();
                if (r >= 0) samples.get(name).add(s);
            }
            Collections.reverse(order);
        }
    }

    public double medianWall(String name) {
        return quantile(values(name, Sample::wall), 0.5);
    }

    public double bestWall(String name) {
        return quantile(values(name, Sample::wall), 0);
    }

    public double medianCpu(String name) {
        return quantile(values(name, Sample::cpu), 0.5);
    }

    public double bestCpu(String name) {
        return quantile(values(name, Sample::cpu), 0);
    }

    /** Share of all cores' time that went to other guests of the host during a task, all rounds together. */
    public double stolen(String name) {
        double wall = Arrays.stream(values(name, Sample::wall)).sum();
        return Arrays.stream(values(name, Sample::steal)).sum() / (wall * Runtime.getRuntime().availableProcessors());
    }

    /** Seconds of all rounds of all tasks. */
    public double total(ToDoubleFunction<Sample> of) {
        return samples.values().stream().flatMap(List::stream).mapToDouble(of).sum();
    }

    /** {@link #ratio(List, List, ToDoubleFunction)} of one task by another. */
    public double[] ratio(String a, String b, ToDoubleFunction<Sample> of) {
        return ratio(List.of(a), List.of(b), of);
    }

    /** Quantiles 0.25, 0.5, 0.75 over rounds of the sum of some tasks by the sum of others; they ran one shortly after the other. */
    public double[] ratio(List<String> above, List<String> below, ToDoubleFunction<Sample> of) {
        double[] ratios = sums(above, of);
        double[] by = sums(below, of);
        for (int i = 0; i < by.length; i++) ratios[i] /= by[i];
        return new double[] {quantile(ratios, 0.25), quantile(ratios, 0.5), quantile(ratios, 0.75)};
    }

    private double[] sums(List<String> names, ToDoubleFunction<Sample> of) {
        double[] sums = values(names.getFirst(), of);
        for (String name : names.subList(1, names.size())) {
            double[] more = values(name, of);
            for (int i = 0; i < sums.length; i++) sums[i] += more[i];
        }
        return sums;
    }

    private double[] values(String name, ToDoubleFunction<Sample> of) {
        return samples.get(name).stream().mapToDouble(of).toArray();
    }

    /** The value at a share q of the sorted values, between two of them where it falls there. */
    public static double quantile(double[] values, double q) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        double at = q * (sorted.length - 1);
        int i = (int) at;
        return i + 1 < sorted.length ? sorted[i] + (at - i) * (sorted[i + 1] - sorted[i]) : sorted[i];
    }

    private static void sleep(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
