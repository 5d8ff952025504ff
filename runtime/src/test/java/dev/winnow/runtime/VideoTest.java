package dev.winnow.runtime;

import static dev.winnow.runtime.SmallVisionLanguage.config;
import static dev.winnow.runtime.SmallVisionLanguage.noise;
import static dev.winnow.runtime.SmallVisionLanguage.processor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.layers.Workspace;
import dev.winnow.reduction.Grid;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.Tokens;
import dev.winnow.runtime.images.ImageException;
import dev.winnow.runtime.images.RgbImage;
import dev.winnow.runtime.images.Video;
import dev.winnow.runtime.models.VisionLanguageModel;
import dev.winnow.weights.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Films, against what pictures give and against plain code that follows the papers. */
class VideoTest {
    private static final String QUESTION = "what?";

    @TempDir
    private Path dir;

    private static Map<String, Tensor> run(Winnow model, Map<String, Tensor> inputs) {
        Map<String, Tensor> traced = new HashMap<>();
        for (Tensor t : new Tracer(model.model(), ReductionPlan.NONE, 3, Set.of()).run(inputs)) traced.put(t.name(), t);
        return traced;
    }

    /** Frames of one size, all different. */
    private static List<RgbImage> frames(int count) {
        byte[] all = noise(48, 32 * count).rgb();
        List<RgbImage> frames = new ArrayList<>();
        for (int f = 0; f < count; f++) frames.add(new RgbImage(48, 32, Arrays.copyOfRange(all, f * 3 * 48 * 32, (f + 1) * 3 * 48 * 32)));
        return frames;
    }

    @ParameterizedTest
    @CsvSource({"qwen2_vl", "qwen2_5_vl"})
    void aFilmThatStandsStillIsAPicture(String family) {
        RgbImage still = noise(60, 40);
        try (Winnow model = SmallVisionLanguage.model(family, dir)) {
            Map<String, Tensor> picture = run(model, model.inputs(QUESTION, List.of(still), true));
            Map<String, Tensor> film = run(model, model.inputs(QUESTION, List.of(), List.of(new Video(List.of(still, still), 2)), true));
            assertThat(film.get("projector").toFloats()).isEqualTo(picture.get("projector").toFloats());
            // one frame stands for two, and everything after it is the same too
            Map<String, Tensor> one = run(model, model.inputs(QUESTION, List.of(), List.of(new Video(List.of(still), 2)), true));
            for (String name : List.of("logits", "text.merged_embeds")) {
                assertThat(film.get(name).toFloats()).isEqualTo(picture.get(name).toFloats());
                assertThat(one.get(name).toFloats()).isEqualTo(picture.get(name).toFloats());
            }
        }
    }

    /** The tower looks at each pair of frames by itself: as at pictures of the same patches. */
    @ParameterizedTest
    @CsvSource({"qwen2_vl", "qwen2_5_vl"})
    void momentsAreLookedAtOneByOne(String family) {
        try (Winnow model = SmallVisionLanguage.model(family, dir)) {
            Map<String, Tensor> inputs = model.inputs(QUESTION, List.of(), List.of(new Video(frames(5), 2)), true);
            assertThat(inputs.get("video_grid_thw").toLongs()).containsExactly(3, 4, 6);
            assertThat(inputs.get("second_per_grid_ts").toFloats()).containsExactly(1f);
            float[] patches = inputs.get("pixel_values_videos").toFloats();
            long[] ids = Arrays.stream(inputs.get("input_ids").toLongs()).map(id -> id == SmallVisionLanguage.VIDEO ? SmallVisionLanguage.IMAGE : id)
                    .toArray();
            Map<String, Tensor> pictures = Map.of("input_ids", Tensor.ofLongs("input_ids", ids, 1, ids.length),
                    "pixel_values", Tensor.ofFloats("pixel_values", patches, 72, 2 * 3 * 64),
                    "image_grid_thw", Tensor.ofLongs("image_grid_thw", new long[] {1, 4, 6, 1, 4, 6, 1, 4, 6}, 3, 3));
            Map<String, Tensor> film = run(model, inputs);
            Map<String, Tensor> apart = run(model, pictures);
            assertThat(film.get("projector").toFloats()).isEqualTo(apart.get("projector").toFloats());
            assertThat(film.get("text.merged_embeds").toFloats()).isEqualTo(apart.get("text.merged_embeds").toFloats());
            // but they lie elsewhere in time and place
            assertThat(film.get("logits").toFloats()).isNotEqualTo(apart.get("logits").toFloats());
        }
    }

