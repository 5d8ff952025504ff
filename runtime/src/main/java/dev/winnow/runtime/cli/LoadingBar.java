package dev.winnow.runtime.cli;

import dev.winnow.runtime.models.LoadProgress;
import java.io.Console;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** Shows on a terminal's error stream how far the rounding of matrices has come; elsewhere nothing. */
final class LoadingBar implements LoadProgress, AutoCloseable {
    private static final int MEBI = 1 << 20;
    private static final int REFRESH_MILLIS = 200;
    private static final int COLUMNS = 80;

    private final boolean shown;
    private ProgressBar bar;

    private LoadingBar(boolean shown) {
        this.shown = shown;
    }

    static LoadingBar onTerminal() {
        Console console = System.console();
        return new LoadingBar(console != null && console.isTerminal());
    }

    @Override
    public void at(long done, long total) {
        if (!shown) return;
        if (bar == null) bar = bar(total);
        bar.stepTo(done);
    }

    private static ProgressBar bar(long total) {
        return new ProgressBarBuilder().setTaskName("Rounding").setInitialMax(total).setUnit(" MiB", MEBI).setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(REFRESH_MILLIS).setConsumer(new ConsoleProgressBarConsumer(System.err, COLUMNS)).build();
    }

    @Override
    public void close() {
        if (bar != null) bar.close();
    }
}
