package dev.winnow.runtime;

import dev.winnow.layers.CpuBackend;
import dev.winnow.runtime.images.RgbImage;
import dev.winnow.runtime.models.SyntheticModel;
import dev.winnow.runtime.models.SyntheticTokenizer;
import dev.winnow.weights.DType;
import dev.winnow.weights.SafetensorsWriter;
import dev.winnow.weights.Settings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;

/** Small models of random weights of every vision-language family, with a tokenizer of bytes and an image processor. */
public final class SmallVisionLanguage {
    static final int IMAGE = 290;
    static final int VIDEO = 291;
    private static final String TEXT = "{'hidden_size':32,'intermediate_size':40,'num_hidden_layers':2,'num_attention_heads':2,"
            + "'num_key_value_heads':1,'head_dim':16,'max_position_embeddings':4096,'vocab_size':300";
    private static final String TOWER = "'hidden_size':32,'intermediate_size':40,'num_hidden_layers':2,'num_attention_heads':2,"
            + "'image_size':32,'patch_size':8}";

    private SmallVisionLanguage() {}

    static String config(String family) {
        String common = "{'model_type':'" + family + "','image_token_index':" + IMAGE + ",'image_token_id':" + IMAGE + ",'video_token_index':" + VIDEO + ",'video_token_id':" + VIDEO + ",";
        String siglip = "'vision_config':{'model_type':'siglip_vision_model'," + TOWER;
        return switch (family) {
            case "llava", "llava_next" -> common + "'vision_config':{'model_type':'clip_vision_model'," + TOWER
                    + ",'text_config':" + TEXT + ",'model_type':'llama'}}";
            case "llava_onevision" -> common + siglip + ",'vision_aspect_ratio':'anyres_max_4','text_config':" + TEXT + ",'model_type':'qwen2'}}";
            case "paligemma" -> common + siglip + ",'text_config':" + TEXT + ",'model_type':'gemma'}}";
            case "gemma3" -> common + siglip + ",'mm_tokens_per_image':4,'text_config':" + TEXT + ",'model_type':'gemma3_text'}}";
            case "smolvlm" -> common + "'scale_factor':2,'vision_config':{" + TOWER + ",'text_config':" + TEXT + ",'model_type':'llama'}}";
            case "qwen2_vl" -> common + "'rope_scaling':{'type':'mrope','mrope_section':[2,3,3]},'vision_config':{'depth':2,'embed_dim':32,"
                    + "'num_heads':2,'patch_size':8,'mlp_ratio':2}," + TEXT.substring(1) + "}";
            default -> common + "'rope_scaling':{'type':'mrope','mrope_section':[2,3,3]},'vision_config':{'depth':2,'hidden_size':32,"
                    + "'num_heads':2,'patch_size':8,'intermediate_size':40,'window_size':32,'fullatt_block_indexes':[1]},"
                    + TEXT.substring(1) + "}";
        };
    }

    static String processor(String family) {
        return switch (family) {
            case "llava" -> "{'image_processor_type':'CLIPImageProcessor','size':32,'crop_size':32}";
            case "llava_next" -> "{'image_processor_type':'LlavaNextImageProcessor','size':{'shortest_edge':32},'crop_size':32}";
            case "llava_onevision" -> "{'image_processor_type':'LlavaOnevisionImageProcessor','size':{'height':32,'width':32}}";
            case "paligemma" -> "{'image_processor_type':'SiglipImageProcessor','size':{'height':32,'width':32}}";
            case "gemma3" -> "{'image_processor_type':'Gemma3ImageProcessor','size':{'height':32,'width':32}}";
            case "smolvlm" -> "{'image_processor_type':'SmolVLMImageProcessor','size':{'longest_edge':64},'max_image_size':{'longest_edge':32}}";
            default -> "{'image_processor_type':'Qwen2VLImageProcessor','patch_size':8,'merge_size':2,'min_pixels':256,'max_pixels':4096}";
        };
    }

    public static Winnow model(String family, Path dir) {
        return model(config(family), processor(family), dir);
    }

    static Winnow model(String quotedConfig, String processor, Path dir) {
        String config = quotedConfig.replace('\'', '"');
        try (Arena arena = Arena.ofShared()) {
            Files.writeString(dir.resolve("config.json"), config);
            Files.writeString(dir.resolve("tokenizer.json"), SyntheticTokenizer.json(IMAGE));
            // tokens that only this file lists
            Files.writeString(dir.resolve("tokenizer_config.json"), """
                    {"added_tokens_decoder": {"291": {"content": "<video>", "special": true},
                      "292": {"content": "<|vision_start|>", "special": true}, "293": {"content": "<|vision_end|>", "special": true}}}""");
            Files.writeString(dir.resolve("preprocessor_config.json"), processor.replace('\'', '"'));
            SafetensorsWriter.write(dir.resolve("model.safetensors"),
                    SyntheticModel.tensors(Settings.of(config, "config.json"), DType.F32, 1, arena, CpuBackend.create()), Map.of());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return Winnow.open(dir);
    }

    public static RgbImage noise(int width, int height) {
        byte[] rgb = new byte[3 * width * height];
        new Random(width).nextBytes(rgb);
        return new RgbImage(width, height, rgb);
    }
}
