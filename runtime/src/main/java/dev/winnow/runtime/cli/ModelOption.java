package dev.winnow.runtime.cli;

import dev.winnow.layers.Backend;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.models.Quantization;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The model to run. */
final class ModelOption {
    @Option(names = "--model", paramLabel = "DIR", required = true, description = "a Hugging Face model directory")
    private Path directory;

    @Option(names = "--quantize", paramLabel = "q8|q4",
            description = "round matrices to blocks of 8 or 4 bits while loading; default: as stored")
    private Quantization quantization = Quantization.NONE;

    Winnow open(Backend backend) {
        return Winnow.open(directory, backend, quantization);
    }

    Path directory() {
        return directory;
    }

    Quantization quantization() {
        return quantization;
    }
}
