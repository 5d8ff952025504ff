package dev.winnow.runtime.cli;

import dev.winnow.reduction.PlanException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The command line: one class per command, one sentence per error, 0 fine, 1 the request failed, 2 wrong usage. */
@Command(name = "winnow", mixinStandardHelpOptions = true, versionProvider = WinnowCommand.Version.class,
        description = "Vision transformers, language models and vision-language models with token reduction built in.",
        subcommands = {DemoCommand.class, GenerateCommand.class, ClassifyCommand.class, EmbedCommand.class, TraceCommand.class,
            ReduceCommand.class,
            MethodsCommand.class, InspectCommand.class, SynthCommand.class})
public final class WinnowCommand implements Callable<Integer> {
    private static final int FAILED = 1;
    private static final int WRONG_USAGE = 2;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    /** Runs the program; returns its exit code. */
    public static int run(String... args) {
        return run(new PrintWriter(System.out, true), new PrintWriter(System.err, true), args);
    }

    static int run(PrintWriter out, PrintWriter err, String... args) {
        return new CommandLine(new WinnowCommand())
                .setOut(out)
                .setErr(err)
                .setParameterExceptionHandler((e, a) -> {
                    err.println("winnow: " + oneLine(e.getMessage()) + " (see 'winnow " + path(e.getCommandLine()) + "--help')");
                    return WRONG_USAGE;
                })
                .setExecutionExceptionHandler((e, line, result) -> failed(e, err))
                .execute(args);
    }

    private static String path(CommandLine line) {
        return line.getParent() == null ? "" : line.getCommandName() + " ";
    }

    private static int failed(Throwable e, PrintWriter err) {
        if (System.getenv("WINNOW_DEBUG") != null) e.printStackTrace(err);
        String message = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        if (e instanceof OutOfMemoryError) {
            message = "out of memory: " + message + "; a larger heap is had with WINNOW_JAVA_OPTS=-Xmx...";
        }
        err.println("winnow: " + oneLine(message));
        return e instanceof PlanException || e instanceof UsageException ? WRONG_USAGE : FAILED;
    }

    private static String oneLine(String message) {
        return message.strip().replaceAll("\\s*\\R\\s*", " ");
    }

    @Override
    public Integer call() {
        spec.commandLine().usage(spec.commandLine().getErr());
        return WRONG_USAGE;
    }

    /** The version in the jar's manifest. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = WinnowCommand.class.getPackage().getImplementationVersion();
            return new String[] {"winnow " + (version == null ? "development build" : version)};
        }
    }
}
