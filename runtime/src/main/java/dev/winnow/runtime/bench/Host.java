package dev.winnow.runtime.bench;

import dev.winnow.layers.Workers;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;

/** What the machine says about itself and this process, where it has Linux's {@code /proc}. */
public final class Host {
    private static final Path PROCESSOR = Path.of("/proc/cpuinfo");
    private static final Path TIMES = Path.of("/proc/stat");
    private static final Path PROCESS = Path.of("/proc/self/status");
    /** USER_HZ, which Linux has fixed at 100 for what it shows to programs. */
    private static final double TICKS_PER_SECOND = 100;
    /** Of the numbers after "cpu": user, nice, system, idle, iowait, irq, softirq, steal. */
    private static final int STEAL = 8;

    private Host() {}

    /** One line that says where and when, for the head of a report. */
    public static String describe() {
        String cpu = line(PROCESSOR, "model name").map(l -> l.substring(l.indexOf(':') + 1).strip()).orElse(System.getProperty("os.arch"));
        return LocalDate.now() + ", " + cpu + ", " + Runtime.getRuntime().availableProcessors() + " cores, "
                + Workers.shared().threads() + " threads, Java " + Runtime.version() + ", load average "
                + String.format(Locale.ROOT, "%.2f", ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
    }

    /** Seconds, of all cores together since the start of the machine, that went to other guests of its host; NaN where nobody says. */
    public static double stealSeconds() {
        return line(TIMES, "cpu ").map(l -> l.split(" +")).filter(numbers -> numbers.length > STEAL)
                .map(numbers -> Long.parseLong(numbers[STEAL]) / TICKS_PER_SECOND).orElse(Double.NaN);
    }

    /** The most memory this process has had resident, in bytes: its own, and the pages of mapped files that it touched. */
    public static OptionalLong peakResidentBytes() {
        return line(PROCESS, "VmHWM:").map(l -> OptionalLong.of(Long.parseLong(l.replaceAll("\\D", "")) << 10)).orElse(OptionalLong.empty());
    }

    /** The first line of a file that begins so; empty where there is no such file. */
    private static Optional<String> line(Path file, String beginning) {
        try (var lines = Files.lines(file)) {
            return lines.filter(l -> l.startsWith(beginning)).findFirst();
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
