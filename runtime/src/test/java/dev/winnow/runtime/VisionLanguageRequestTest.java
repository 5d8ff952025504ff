package dev.winnow.runtime;

import static dev.winnow.runtime.SmallVisionLanguage.config;
import static dev.winnow.runtime.SmallVisionLanguage.noise;
import static dev.winnow.runtime.SmallVisionLanguage.processor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.reduction.Grid;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.images.Region;
import dev.winnow.runtime.images.RgbImage;
import dev.winnow.weights.CheckpointException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** From pictures and words to ids and answers, with models of random weights of every vision-language family. */
class VisionLanguageRequestTest {
    private static final String QUESTION = "what?";
    @TempDir
    private Path dir;

    private Winnow model(String family) {
        return SmallVisionLanguage.model(family, dir);
    }

    private Winnow model(String config, String processor) {
        return SmallVisionLanguage.model(config, processor, dir);
    }

    /** Image tokens of a picture of 60 x 40 pixels, and bytes of text around them beside the question. */
    @ParameterizedTest
    // LLaVA-NeXT: 16 patches, and of 8 x 8 on a canvas of 64 x 64 pixels, without the margins, 6 rows and their ends; SmolVLM: 5 pieces
    @CsvSource({"llava,16,1", "llava_next,70,1", "llava_onevision,70,1", "paligemma,16,1", "gemma3,4,34", "smolvlm,20,217",
        "qwen2_vl,8,2", "qwen2_5_vl,8,2"})
    void answersAboutOneAndTwoPictures(String family, int imageTokens, int around) {
        RgbImage picture = noise(60, 40);
        try (Winnow model = model(family)) {
            Answer one = answer(model, picture);
            assertThat(one.stats().imageTokens()).isEqualTo(imageTokens);
            assertThat(one.tokens()).hasSize(3);
            // the beginning of the sequence, and for most families a line break
            assertThat(one.stats().promptTokens()).isEqualTo(1 + around + imageTokens + QUESTION.length());
            Answer two = answer(model, picture, noise(40, 40));
            assertThat(two.stats().imageTokens()).isGreaterThan(imageTokens);
            Answer none = answer(model);
            assertThat(none.stats().promptTokens()).isEqualTo(1 + QUESTION.length());
            assertThat(answer(model, picture).tokens()).isEqualTo(one.tokens());
        }
    }

    @ParameterizedTest
    @CsvSource({"llava,4,4", "llava_next,4,4", "gemma3,4,4", "smolvlm,4,4", "qwen2_vl,4,8", "qwen2_5_vl,4,8"})
    void featuresOfEveryPatch(String family, int rows, int columns) {
        try (Winnow model = model(family)) {
            DenseFeatures features = model.features(noise(60, 40), ReductionPlan.NONE);
            assertThat(features.rows()).isEqualTo(rows);
            assertThat(features.columns()).isEqualTo(columns);
            assertThat(features.patches()).hasSize(rows * columns * 32).doesNotContain(0f);
        }
    }

    /** The tensors of {@code trace} are those that answers are made of. */
    @ParameterizedTest
    @CsvSource({"llava", "llava_next", "llava_onevision", "paligemma", "gemma3", "smolvlm", "qwen2_vl", "qwen2_5_vl"})
    void tracesWhatItAnswers(String family) {
        RgbImage[] pictures = {noise(60, 40), noise(40, 90)};
        try (Winnow model = model(family)) {
            Tracer tracer = new Tracer(model.model(), ReductionPlan.NONE, 3, Set.of());
            long[] traced = tracer.run(model.inputs(QUESTION, List.of(pictures), false)).stream().filter(t -> t.name().equals("generated_ids"))
                    .findFirst().orElseThrow().toLongs();
            assertThat(Arrays.stream(answer(model, pictures).tokens()).asLongStream().toArray()).isEqualTo(traced);
        }
    }

    /** Pieces of a picture of 60 x 40 pixels, and the patches or squares of patches of the first. */
    @ParameterizedTest
    @CsvSource({"llava,1,4,4", "llava_next,5,4,4", "llava_onevision,5,4,4", "paligemma,1,4,4", "gemma3,1,2,2", "smolvlm,5,2,2",
        "qwen2_vl,1,2,4", "qwen2_5_vl,1,2,4"})
    void explainsWhichPatchesAreKept(String family, int pieces, int rows, int columns) {
        RgbImage[] pictures = {noise(60, 40), noise(60, 40)};
        try (Winnow model = model(family)) {
            Request request = Request.of(QUESTION, pictures).withMaxTokens(1).withIgnoreEos(true).withReduction("divprune:keep=50%");
            Answer answer = model.generate(request, piece -> { });
            Explanation e = answer.explanation();
            assertThat(e.pieces()).hasSize(2 * pieces);
            assertThat(e.pieces().getFirst().grid()).isEqualTo(new Grid(rows, columns));
            assertThat(e.pieces().get(pieces).image()).isEqualTo(1);
            requireEveryTokenHasItsPatch(e);
            // separators between rows of patches are no patches, so they stay
            int visual = (int) Arrays.stream(e.prompt().pieces()).filter(p -> p >= 0).count();
            assertThat(e.pictureTokens()).isEqualTo(visual / 2);
            assertThat(e.panels().getLast().pieces().stream().mapToInt(Explanation.Alive::tokens).sum()).isEqualTo(visual / 2);
            assertThat(e.panels().getLast().after()).isEqualTo(answer.stats().languageTokens().getLast());
            assertThat(e.panels().getLast().pieces()).anySatisfy(a -> assertThat(a.scores().name()).isEqualTo("rank"));
        }
    }