    @Test
    void aPatchHoldsBothFramesChannelByChannel() {
        try (Winnow model = SmallVisionLanguage.model("qwen2_vl", dir)) {
            List<RgbImage> frames = frames(2);
            float[] both = model.inputs(QUESTION, List.of(), List.of(new Video(frames, 2)), true).get("pixel_values_videos").toFloats();
            float[] first = model.inputs(QUESTION, frames.subList(0, 1), true).get("pixel_values").toFloats();
            float[] second = model.inputs(QUESTION, frames.subList(1, 2), true).get("pixel_values").toFloats();
            assertThat(both).hasSameSizeAs(first);
            for (int i = 0; i < both.length; i++) assertThat(both[i]).isEqualTo(i / 64 % 2 == 0 ? first[i] : second[i]);
        }
    }

    /** Positions of M-RoPE by plain code: text, a film of a grid, text, a picture, text. */
    @ParameterizedTest
    @CsvSource({"qwen2_vl,2", "qwen2_5_vl,2", "qwen2_5_vl,1", "qwen2_5_vl,5", "qwen2_5_vl,16"})
    void placesInTime(String family, double fps) {
        try (Winnow model = SmallVisionLanguage.model(config(family).replace("'num_heads'", "'tokens_per_second':2,'num_heads'"),
                processor(family), dir)) {
            VisionLanguageModel m = (VisionLanguageModel) model.model();
            Map<String, Tensor> inputs = model.inputs("a<video>bc<image>d", List.of(noise(60, 40)), List.of(new Video(frames(6), fps)), true);
            int[] ids = Arrays.stream(inputs.get("input_ids").toLongs()).mapToInt(i -> (int) i).toArray();
            PixelInputs pixels = new PixelInputs(m, inputs);
            Workspace workspace = new Workspace();
            SeenInOrder seen = new SeenInOrder(m);
            var schedule = ReductionPlan.NONE.schedule(m.shape());
            seen.add(false, m.look(pixels.images().getFirst(), 0, m.lastBlock() + 1, schedule, workspace, null, StackListener.NONE));
            seen.add(true, m.look(pixels.films().getFirst(), 1, m.lastBlock() + 1, schedule, workspace, null, StackListener.NONE));
            Tokens prompt = m.merge(ids, seen.of(ids), workspace);

            // film: 3 moments of 2 x 3 squares; picture: 2 x 4 squares (40 x 60 pixels become 32 x 64)
            double seconds = (float) (2 / fps);
            List<int[]> wanted = new ArrayList<>();
            int next = 0;
            for (int t = 0; t < ids.length; t++) {
                boolean film = ids[t] == SmallVisionLanguage.VIDEO;
                if (!film && ids[t] != SmallVisionLanguage.IMAGE) {
                    wanted.add(new int[] {next, next, next++});
                    continue;
                }
                Grid grid = film ? new Grid(2, 3) : new Grid(2, 4);
                int moments = film ? 3 : 1;
                int highest = 0;
                for (int f = 0; f < moments; f++) {
                    int tick = family.equals("qwen2_vl") ? f : (int) (f * (float) seconds * 2);
                    for (int c = 0; c < grid.cells(); c++) {
                        wanted.add(new int[] {next + tick, next + grid.row(c), next + grid.column(c)});
                        highest = Math.max(highest, Math.max(tick, Math.max(grid.row(c), grid.column(c))));
                    }
                }
                next += highest + 1;
                t += moments * grid.cells() - 1;
            }
            assertThat(prompt.count()).isEqualTo(ids.length);
            int[][] at = workspace.places().at();
            for (int i = 0; i < ids.length; i++) assertThat(new int[] {at[0][i], at[1][i], at[2][i]}).as("token " + i).isEqualTo(wanted.get(i));
            assertThat(workspace.places().next()).isEqualTo(next);
        }
    }

