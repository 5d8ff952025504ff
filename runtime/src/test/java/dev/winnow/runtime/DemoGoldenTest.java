package dev.winnow.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.images.RgbImage;
import dev.winnow.weights.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The demo models against an independent implementation in numpy: pictures and words in, numbers and words out. */
class DemoGoldenTest {
    private static final Path DEMO = Path.of("../examples/demo");
    private static final double TOLERANCE = 1e-3;
    private static Winnow vlm;
    private static Winnow vit;

    @BeforeAll
    static void open() {
        vlm = Winnow.open(DEMO.resolve("shapes-vlm"));
        vit = Winnow.open(DEMO.resolve("shapes-vit"));
    }

    @AfterAll
    static void close() {
        vlm.close();
        vit.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4})
    void answersLikeTheReference(int n) throws IOException {
        JsonNode golden = json("vlm-" + n);
        RgbImage image = RgbImage.read(DEMO.resolve("golden/vlm-" + n + ".png"));
        Map<String, float[]> arrays = floats("vlm-" + n);
        Map<String, Tensor> inputs = vlm.inputs(golden.get("question").asText(), List.of(image), false);
        assertThat(inputs.get("input_ids").toLongs()).containsExactly(longs(golden.get("input_ids")));
        assertClose(inputs.get("pixel_values").toFloats(), arrays.get("pixel_values"));

        Map<String, Tensor> traced = new HashMap<>();
        for (Tensor t : new Tracer(vlm.model(), ReductionPlan.NONE, 1, Set.of()).run(inputs)) traced.put(t.name(), t);
        assertClose(traced.get("projector").toFloats(), arrays.get("projector"));
        float[] logits = traced.get("generated_logits").toFloats();
        assertClose(logits, arrays.get("logits_last"));
        Integer[] ranked = IntStream.range(0, logits.length).boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -logits[i])).toArray(Integer[]::new);
        for (int i = 0; i < 5; i++) {
            assertThat(ranked[i]).isEqualTo(golden.get("top5").get(i).get(0).asInt());
            assertThat((double) logits[ranked[i]]).isEqualTo(golden.get("top5").get(i).get(1).asDouble(), within(TOLERANCE));
        }

        Answer answer = vlm.generate(Request.of(golden.get("question").asText(), image), piece -> { });
        assertThat(IntStream.of(answer.tokens()).asLongStream().toArray()).containsExactly(longs(golden.get("generated_ids")));
        assertThat(answer.text().strip()).isEqualTo(golden.get("generated_text").asText().strip());
        assertThat(answer.end()).isEqualTo(Answer.End.END_OF_SEQUENCE);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4})
    void classifiesLikeTheReference(int n) throws IOException {
        JsonNode golden = json("vit-" + n);
        RgbImage image = RgbImage.read(DEMO.resolve("golden/vit-" + n + ".png"));
        Map<String, Tensor> inputs = vit.inputs(null, List.of(image), false);
        assertClose(inputs.get("pixel_values").toFloats(), floats("vit-" + n).get("pixel_values"));
        float[] logits = new Tracer(vit.model(), ReductionPlan.NONE, 0, Set.of()).run(inputs).stream()
                .filter(t -> t.name().equals("logits")).findFirst().orElseThrow().toFloats();
        for (int i = 0; i < logits.length; i++) {
            assertThat((double) logits[i]).isEqualTo(golden.get("logits").get(i).asDouble(), within(TOLERANCE));
        }
        Classification.Label best = vit.classify(image, ReductionPlan.NONE).labels().getFirst();
        assertThat(best.index()).isEqualTo(golden.get("predicted").asInt());
    }

    private static void assertClose(float[] actual, float[] expected) {
        assertThat(actual).hasSameSizeAs(expected);
        assertThat(Golden.difference(actual, expected)).isLessThan(TOLERANCE);
    }

    private static JsonNode json(String name) throws IOException {
        return new ObjectMapper().readTree(DEMO.resolve("golden/" + name + ".json").toFile());
    }

    private static long[] longs(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false).mapToLong(JsonNode::asLong).toArray();
    }

    /** The float32 arrays of a numpy archive: in each file of the zip a header whose length is at byte 8, then the values. */
    private static Map<String, float[]> floats(String name) throws IOException {
        Map<String, float[]> arrays = new HashMap<>();
        try (InputStream file = Files.newInputStream(DEMO.resolve("golden/" + name + ".npz")); ZipInputStream zip = new ZipInputStream(file)) {
            for (ZipEntry e = zip.getNextEntry(); e != null; e = zip.getNextEntry()) {
                ByteBuffer bytes = ByteBuffer.wrap(zip.readAllBytes()).order(ByteOrder.LITTLE_ENDIAN);
                int header = 10 + bytes.getShort(8);
                if (!new String(bytes.array(), 0, header, StandardCharsets.ISO_8859_1).contains("'<f4'")) continue;
                FloatBuffer values = bytes.position(header).slice().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
                float[] all = new float[values.remaining()];
                values.get(all);
                arrays.put(e.getName().replace(".npy", ""), all);
            }
        }
        return arrays;
    }
}
