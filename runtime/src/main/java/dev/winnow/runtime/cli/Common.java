package dev.winnow.runtime.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.winnow.layers.Backend;
import dev.winnow.layers.CpuBackend;
import dev.winnow.layers.Workers;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.tune.SavedReduction;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;

/** Options that commands share, and how they write. */
final class Common {
    private static final String AUTO = "auto";

    @CommandLine.Spec(CommandLine.Spec.Target.MIXEE)
    private CommandLine.Model.CommandSpec spec;

    @Option(names = "--reduce", paramLabel = "SPEC",
            description = "reduce tokens: METHOD or METHOD:OPTION=VALUE,...; may be repeated; see 'winnow methods';"
                    + " auto: what tune saved beside the model")
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

    @Option(names = "--packed-memory", paramLabel = "MIB", description = "MiB in which the processor keeps weights as its products read them,"
            + " which speeds up many short inputs, as pictures are; default: an eighth of the heap, for those stored as F32 only")
    private Integer packedMemory;

    @Option(names = "--json", description = "write the result as JSON")
    private boolean json;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "show this help")
    private boolean help;

    private List<String> tuned;

    /** The plan of all {@code --reduce} together; {@value #AUTO} stands for what tune found for the model of {@code --model}. */
    ReductionPlan plan() {
        return plan(model());
    }

    /** As {@link #plan()}, for a model that no option names. */
    ReductionPlan plan(Path model) {
        return ReductionPlan.parse(reduce.stream().flatMap(specs -> specs(specs, model)).toList());
    }

    /** A plan for each {@code --reduce}, which may join several specs by " + ", as plans are printed; none twice. */
    List<ReductionPlan> plans() {
        List<ReductionPlan> plans = new ArrayList<>();
        for (String specs : reduce) {
            ReductionPlan plan = ReductionPlan.parse(specs(specs, model()).toList());
            if (plans.stream().anyMatch(p -> p.toString().equals(plan.toString()))) {
                throw new UsageException("--reduce " + plan + " is given twice");
            }
            plans.add(plan);
        }
        return plans;
    }

    private Stream<String> specs(String specs, Path model) {
        return Stream.of(specs.split(" \\+ ")).flatMap(spec -> spec.strip().equals(AUTO) ? tuned(model).stream() : Stream.of(spec));
    }

    /** The directory that {@code --model} names; null where the command has no such option. */
    private Path model() {
        OptionSpec option = spec.findOption("--model");
        return option == null ? null : option.getValue();
    }

    /** What tune found, read once. */
    private List<String> tuned(Path model) {
        if (tuned == null) {
            SavedReduction saved = SavedReduction.read(model.resolve(SavedReduction.FILE), model);
            tuned = saved.plan();
            err().println("--reduce auto: " + String.join(" + ", tuned) + ", tuned for " + saved.budget());
        }
        return tuned;
    }

    /** Checks the values of options that a command has no use for: all commands take them, and none takes nonsense. */
    void check() {
        Stream<String> specs = reduce.stream().flatMap(s -> Stream.of(s.split(" \\+ ")));
        ReductionPlan.parse(specs.filter(s -> !s.strip().equals(AUTO)).toList());
        setThreads();
        checkPackedMemory();
        Devices.requireKnown(backend);
    }

    boolean json() {
        return json;
    }

    /** The backend asked for, with the shared pool set to the threads asked for. */
    Backend backend() {
        setThreads();
        return keepingPacked(Devices.open(backend, device, false, err()));
    }

    /** As {@link #backend()}, for a command that answers one request. */
    Backend backendForOneRequest() {
        setThreads();
        return keepingPacked(Devices.open(backend, device, true, err()));
    }

    private Backend keepingPacked(Backend opened) {
        checkPackedMemory();
        if (packedMemory == null) return opened;
        if (!(opened instanceof CpuBackend cpu)) throw new UsageException("--packed-memory is for --backend cpu");
        return cpu.keepingPacked((long) packedMemory << 20);
    }

    private void checkPackedMemory() {
        if (packedMemory != null && packedMemory < 0) throw new UsageException("--packed-memory should not be negative but is " + packedMemory);
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
            // made where it is needed: it would take a third of the time that reading the command line does
            out().println(new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(value));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write the result as JSON: " + e.getOriginalMessage(), e);
        }
    }
}
