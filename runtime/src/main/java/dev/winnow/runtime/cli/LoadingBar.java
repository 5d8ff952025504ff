package dev.winnow.runtime.cli;

import dev.winnow.runtime.models.LoadProgress;
import java.io.PrintWriter;

/** Shows on a terminal how far the rounding of matrices has come, in mebibytes; a model without any leaves the terminal as it is. */
final class LoadingBar implements LoadProgress, AutoCloseable {
    private static final int MEBI = 1 << 20;

    private final PrintWriter err;
    private ProgressMeter meter;

    LoadingBar(PrintWriter err) {
        this.err = err;
    }

    @Override
    public void at(long done, long total) {
        if (meter == null) meter = ProgressMeter.of("rounding (MiB)", total / MEBI, 0, false, err);
        meter.to(done / MEBI);
    }

    @Override
    public void close() {
        if (meter != null) meter.close();
    }
}
