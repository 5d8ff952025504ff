package dev.winnow.examples.peers;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.ModelSupport;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/**
 * Jlama on a model directory. Arguments: the directory, bf16 or q4, threads, ids of the prompt separated by commas, tokens to decode. For
 * q4 Jlama's own tool first writes a quantised directory beside the given one; layers and tokens' embeddings are then as it chooses.
 */
public final class Jlama {
    private final AbstractModel model;
    private final int[] prompt;
    private final int tokens;
    private final KvBufferCache.KvBuffer cache;
    private final AbstractTensor<?, ?> logits;
    private int next;

    private Jlama(AbstractModel model, int[] prompt, int tokens) {
        this.model = model;
        this.prompt = prompt;
        this.tokens = tokens;
        this.cache = new KvBufferCache(model).getEphemeralKvBuffer();
        this.logits = model.makeDenseTensor(model.getConfig().vocabularySize);
    }

    public static void main(String[] args) throws IOException {
        int[] prompt = ids(args[3]);
        File directory = directory(Path.of(args[0]), args[1]).toFile();
        try (AbstractModel model = ModelSupport.loadModel(directory, directory, DType.F32, DType.I8, Optional.empty(),
                Optional.of(Integer.parseInt(args[2])))) {
            Jlama peer = new Jlama(model, prompt, Integer.parseInt(args[4]));
            Answers.serve(command -> switch (command) {
                case "prefill" -> peer.prefill();
                case "decode" -> peer.decode();
                default -> Answers.numbers(peer.after(ids(command)));
            });
        }
    }

    private static Path directory(Path source, String format) throws IOException {
        if (format.equals("bf16")) return source;
        if (!format.equals("q4")) throw new IllegalArgumentException("Jlama has bf16 and q4, not " + format);
        Path quantised = source.resolveSibling(source.getFileName() + "-q4");
        if (!Files.exists(quantised)) {
            SafeTensorSupport.quantizeModel(source, DType.Q4, new String[0], new String[0], Optional.of(quantised));
        }
        return quantised;
    }

    private static int[] ids(String separated) {
        return Arrays.stream(separated.split(",")).mapToInt(Integer::parseInt).toArray();
    }

    /** The greedy choice after a sequence of its own. */
    private int after(int[] ids) {
        cache.setCurrentContextPosition(0);
        try (AbstractTensor<?, ?> hidden = model.batchForward(ids, 0, cache)) {
            return model.sample(hidden.slice(hidden.shape().first() - 1), 0, 0, logits);
        }
    }

    private double[] prefill() {
        next = after(prompt);
        return Answers.numbers(next);
    }

    private double[] decode() {
        cache.setCurrentContextPosition(prompt.length);
        int[] ids = new int[tokens + 1];
        ids[0] = next;
        for (int i = 0; i < tokens; i++) {
            try (AbstractTensor<?, ?> hidden = model.forward(ids[i], prompt.length + i, cache, Optional.empty())) {
                ids[i + 1] = model.sample(hidden, 0, 0, logits);
            }
        }
        return Answers.numbers(ids);
    }
}
