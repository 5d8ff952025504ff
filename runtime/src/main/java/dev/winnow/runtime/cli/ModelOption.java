package dev.winnow.runtime.cli;

import dev.winnow.layers.Backend;
import dev.winnow.runtime.LoadOptions;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.eval.Fingerprint;
import dev.winnow.runtime.models.Quantization;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
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

    @Option(names = "--keep-quantized", description = "with --quantize: keep the rounded matrices in a file beside the model, which is then"
            + " mapped instead of rounding again")
    private boolean keepQuantized;

    @Option(names = "--adapter", paramLabel = "DIR", description = "merge a LoRA adapter in PEFT's layout while loading; may be repeated")
    private List<Path> adapters = new ArrayList<>();

    @Option(names = "--explain-load", description = "list which stored tensor each parameter comes from, what happened to it on the way, and"
            + " the tensors that were not used")
    private boolean explainLoad;

    /** Opens the model; on a device, says what it takes of its memory. What is asked about loading goes to the error stream too. */
    Winnow open(Backend backend) {
        Winnow winnow = openSilently(backend);
        if (!winnow.placement().isEmpty()) spec.commandLine().getErr().println(winnow.placement());
        if (explainLoad) LoadListing.lines(winnow.loadReport()).forEach(spec.commandLine().getErr()::println);
        return winnow;
    }

    /** Opens the model for a command that says itself what is asked about loading. */
    Winnow openSilently(Backend backend) {
        if (keepQuantized && quantization == Quantization.NONE) throw new UsageException("--keep-quantized needs --quantize");
        LoadOptions options = LoadOptions.on(backend).withQuantization(quantization).withKeptQuantization(keepQuantized);
        for (Path adapter : adapters) options = options.withAdapter(adapter);
        try (LoadingBar bar = new LoadingBar(spec.commandLine().getErr())) {
            return Winnow.open(directory, options.withProgress(bar));
        }
    }

    boolean explainsLoad() {
        return explainLoad;
    }

    /** The adapters that are merged, each with its fingerprint, as a clause; empty without any. */
    String merged() {
        return adapters.stream().map(a -> ", adapter " + a.getFileName() + " " + Fingerprint.ofModel(a)).collect(Collectors.joining());
    }

    Path directory() {
        return directory;
    }

    Quantization quantization() {
        return quantization;
    }
}
