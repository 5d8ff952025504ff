package dev.winnow.runtime.cli;

import java.io.PrintWriter;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** A progress bar on stderr, or nothing where nobody would see one. For use by any number of threads. */
final class ProgressMeter implements AutoCloseable {
    private static final int WIDTH = 100;
    private static final int STDERR = 2;

    private final PrintWriter err;
    private final ProgressBar bar;

    private ProgressMeter(PrintWriter err, ProgressBar bar) {
        this.err = err;
        this.bar = bar;
    }

    /**
     * @param asked whether to show the bar even where stderr is no terminal
     * @param done  steps done before
     */
    static ProgressMeter of(String task, long steps, long done, boolean asked, PrintWriter err) {
        if (!asked && !stderrIsTerminal()) return new ProgressMeter(err, null);
        ProgressBar bar = new ProgressBarBuilder().setTaskName(task).setInitialMax(steps).setStyle(ProgressBarStyle.ASCII)
                .setConsumer(new DelegatingProgressBarConsumer(line -> {
                    err.print("\r" + line);
                    err.flush();
                }, WIDTH)).build();
        bar.stepTo(done);
        return new ProgressMeter(err, bar);
    }

    void step() {
        if (bar != null) bar.step();
    }

    /** Moves to a step. */
    void to(long done) {
        if (bar != null) bar.stepTo(done);
    }

    @Override
    public void close() {
        if (bar == null) return;
        bar.close();
        err.println();
    }

    /** Whether a person looks at stderr; the JDK's own answer is about stdin and stdout. */
    private static boolean stderrIsTerminal() {
        Linker linker = Linker.nativeLinker();
        Optional<MemorySegment> isatty = linker.defaultLookup().find("isatty");
        if (isatty.isEmpty()) return System.console() != null && System.console().isTerminal();
        try {
            return (int) linker.downcallHandle(isatty.get(), FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT)).invokeExact(STDERR) == 1;
        } catch (Throwable e) {
            return false;
        }
    }
}