    /** Bilinear resampling to half the rows and columns, rounded up, by plain code; sides of 4 patches and of 3. */
    @ParameterizedTest
    @CsvSource({"32,4,2", "24,3,2"})
    void framesOfOneVisionArePooled(int size, int side, int half) {
        String config = config("llava_onevision").replace("'image_size':32", "'image_size':" + size);
        try (Winnow model = SmallVisionLanguage.model(config, processor("llava_onevision").replace("32", "" + size), dir)) {
            Map<String, Tensor> inputs = model.inputs(QUESTION, List.of(), List.of(new Video(frames(3), 2)), true);
            assertThat(inputs.get("pixel_values_videos").shape()).containsExactly(1, 3, 3, size, size);
            assertThat(Arrays.stream(inputs.get("input_ids").toLongs()).filter(id -> id == SmallVisionLanguage.VIDEO).count())
                    .isEqualTo(3L * half * half + 1);
            Map<String, Tensor> traced = run(model, inputs);
            float[] projected = traced.get("projector").toFloats();
            int width = traced.get("projector").dim(2);
            float[] merged = traced.get("text.merged_embeds").toFloats();
            int first = first(inputs.get("input_ids").toLongs());
            for (int i = 0; i < 3 * half * half; i++) {
                int frame = i / (half * half);
                double y = (i / half % half + 0.5) * side / half - 0.5;
                double x = (i % half + 0.5) * side / half - 0.5;
                for (int c = 0; c < width; c++) {
                    double value = 0;
                    for (int p = 0; p < side * side; p++) {
                        double weight = Math.max(0, 1 - Math.abs(p / side - y)) * Math.max(0, 1 - Math.abs(p % side - x));
                        value += weight * projected[(frame * side * side + p) * width + c];
                    }
                    assertThat(merged[(first + i) * width + c]).isCloseTo((float) value, within(1e-5f));
                }
            }
            // the learned end of a row ends the film
            float[] end = model.inputs(QUESTION, List.of(noise(60, 40)), true).isEmpty() ? null : newline(model);
            int last = (first + 3 * half * half) * width;
            assertThat(Arrays.copyOfRange(merged, last, last + width)).isEqualTo(end);
        }
    }

    private static int first(long[] ids) {
        return IntStream.range(0, ids.length).filter(i -> ids[i] == SmallVisionLanguage.VIDEO).findFirst().orElseThrow();
    }

    private static float[] newline(Winnow model) {
        Map<String, Tensor> picture = run(model, model.inputs(QUESTION, List.of(noise(60, 60)), true));
        Tensor packed = picture.get("packed_image_features");
        float[] rows = packed.toFloats();
        return Arrays.copyOfRange(rows, rows.length - packed.dim(1), rows.length);
    }

