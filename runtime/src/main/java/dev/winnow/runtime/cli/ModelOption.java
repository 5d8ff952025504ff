package dev.winnow.runtime.cli;

import dev.winnow.layers.Backend;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.models.Quantization;
import java.nio.file.Path;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** The model to run. */
final class ModelOption {
    @CommandLine.Spec(CommandLine.Spec.Target.MIXEE)
    private CommandLine.Model.CommandSpec spec;

    @Option(names = "--model", paramLabel = "DIR", required = true, description = "a Hugging Face model directory")
    private Path directory;

    @Option(names = "--quantize", paramLabel = "q8|q4",
            description = "round matrices to blocks of 8 or 4 bits while loading; default: as stored")
    private Quantization quantization = Quantization.NONE;

    /** Opens the model; on a device, says what it takes of its memory. */
    Winnow open(Backend backend) {
        Winnow winnow = Winnow.open(directory, backend, quantization);
        if (!winnow.placement().isEmpty()) spec.commandLine().getErr().println(winnow.placement());
        return winnow;
    }

    Path directory() {
        return directory;
    }
}
