package dev.winnow.examples.peers;

import de.kherud.llama.InferenceParameters;
import de.kherud.llama.LlamaModel;
import de.kherud.llama.ModelParameters;
import java.io.IOException;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * llama.cpp through java-llama.cpp. It takes and gives text only: the prompt's letters are one token each, and other tokens' texts say
 * which they are. Arguments: GGUF file, threads, ids of the prompt separated by commas, tokens to decode.
 */
public final class JavaLlamaCpp {
    /** A token that the vocabulary has no text for, or a byte. */
    private static final Pattern TOKEN = Pattern.compile("\\[(\\d+)]|(\\p{ASCII})");
    /** Ids of bytes in the tokenizer of random-weight models. */
    private static final int FIRST_BYTE = 3;

    private final LlamaModel model;

    private JavaLlamaCpp(LlamaModel model) {
        this.model = model;
    }

    public static void main(String[] args) throws IOException {
        int threads = Integer.parseInt(args[1]);
        String prompt = text(args[2]);
        int tokens = Integer.parseInt(args[3]);
        ModelParameters parameters = new ModelParameters().setModel(args[0]).setThreads(threads).setThreadsBatch(threads).setGpuLayers(0)
                .setParallel(1).setCtxSize(prompt.length() + tokens + 1).setBatchSize(prompt.length()).setUbatchSize(prompt.length())
                .disableLog();
        try (LlamaModel model = new LlamaModel(parameters)) {
            int seen = model.encode(prompt).length;
            if (seen != prompt.length()) throw new IllegalStateException("a prompt of " + prompt.length() + " tokens is taken for " + seen);
            JavaLlamaCpp peer = new JavaLlamaCpp(model);
            Answers.serve(command -> switch (command) {
                case "prefill" -> peer.complete(prompt, 1, false);
                case "decode" -> peer.complete(prompt, tokens, true);
                default -> peer.complete(text(command), 1, false);
            });
        }
    }

    private static String text(String ids) {
        StringBuilder text = new StringBuilder();
        for (String id : ids.split(",")) text.append((char) (Integer.parseInt(id) - FIRST_BYTE));
        return text.toString();
    }

    /**
     * With the prompt cached, all of it but its last token is taken from the cache, so n tokens are n passes of one token each; without,
     * one pass over the whole prompt comes first and gives the first of them.
     */
    private double[] complete(String prompt, int n, boolean cached) {
        String text = model.complete(new InferenceParameters(prompt).setNPredict(n).setCachePrompt(cached).setTemperature(0)
                .setRepeatPenalty(1).setIgnoreEos(true));
        Matcher matcher = TOKEN.matcher(text);
        int[] ids = new int[n];
        int found = 0;
        int at = 0;
        // a byte that is no text by itself ends what can be told
        while (found < n && matcher.find(at) && matcher.start() == at) {
            ids[found++] = matcher.group(1) != null ? Integer.parseInt(matcher.group(1)) : FIRST_BYTE + matcher.group(2).charAt(0);
            at = matcher.end();
        }
        return Answers.numbers(Arrays.copyOf(ids, found));
    }
}
