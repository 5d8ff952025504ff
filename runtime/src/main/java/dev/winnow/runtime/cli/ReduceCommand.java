package dev.winnow.runtime.cli;

import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.reducing.ModelCases;
import dev.winnow.runtime.reducing.ReductionCase;
import dev.winnow.runtime.reducing.TensorReduction;
import dev.winnow.weights.Checkpoint;
import dev.winnow.weights.SafetensorsWriter;
import dev.winnow.weights.Settings;
import dev.winnow.weights.Tensor;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** One method on the user's own tensors. */
@Command(name = "reduce", description = "Runs one reduction method on tensors of yours: in.* -> out.*.")
final class ReduceCommand implements Callable<Integer> {
    @Mixin
    private Common common;

    @Option(names = "--case", paramLabel = "FILE.json", description = "names method and options")
    private Path caseFile;
    @Option(names = "--method", paramLabel = "NAME", description = "instead of --case: the method")
    private String method;
    @Option(names = "--set", paramLabel = "OPTION=VALUE", description = "an option of the method; may be repeated")
    private Map<String, String> options = new LinkedHashMap<>();
    @Option(names = "--model", paramLabel = "DIR", description = "for a case of a whole model: its directory; default: the case's folder")
    private Path model;
    @Option(names = "--in", paramLabel = "FILE", required = true, description = "safetensors with in.*")
    private Path in;
    @Option(names = "--out", paramLabel = "FILE", required = true, description = "where to write out.*")
    private Path out;

    @Override
    public Integer call() {
        if ((caseFile == null) == (method == null)) throw new UsageException("reduce needs either --case or --method");
        if (caseFile != null && !options.isEmpty()) throw new UsageException("--set goes with --method; a case has its own options");
        try (Checkpoint file = Checkpoint.open(in)) {
            Map<String, Tensor> inputs = new LinkedHashMap<>();
            for (String name : file.names()) inputs.put(name, file.tensor(name));
            List<Tensor> results = results(inputs);
            SafetensorsWriter.write(out, results, Map.of());
            common.err().println("wrote " + results.size() + " tensors to " + out);
        }
        return 0;
    }

    private List<Tensor> results(Map<String, Tensor> inputs) {
        if (method != null) return TensorReduction.run(method, options, inputs);
        Settings settings = Settings.read(caseFile);
        if (!ModelCases.isModelCase(settings)) {
            ReductionCase c = ReductionCase.read(caseFile);
            return TensorReduction.run(c.method(), c.options(), inputs);
        }
        Path directory = model != null ? model : caseFile.toAbsolutePath().getParent();
        try (Winnow winnow = Winnow.open(directory, common.backend())) {
            return ModelCases.run(winnow.model(), settings, inputs);
        }
    }
}
