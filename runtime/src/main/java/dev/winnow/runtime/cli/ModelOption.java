package dev.winnow.runtime.cli;

import dev.winnow.layers.Backend;
import dev.winnow.runtime.Winnow;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The model to run. */
final class ModelOption {
    @Option(names = "--model", paramLabel = "DIR", required = true, description = "a Hugging Face model directory")
    private Path directory;

    Winnow open(Backend backend) {
        return Winnow.open(directory, backend);
    }

    Path directory() {
        return directory;
    }
}
