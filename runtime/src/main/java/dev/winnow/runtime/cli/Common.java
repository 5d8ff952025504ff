package dev.winnow.runtime.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.winnow.layers.Backend;
import dev.winnow.layers.Workers;
import dev.winnow.reduction.ReductionPlan;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** Options that commands share, and how they write. */
final class Common {
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    @CommandLine.Spec(CommandLine.Spec.Target.MIXEE)
    private CommandLine.Model.CommandSpec spec;

    @Option(names = "--reduce", paramLabel = "SPEC",
            description = "reduce tokens: METHOD or METHOD:OPTION=VALUE,...; may be repeated; see 'winnow methods'")
    private List<String> reduce = new ArrayList<>();

    @Option(names = "--backend", paramLabel = "NAME", defaultValue = "cpu",
            description = "what computes: cpu; tornado, a device that TornadoVM drives; auto, a GPU if there is one;"
                    + " default ${DEFAULT-VALUE}")
    private String backend;

    @Option(names = "--device", paramLabel = "N|NAME",
            description = "which device, by its number or a part of its name in 'winnow devices'")
    private String device;

    @Option(names = "--threads", paramLabel = "N", description = "threads to compute with; default: one per core")
    private Integer threads;

    @Option(names = "--json", description = "write the result as JSON")
    private boolean json;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "show this help")
    private boolean help;

    ReductionPlan plan() {
        return ReductionPlan.parse(reduce);
    }

    /** A plan for each {@code --reduce}, which may join several specs by " + ", as plans are printed. */
    List<ReductionPlan> plans() {
        return reduce.stream().map(specs -> ReductionPlan.parse(List.of(specs.split(" \\+ ")))).toList();
    }

    /** Checks the values of options that a command has no use for: all commands take them, and none takes nonsense. */
    void check() {
        plan();
        setThreads();
        Devices.requireKnown(backend);
    }

    boolean json() {
        return json;
    }

    /** The backend asked for, with the shared pool set to the threads asked for. */
    Backend backend() {
        setThreads();
        return Devices.open(backend, device);
    }

    private void setThreads() {
        if (threads == null) return;
        if (threads < 1 || threads > 1024) throw new UsageException("--threads should be between 1 and 1024 but is " + threads);
        Workers.shared().resize(threads);
    }

    PrintWriter out() {
        return spec.commandLine().getOut();
    }

    PrintWriter err() {
        return spec.commandLine().getErr();
    }

    void printJson(Object value) {
        try {
            out().println(JSON.writeValueAsString(value));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write the result as JSON: " + e.getOriginalMessage(), e);
        }
    }
}
