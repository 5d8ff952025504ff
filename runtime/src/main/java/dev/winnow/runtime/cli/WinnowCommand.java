package dev.winnow.runtime.cli;

import dev.winnow.reduction.PlanException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command line: one class per command, one sentence per error, 0 fine, 1 the request failed, 2 wrong usage. */
public final class WinnowCommand {
    private static final List<Class<? extends Callable<Integer>>> COMMANDS = List.of(DemoCommand.class, GenerateCommand.class,
            ClassifyCommand.class, EmbedCommand.class, TraceCommand.class, ReduceCommand.class, MethodsCommand.class, BenchCommand.class,
            InspectCommand.class, SynthCommand.class, EvalCommand.class, TuneCommand.class, DevicesCommand.class);
    private static final int FAILED = 1;
    private static final int WRONG_USAGE = 2;

    private WinnowCommand() {}

    /** Runs the program; returns its exit code. */
    public static int run(String... args) {
        return run(new PrintWriter(System.out, true), new PrintWriter(System.err, true), args);
    }

    static int run(PrintWriter out, PrintWriter err, String... args) {
        CommandLine line = line(args.length == 0 ? "" : args[0])
                .setOut(out)
                .setErr(err)
                .setParameterExceptionHandler((e, a) -> misused(e, err))
                .setExecutionExceptionHandler((e, l, result) -> failed(e, err));
        Converters.register(line);
        int code;
        try {
            code = line.execute(args);
        } catch (OutOfMemoryError | StackOverflowError e) {
            code = failed(e, err);
        }
        // a writer keeps its failures to itself: a full disk, or a reader that left
        if (code == 0 && out.checkError()) {
            err.println("winnow: the result could not be written to standard output");
            return FAILED;
        }
        return code;
    }

    /** With the one command that is asked for, or all: describing each to the parser takes a while. */
    private static CommandLine line(String asked) {
        NoCommand alone = new NoCommand();
        CommandLine line = new CommandLine(root(alone));
        alone.line = line;
        boolean known = COMMANDS.stream().anyMatch(c -> name(c).equals(asked));
        for (Class<?> c : COMMANDS) if (!known || name(c).equals(asked)) line.addSubcommand(c);
        return line;
    }

    /** The program without its commands. Not by annotations, which would take a tenth of the time that one short answer does. */
    private static CommandSpec root(Callable<Integer> alone) {
        CommandSpec root = CommandSpec.wrapWithoutInspection(alone).name("winnow").versionProvider(WinnowCommand::version);
        root.usageMessage().description("Vision transformers, language models and vision-language models with token reduction built in.");
        root.addOption(OptionSpec.builder("-h", "--help").usageHelp(true).description("Show this help message and exit.").build());
        root.addOption(OptionSpec.builder("-V", "--version").versionHelp(true).description("Print version information and exit.").build());
        return root;
    }

    private static String name(Class<?> command) {
        return command.getAnnotation(Command.class).name();
    }

    private static int misused(CommandLine.ParameterException e, PrintWriter err) {
        CommandLine line = e.getCommandLine();
        String message = e.getMessage();
        if (e instanceof UnmatchedArgumentException u && !u.isUnknownOption()) {
            message = line.getParent() == null ? "unknown command '" + u.getUnmatched().getFirst() + "'; there are " + commands(line)
                    : "unexpected argument '" + u.getUnmatched().getFirst() + "'";
        }
        String command = line.getParent() == null ? "" : line.getCommandName() + " ";
        err.println("winnow: " + oneLine(message) + " (see 'winnow " + command + "--help')");
        return WRONG_USAGE;
    }

    private static String commands(CommandLine line) {
        return String.join(", ", line.getSubcommands().keySet());
    }

    private static int failed(Throwable e, PrintWriter err) {
        if (System.getenv("WINNOW_DEBUG") != null) e.printStackTrace(err);
        err.println("winnow: " + oneLine(sentence(e)));
        return e instanceof PlanException || e instanceof UsageException ? WRONG_USAGE : FAILED;
    }

    private static String sentence(Throwable e) {
        if (e instanceof OutOfMemoryError) {
            return "out of memory: " + e.getMessage() + "; a larger heap is had with WINNOW_JAVA_OPTS=-Xmx...";
        }
        boolean said = e.getMessage() != null && (e.getClass().getName().startsWith("dev.winnow.")
                || e instanceof IllegalArgumentException || e instanceof IllegalStateException || e instanceof UncheckedIOException);
        return said ? e.getMessage() : "this is a bug in Winnow: " + e + "; WINNOW_DEBUG=1 shows where";
    }

    private static String oneLine(String message) {
        return message.strip().replaceAll("\\s*\\R\\s*", " ");
    }

    /** What the program does by itself. */
    private static final class NoCommand implements Callable<Integer> {
        private CommandLine line;

        @Override
        public Integer call() {
            throw new ParameterException(line, "a command is missing; there are " + commands(line));
        }
    }

    /** As in the jar's manifest. */
    private static String[] version() {
        String version = WinnowCommand.class.getPackage().getImplementationVersion();
        return new String[] {"winnow " + (version == null ? "development build" : version)};
    }
}
