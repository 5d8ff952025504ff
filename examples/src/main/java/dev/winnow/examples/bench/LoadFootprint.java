package dev.winnow.examples.bench;

import com.sun.management.OperatingSystemMXBean;
import dev.winnow.runtime.LoadOptions;
import dev.winnow.runtime.Request;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.models.Quantization;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * What it takes to have a model ready: seconds since the process began, and memory of the process's own (Linux only). Pages of the
 * checkpoint, which the page cache has anyway, are counted apart. Ends with status 1 when a model as stored is not ready within 2 seconds
 * of processor time for 2 GB, or takes more than a tenth of its size beside the Java runtime itself before the first token. Arguments:
 * model directory, none|q8|q4.
 */
public final class LoadFootprint {
    private static final double SECONDS = 2;
    private static final double BYTES = 2e9;
    private static final double SHARE = 0.1;
    private static final OperatingSystemMXBean SYSTEM = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

    private LoadFootprint() {}

    public static void main(String[] args) throws IOException {
        Path directory = Path.of(args[0]);
        Quantization quantization = Machine.quantization(args, 1);
        System.out.println(Machine.describe());
        System.out.println("| | wall s | processor s | own memory MB | pages of files MB |");
        System.out.println("|---|---|---|---|---|");
        long bare = row("Java runtime");
        try (Winnow winnow = Winnow.open(directory, LoadOptions.defaults().withQuantization(quantization))) {
            row("model opened");
            winnow.tokens("ready", true);
            long ready = row("tokenizer loaded: ready");
            double seconds = SYSTEM.getProcessCpuTime() / 1e9;
            winnow.generate(Request.of("ready").withMaxTokens(1), piece -> { });
            row("first token");
            long bytes = winnow.weightBytes();
            double most = SECONDS * Math.max(1, bytes / BYTES);
            double share = (double) (ready - bare) / bytes;
            System.out.printf(Locale.ROOT, "%n%.2f GB of weights: ready after %.2f of %.2f processor seconds, with %.1f%% of their size in"
                    + " memory beside them%n", bytes / 1e9, seconds, most, 100 * share);
            if (quantization == Quantization.NONE && (seconds > most || share > SHARE)) System.exit(1);
        }
    }

    /** Prints what has been taken so far; returns the process's own bytes in memory. */
    private static long row(String when) throws IOException {
        double wall = ManagementFactory.getRuntimeMXBean().getUptime() / 1e3;
        double processor = SYSTEM.getProcessCpuTime() / 1e9;
        long own = 0;
        long resident = 0;
        for (String line : Files.readAllLines(Path.of("/proc/self/smaps_rollup"))) {
            if (line.startsWith("Anonymous:")) own = kilobytes(line);
            if (line.startsWith("Rss:")) resident = kilobytes(line);
        }
        System.out.printf(Locale.ROOT, "| %s | %.2f | %.2f | %.0f | %.0f |%n", when, wall, processor, own / 1e6, (resident - own) / 1e6);
        return own;
    }

    private static long kilobytes(String line) {
        return 1024 * Long.parseLong(line.replaceAll("[^0-9]", ""));
    }
}
