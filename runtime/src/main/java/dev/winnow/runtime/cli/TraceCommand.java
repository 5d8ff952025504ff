package dev.winnow.runtime.cli;

import dev.winnow.runtime.RequestException;
import dev.winnow.runtime.Tracer;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.images.RgbImage;
import dev.winnow.weights.Checkpoint;
import dev.winnow.weights.SafetensorsWriter;
import dev.winnow.weights.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Every intermediate of a forward pass, into a file. */
@Command(name = "trace", description = "Writes every intermediate of a forward pass to a safetensors file.")
final class TraceCommand implements Callable<Integer> {
    @Mixin
    private Common common;
    @Mixin
    private ModelOption model;
    @Mixin
    private VideoOption video;

    @Option(names = "--inputs", paramLabel = "FILE", description = "safetensors with input_ids, attention_mask, pixel_values"
            + " and what else the model's processor makes")
    private Path inputs;
    @Option(names = "--prompt", paramLabel = "TEXT", description = "instead of --inputs: a prompt")
    private String prompt;
    @Option(names = "--image", paramLabel = "FILE", description = "a picture for the prompt; may be repeated")
    private List<Path> images = new ArrayList<>();
    @Option(names = "--raw", description = "send the prompt as it is, without the chat template")
    private boolean raw;
    @Option(names = "--max-new-tokens", paramLabel = "N", defaultValue = "16", description = "tokens to generate; default ${DEFAULT-VALUE}")
    private int maxTokens;
    @Option(names = "--ignore-eos", description = "go on at the end-of-sequence token")
    private boolean ignoreEos;
    @Option(names = "--out", paramLabel = "FILE", required = true, description = "where to write")
    private Path out;

    @Override
    public Integer call() {
        if (maxTokens < 0) throw new UsageException("--max-new-tokens should not be negative but is " + maxTokens);
        if ((inputs == null) == (prompt == null && images.isEmpty() && !video.isGiven())) {
            throw new UsageException("trace takes either --inputs, or a --prompt, an --image, a --video or several of these");
        }
        var plan = common.plan();
        List<Path> read = new ArrayList<>(images);
        read.addAll(video.files());
        read.add(inputs);
        read.add(model.directory());
        OutputFile.require("--out", out, read);
        try (Winnow winnow = model.open(common.backend());
                Checkpoint file = inputs == null ? null : Checkpoint.open(inputs)) {
            Set<Integer> eos = ignoreEos ? Set.of() : Set.copyOf(winnow.defaults().eosIds());
            Tracer tracer = new Tracer(winnow.model(), plan, maxTokens, eos);
            Map<String, Tensor> given = file != null ? tensors(file) : asked(winnow);
            List<Tensor> recorded = new ArrayList<>(tracer.run(given));
            Set<String> names = new HashSet<>();
            recorded.forEach(t -> names.add(t.name()));
            for (String name : List.of("input_ids", "attention_mask", "pixel_values", "pixel_values_videos")) {
                if (given.containsKey(name) && !names.contains(name)) recorded.add(given.get(name).withName(name));
            }
            write(recorded, plan.toString());
        }
        return 0;
    }

    private Map<String, Tensor> asked(Winnow winnow) {
        return winnow.inputs(prompt, images.stream().map(RgbImage::read).toList(), video.read(), raw);
    }

    private static Map<String, Tensor> tensors(Checkpoint file) {
        Map<String, Tensor> tensors = new HashMap<>();
        for (String name : file.names()) tensors.put(name, file.tensor(name));
        return tensors;
    }

    private void write(List<Tensor> tensors, String plan) {
        if (tensors.isEmpty()) throw new RequestException("nothing was recorded");
        SafetensorsWriter.write(out, tensors, Map.of("plan", plan));
        if (common.json()) {
            Map<String, Object> shapes = new LinkedHashMap<>();
            for (Tensor t : tensors) shapes.put(t.name(), t.shape());
            common.printJson(shapes);
        } else {
            common.err().println("wrote " + tensors.size() + " tensors to " + out);
        }
    }
}
