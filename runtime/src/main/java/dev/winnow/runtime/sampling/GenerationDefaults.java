package dev.winnow.runtime.sampling;

import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.ModelDirectory;
import dev.winnow.weights.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * What a model's makers recommend for generation. Token ids come from {@code generation_config.json}, and where it is silent from
 * {@code config.json} and the {@code text_config} in it; the rest from the first of these files that there is. Values not given
 * anywhere are those of Hugging Face's {@code GenerationConfig}.
 *
 * @param eosIds             the tokens that end an answer; may be empty
 * @param bosId              the token that begins a sequence
 * @param padId              the token that fills up a batch
 * @param maxNewTokens       how many tokens to generate at most
 * @param doSample           whether to draw tokens rather than to take the most likely
 * @param temperature        see {@link SamplingOptions}, as for those that follow
 * @param topK               0 keeps all tokens
 * @param topP               1 keeps all tokens
 * @param minP               0 keeps all tokens
 * @param repetitionPenalty  1 is none
 */
public record GenerationDefaults(
        Set<Integer> eosIds, OptionalInt bosId, OptionalInt padId, OptionalInt maxNewTokens, boolean doSample,
        double temperature, int topK, double topP, double minP, double repetitionPenalty) {

    public GenerationDefaults {
        eosIds = Set.copyOf(eosIds);
    }

    /**
     * Reads the defaults of a model.
     *
     * @throws CheckpointException when a value has the wrong type
     */
    public static GenerationDefaults of(ModelDirectory dir) {
        Settings config = dir.config();
        Optional<Settings> generation = dir.optional("generation_config.json");
        List<Settings> sources = new ArrayList<>();
        generation.ifPresent(sources::add);
        sources.add(config);
        config.optionalSection("text_config").ifPresent(sources::add);
        // old models keep these beside the architecture; with a file of their own, a config's top_k may mean another thing
        Settings how = generation.orElse(config);
        return new GenerationDefaults(
                eos(sources), id(sources, "bos_token_id"), id(sources, "pad_token_id"),
                how.has("max_new_tokens") ? OptionalInt.of(how.integer("max_new_tokens")) : OptionalInt.empty(),
                how.flag("do_sample", false), how.number("temperature", 1), how.integer("top_k", 50), how.number("top_p", 1),
                how.number("min_p", 0), how.number("repetition_penalty", 1));
    }

    /**
     * The recommended way of choosing tokens: greedy unless the model asks for sampling.
     *
     * @throws IllegalArgumentException when a recommended value is out of range
     */
    public SamplingOptions sampling(long seed) {
        if (!doSample) return SamplingOptions.greedy().withRepetitionPenalty(repetitionPenalty).withSeed(seed);
        return new SamplingOptions(temperature, topK, topP, minP, repetitionPenalty, seed);
    }

    private static Optional<Settings> first(List<Settings> sources, String key) {
        return sources.stream().filter(source -> source.has(key)).findFirst();
    }

    private static Set<Integer> eos(List<Settings> sources) {
        String key = "eos_token_id";
        Optional<Settings> source = first(sources, key);
        if (source.isEmpty()) return Set.of();
        boolean several = source.get().type(key).equals("array");
        return several ? Set.copyOf(source.get().integers(key)) : Set.of(source.get().integer(key));
    }

    private static OptionalInt id(List<Settings> sources, String key) {
        return first(sources, key).map(source -> OptionalInt.of(source.integer(key))).orElse(OptionalInt.empty());
    }
}
