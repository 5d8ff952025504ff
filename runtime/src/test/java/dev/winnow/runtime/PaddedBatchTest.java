package dev.winnow.runtime;

import static dev.winnow.runtime.SmallVisionLanguage.noise;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.images.RgbImage;
import dev.winnow.weights.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Batches of prompts of different lengths, each with pictures of its own or without, against the prompts one by one. */
class PaddedBatchTest {
    private static final int PADDING = 7;
    private static final List<String> PROMPTS = List.of("what is it?", "no picture here, only words", "and?");
    private static final List<List<RgbImage>> PICTURES = List.of(List.of(noise(60, 40)), List.of(), List.of(noise(60, 42), noise(60, 44)));

    @TempDir
    private Path dir;

    private static Map<String, Tensor> run(Winnow model, Map<String, Tensor> inputs) {
        Map<String, Tensor> traced = new HashMap<>();
        for (Tensor t : new Tracer(model.model(), ReductionPlan.NONE, 4, Set.of()).run(inputs)) traced.put(t.name(), t);
        return traced;
    }

    /** Tensors one under the other. */
    private static Tensor stacked(List<Tensor> parts) {
        Tensor first = parts.getFirst();
        long[] shape = first.shape().clone();
        shape[0] = parts.stream().mapToLong(t -> t.dim(0)).sum();
        if (first.name().equals("pixel_values")) {
            float[] all = new float[(int) parts.stream().mapToLong(Tensor::elements).sum()];
            int at = 0;
            for (Tensor t : parts) {
                System.arraycopy(t.toFloats(), 0, all, at, (int) t.elements());
                at += (int) t.elements();
            }
            return Tensor.ofFloats(first.name(), all, shape);
        }
        return Tensor.ofLongs(first.name(), parts.stream().flatMapToLong(t -> LongStream.of(t.toLongs())).toArray(), shape);
    }

    private static Map<String, Tensor> batch(List<Map<String, Tensor>> rows, int length, boolean left) {
        long[] ids = new long[rows.size() * length];
        long[] mask = new long[ids.length];
        Arrays.fill(ids, PADDING);
        for (int b = 0; b < rows.size(); b++) {
            long[] own = rows.get(b).get("input_ids").toLongs();
            int from = b * length + (left ? length - own.length : 0);
            System.arraycopy(own, 0, ids, from, own.length);
            Arrays.fill(mask, from, from + own.length, 1);
        }
        Map<String, Tensor> batch = new HashMap<>();
        batch.put("input_ids", Tensor.ofLongs("input_ids", ids, rows.size(), length));
        batch.put("attention_mask", Tensor.ofLongs("attention_mask", mask, rows.size(), length));
        for (String name : List.of("pixel_values", "image_sizes", "image_grid_thw")) {
            List<Tensor> parts = rows.stream().map(r -> r.get(name)).filter(t -> t != null).toList();
            if (!parts.isEmpty()) batch.put(name, stacked(parts));
        }
        return batch;
    }

    @ParameterizedTest
    @CsvSource({"llava,true", "llava_next,true", "llava_onevision,true", "paligemma,true", "gemma3,true", "smolvlm,true", "qwen2_vl,true",
        "qwen2_5_vl,true", "llava,false", "qwen2_vl,false"})
    void givesWhatEveryRowGivesAlone(String family, boolean left) {
        try (Winnow model = SmallVisionLanguage.model(family, dir)) {
            List<Map<String, Tensor>> rows = new ArrayList<>();
            for (int b = 0; b < PROMPTS.size(); b++) rows.add(model.inputs(PROMPTS.get(b), PICTURES.get(b), true));
            int length = rows.stream().mapToInt(r -> r.get("input_ids").dim(1)).max().orElseThrow() + 3;
            Map<String, Tensor> together = run(model, batch(rows, length, left));
            for (int b = 0; b < rows.size(); b++) {
                Map<String, Tensor> alone = run(model, rows.get(b));
                int own = rows.get(b).get("input_ids").dim(1);
                int from = left ? length - own : 0;
                for (String name : List.of("text.merged_embeds", "text.layer.0", "text.layer.1", "text.final_norm", "logits")) {
                    Tensor all = together.get(name);
                    int width = all.dim(2);
                    assertThat(all.shape()).containsExactly(rows.size(), length, width);
                    float[] row = Arrays.copyOfRange(all.toFloats(), b * length * width, (b + 1) * length * width);
                    assertThat(Arrays.copyOfRange(row, from * width, (from + own) * width)).as(name).isEqualTo(alone.get(name).toFloats());
                    int padded = left ? 0 : length - 1;
                    assertThat(Arrays.copyOfRange(row, padded * width, (padded + 1) * width)).containsOnly(0f);
                }
                long[] generated = Arrays.copyOfRange(together.get("generated_ids").toLongs(), 4 * b, 4 * (b + 1));
                assertThat(generated).isEqualTo(alone.get("generated_ids").toLongs());
                if (!family.startsWith("qwen")) continue;
                long[] places = together.get("position_ids").toLongs();
                for (int axis = 0; axis < 3; axis++) {
                    int at = (axis * rows.size() + b) * length;
                    assertThat(Arrays.copyOfRange(places, at + from, at + from + own))
                            .isEqualTo(Arrays.copyOfRange(alone.get("position_ids").toLongs(), axis * own, (axis + 1) * own));
                    assertThat(places[at + (left ? 0 : length - 1)]).isEqualTo(1);
                }
                assertThat(together.get("rope_deltas").toLongs()[b])
                        .isEqualTo(alone.get("rope_deltas").toLongs()[0] - (length - own));
            }
        }
    }

    @Test
    void refusesRowsThatDoNotFitTheirPictures() {
        try (Winnow model = SmallVisionLanguage.model("llava", dir)) {
            Map<String, Tensor> inputs = model.inputs("what?", List.of(noise(60, 40)), true);
            long[] mask = new long[inputs.get("input_ids").dim(1)];
            Arrays.fill(mask, mask.length - 10, mask.length, 1);
            Map<String, Tensor> masked = new HashMap<>(inputs);
            masked.put("attention_mask", Tensor.ofLongs("attention_mask", mask, 1, mask.length));
            assertThatThrownBy(() -> run(model, masked)).isInstanceOf(RequestException.class).hasMessageContaining("image tokens too few");
        }
    }
}
