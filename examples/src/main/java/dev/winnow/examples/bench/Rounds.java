package dev.winnow.examples.bench;

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
final class Rounds {
    /** Wall time and processor time of one run of a task, and what the machine's host took from all cores meanwhile, in seconds. */
    record Sample(double wall, double cpu, double steal) {}

    /** @param cpuClock processor time in nanoseconds of the process that does the work */
    private record Task(Runnable work, LongSupplier cpuClock) {
        Sample measure() {
            long wall = System.nanoTime();
            long cpu = cpuClock.getAsLong();
            double steal = Machine.stolenSeconds();
            work.run();
            return new Sample((System.nanoTime() - wall) / 1e9, (cpuClock.getAsLong() - cpu) / 1e9, Machine.stolenSeconds() - steal);
        }
    }

    private final Map<String, Task> tasks = new LinkedHashMap<>();
    private final Map<String, List<Sample>> samples = new LinkedHashMap<>();

    Rounds task(String name, Runnable work) {
        return task(name, work, CpuClock::nanos);
    }

    /** A task that another process does. */
    Rounds task(String name, Runnable work, LongSupplier cpuClock) {
        tasks.put(name, new Task(work, cpuClock));
        samples.put(name, new ArrayList<>());
        return this;
    }

    /**
     * Runs everything.
     *
     * @param pauseMillis rest before each task: threads that spin after their work (ONNX Runtime's) must not take the next one's core
     */
    void run(int warmUp, int rounds, int pauseMillis) {
        List<String> order = new ArrayList<>(tasks.keySet());
        for (int r = -warmUp; r < rounds; r++) {
            for (String name : order) {
                sleep(pauseMillis);
                Sample s = tasks.get(name).measure();
                if (r >= 0) samples.get(name).add(s);
            }
            Collections.reverse(order);
        }
    }

    double medianWall(String name) {
        return quantile(values(name, Sample::wall), 0.5);
    }

    double bestWall(String name) {
        return quantile(values(name, Sample::wall), 0);
    }

    double medianCpu(String name) {
        return quantile(values(name, Sample::cpu), 0.5);
    }

    double bestCpu(String name) {
        return quantile(values(name, Sample::cpu), 0);
    }

    /** Share of the cores' time that the host of a virtual machine took during a task, all rounds together. */
    double stolen(String name) {
        double wall = Arrays.stream(values(name, Sample::wall)).sum();
        return Arrays.stream(values(name, Sample::steal)).sum() / (wall * Runtime.getRuntime().availableProcessors());
    }

    double[] ratio(String a, String b, ToDoubleFunction<Sample> of) {
        return ratio(List.of(a), List.of(b), of);
    }

    /** Quantiles 0.25, 0.5, 0.75 over rounds of the sum of some tasks by the sum of others; they ran one shortly after the other. */
    double[] ratio(List<String> above, List<String> below, ToDoubleFunction<Sample> of) {
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

    static double quantile(double[] values, double q) {
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