    private static void requireEveryTokenHasItsPatch(Explanation e) {
        Set<List<Integer>> places = new HashSet<>();
        for (int t = 0; t < e.prompt().tokens(); t++) {
            int piece = e.prompt().pieces()[t];
            if (piece < 0) continue;
            assertThat(e.prompt().patches().get(t)).hasSize(1);
            int patch = e.prompt().patches().get(t)[0];
            assertThat(patch).isLessThan(e.pieces().get(piece).grid().cells());
            assertThat(places.add(List.of(piece, patch))).as("a patch of its own").isTrue();
        }
    }

    @Test
    void explainsOneLargePictureMadeOfPieces() {
        try (Winnow model = model(config("llava_onevision").replace("anyres_max_4", "anyres_max_1"), processor("llava_onevision"))) {
            RgbImage picture = noise(60, 60);
            Request request = Request.of(QUESTION, picture).withMaxTokens(1).withIgnoreEos(true).withReduction("divprune:keep=50%");
            Explanation e = model.generate(request, piece -> { }).explanation();
            assertThat(e.pieces()).extracting(Explanation.Piece::grid).containsExactly(new Grid(4, 4), new Grid(4, 4));
            assertThat(e.pieces()).extracting(Explanation.Piece::region).containsOnly(new Region(0, 0, 60, 60));
            requireEveryTokenHasItsPatch(e);
        }
    }

    @Test
    void explainsTowersThatMergeBeforePiecesArePacked() {
        try (Winnow model = model("llava_next")) {
            Request request = Request.of(QUESTION, noise(60, 40)).withMaxTokens(1).withIgnoreEos(true)
                    .withReduction("tome:keep=50%", "divprune:keep=50%");
            Explanation e = model.generate(request, piece -> { }).explanation();
            Set<Integer> whole = new HashSet<>();
            for (int t = 0; t < e.prompt().tokens(); t++) {
                if (e.prompt().pieces()[t] == 0) Arrays.stream(e.prompt().patches().get(t)).forEach(whole::add);
            }
            assertThat(whole).hasSize(16);
            assertThat(e.panels()).anySatisfy(p -> assertThat(p.method()).isEqualTo("model"));
            for (Explanation.Panel p : e.panels()) assertThat(p.pieces()).hasSize(5);
        }
    }

    private static Answer answer(Winnow model, RgbImage... pictures) {
        return model.generate(Request.of(QUESTION, pictures).withMaxTokens(3).withIgnoreEos(true), piece -> { });
    }

    @ParameterizedTest
    @CsvSource({"gemma3,tome:keep=50%,acts in the vision tower", "smolvlm,visionzip:keep=50%,acts in the vision tower",
        "qwen2_5_vl,tome:r=1,acts in the vision tower", "llava_onevision,tofu:keep=50%,acts in the vision tower",
        "paligemma,fastervlm:keep=50%,needs a class token", "paligemma,feather:keep=50%,seen as a whole",
        "qwen2_vl,streamingllm:keep=50%,along several axes"})
    void plansThatDoNotFitSaySo(String family, String spec, String sentence) {
        try (Winnow model = model(family)) {
            Request request = Request.of(QUESTION, noise(60, 40)).withMaxTokens(3).withReduction(spec);
            assertThatThrownBy(() -> model.generate(request, piece -> { })).isInstanceOf(PlanException.class).hasMessageContaining(sentence);
        }
    }

    @ParameterizedTest
    @CsvSource({"llava_next,tome:keep=50%", "llava_next,visionzip:keep=25%", "llava_next,hired:keep=25%", "llava_onevision,divprune:keep=25%",
        "paligemma,visionzip:keep=25%", "gemma3,cdpruner:keep=50%", "smolvlm,divprune:keep=50%", "qwen2_vl,divprune:keep=50%",
        "qwen2_5_vl,pyramiddrop:keep=50%"})
    void plansThatFitSave(String family, String spec) {
        try (Winnow model = model(family)) {
            Request request = Request.of(QUESTION, noise(60, 40), noise(40, 40)).withMaxTokens(3).withIgnoreEos(true);
            Answer dense = model.generate(request, piece -> { });
            Answer reduced = model.generate(request.withReduction(spec), piece -> { });
            assertThat(reduced.stats().languageTokens().getLast()).isLessThan(dense.stats().languageTokens().getLast());
            assertThat(reduced.stats().prefillFlops()).isLessThan(dense.stats().prefillFlops());
        }
    }

    @Test
    void configurationsThatDoNotFitSaySo() {
        refuses(config("llava_onevision").replace("anyres_max_4", "anyres"), "vision_aspect_ratio should be anyres_max_ and a number");
        refuses(config("llava_onevision").replace("'text_config'", "'vision_feature_select_strategy':'default','text_config'"),
                "leaves out a class token, but the tower has none");
        refuses(config("gemma3").replace("'mm_tokens_per_image':4", "'mm_tokens_per_image':9"), "does not divide the tower's 4 x 4 patches");
        refuses(config("qwen2_vl").replace("[2,3,3]", "[2,3,4]"), "mrope_section should be three lengths that make 8");
        refuses(config("llava").replace("clip_vision_model", "swin"), "vision_config has model_type 'swin'");
        refuses(config("llava").replace("'model_type':'llama'", "'model_type':'rwkv'"), "model_type 'rwkv' is no supported language model");
        refuses(config("llava_next").replace("'text_config'", "'image_grid_pinpoints':[[32,40]],'text_config'"), "is no canvas of tiles");
    }

    private void refuses(String config, String sentence) {
        assertThatThrownBy(() -> model(config, "{}")).isInstanceOf(CheckpointException.class).hasMessageContaining(sentence);
    }
}