    @ParameterizedTest
    @CsvSource({"qwen2_vl", "qwen2_5_vl", "llava_onevision"})
    void answersWhatItTraces(String family) {
        try (Winnow model = SmallVisionLanguage.model(family, dir)) {
            List<Video> videos = List.of(new Video(frames(4), 4), new Video(frames(3), 4));
            List<RgbImage> pictures = List.of(noise(60, 40));
            String prompt = "<video> or <image>, <video>?";
            Request request = Request.of(prompt, pictures.getFirst()).withVideos(videos.subList(0, 1)).withMaxTokens(3).withIgnoreEos(true).withVerbatim(true);
            Answer answer = model.generate(request.withVideos(videos), piece -> { });
            // one film after the other: tensors of films of different lengths exist only as patches
            if (!family.startsWith("qwen")) {
                answer = model.generate(requestOf("<video> or <image>?", pictures, videos.subList(0, 1)), piece -> { });
            }
            Map<String, Tensor> traced = family.startsWith("qwen") ? run(model, model.inputs(prompt, pictures, videos, true))
                    : run(model, model.inputs("<video> or <image>?", pictures, videos.subList(0, 1), true));
            assertThat(Arrays.stream(answer.tokens()).asLongStream().toArray()).isEqualTo(traced.get("generated_ids").toLongs());
            assertThatThrownBy(() -> model.generate(request, piece -> { })).hasMessage("the prompt has 2 places for videos, but there is 1 video");
        }
    }

    private static Request requestOf(String prompt, List<RgbImage> pictures, List<Video> videos) {
        return Request.of(prompt, pictures.toArray(RgbImage[]::new)).withVideos(videos).withMaxTokens(3).withIgnoreEos(true).withVerbatim(true);
    }

    /** A film that stands still is reduced to about a frame, and the methods of pictures work on films too. */
    @ParameterizedTest
    @CsvSource({"qwen2_vl,holitom:keep=25%", "llava_onevision,holitom:keep=25%", "qwen2_5_vl,divprune:keep=25%", "llava_onevision,pyramiddrop:keep=50%"})
    void reductionMethodsRunOnFilms(String family, String spec) {
        try (Winnow model = SmallVisionLanguage.model(family, dir)) {
            RgbImage still = noise(60, 40);
            Request request = requestOf(QUESTION, List.of(), List.of(new Video(Collections.nCopies(8, still), 2)));
            Answer dense = model.generate(request, piece -> { });
            Answer reduced = model.generate(request.withReduction(spec), piece -> { });
            int spared = dense.stats().languageTokens().getLast() - reduced.stats().languageTokens().getLast();
            assertThat(spared).isBetween(dense.stats().imageTokens() / 2 - 2, dense.stats().imageTokens() * 9 / 10);
            assertThat(reduced.explanation().pieces()).hasSize(family.startsWith("qwen") ? 4 : 8);
        }
    }

    @Test
    void whatIsNoFilmSaysSo() throws Exception {
        assertThatThrownBy(() -> Video.read(List.of(Path.of("a.MP4")), 2)).isInstanceOf(ImageException.class)
                .hasMessageContaining("a.MP4 is a film, and Winnow decodes pictures only");
        assertThatThrownBy(() -> Video.read(List.of(dir), 2)).hasMessageContaining("holds no pictures");
        assertThatThrownBy(() -> new Video(frames(1), 0)).hasMessageContaining("frames a second");
        frames(2).getFirst().writePng(dir.resolve("b.png"));
        frames(2).getLast().writePng(dir.resolve("a.png"));
        Files.writeString(dir.resolve("notes.txt"), "no picture");
        assertThat(Video.read(List.of(dir), 2).frames().getFirst().rgb()).isEqualTo(frames(2).getLast().rgb());
        try (Winnow model = SmallVisionLanguage.model("llava", dir)) {
            assertThatThrownBy(() -> model.generate(requestOf(QUESTION, List.of(), List.of(new Video(frames(1), 2))), piece -> { }))
                    .isInstanceOf(RequestException.class).hasMessageContaining("(llava) takes no videos");
        }
        try (Winnow model = SmallVisionLanguage.model("qwen2_vl", dir)) {
            List<RgbImage> mixed = List.of(noise(60, 40), noise(40, 60));
            assertThatThrownBy(() -> model.generate(requestOf(QUESTION, List.of(), List.of(new Video(mixed, 2))), piece -> { }))
                    .hasMessageContaining("should be of one size, but become 64x32 and 32x64");
        }
    }
}
