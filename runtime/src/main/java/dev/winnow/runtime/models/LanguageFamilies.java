package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Quoted;
import dev.winnow.weights.Settings;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Decoders by their {@code model_type}. */
final class LanguageFamilies {
    /** Builds the model of a configuration whose {@code lm_head} and {@code model.*} lie below a place. */
    interface Loader {
        LanguageModel load(Settings config, WeightScope root, Backend backend);
    }

    private static final Map<String, Loader> LOADERS = new LinkedHashMap<>();

    static {
        LOADERS.put("llama", Llama::load);
        LOADERS.put("llama_swiftkv", Llama::load);
        LOADERS.put("mistral", Mistral::load);
        LOADERS.put("mixtral", Mixtral::load);
        LOADERS.put("qwen2", Qwen2::load);
        LOADERS.put("qwen3", Qwen3::load);
        LOADERS.put("qwen3_moe", Qwen3Moe::load);
        LOADERS.put("gemma", Gemma::load);
        LOADERS.put("gemma2", Gemma2::load);
        LOADERS.put("gemma3_text", Gemma3::load);
        LOADERS.put("phi", Phi::load);
        LOADERS.put("phi3", Phi3::load);
        LOADERS.put("granite", Granite::load);
        LOADERS.put("olmo2", Olmo2::load);
        LOADERS.put("starcoder2", StarCoder2::load);
        LOADERS.put("gpt2", Gpt2::load);
        LOADERS.put("gpt_neox", GptNeoX::load);
    }

    private LanguageFamilies() {}

    static Set<String> types() {
        return LOADERS.keySet();
    }

    /** @throws CheckpointException for a type that is not there, a missing tensor or one of another shape */
    static LanguageModel load(String type, Settings config, WeightScope root, Backend backend) {
        Loader loader = LOADERS.get(type);
        if (loader == null) {
            throw new CheckpointException("config: model_type '" + Quoted.plain(type) + "' is no supported language model"
                    + Similar.hint(type, types()) + "; known are " + String.join(", ", types()));
        }
        return loader.load(config, root, backend);
    }
}
