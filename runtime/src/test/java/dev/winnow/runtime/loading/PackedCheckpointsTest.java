package dev.winnow.runtime.loading;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.runtime.Golden;
import dev.winnow.runtime.LoadOptions;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.loading.Packers.Packed;
import dev.winnow.runtime.loading.Packers.Packer;
import dev.winnow.runtime.models.LoadReport;
import dev.winnow.runtime.models.Quantization;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Models whose matrices are packed compute what their unpacked twins compute. */
class PackedCheckpointsTest {
    private static final String GPTQ = "\"quantization_config\": {\"quant_method\": \"gptq\", \"bits\": 4, \"group_size\": 32}";
    private static final String GPTQ_V2 = GPTQ.replace("}", ", \"checkpoint_format\": \"gptq_v2\"}");
    private static final String AWQ = "\"quantization_config\": {\"quant_method\": \"awq\", \"bits\": 4, \"group_size\": 32, \"version\": \"gemm\"}";
    private static final String COMPRESSED = "\"quantization_config\": {\"quant_method\": \"compressed-tensors\", \"format\": \"%s\","
            + " \"quantization_status\": \"compressed\", \"config_groups\": {\"group_0\": {\"targets\": [\"Linear\"], \"weights\": %s}}}";
    private static final String FP8 = "\"quantization_config\": {\"quant_method\": \"fp8\", \"weight_block_size\": [32, 32]}";

    @TempDir
    private Path folder;

    private static String compressed(String format) {
        return COMPRESSED.formatted(format, "{\"num_bits\": 4}");
    }

    static Stream<Arguments> layouts() {
        return Stream.of(
                Arguments.of("GPTQ symmetric", GPTQ, Packers.gptq(4, 32, true, true, false), "Q4_0"),
                Arguments.of("GPTQ symmetric, a scale per row", GPTQ, Packers.gptq(4, -1, true, true, false), "Q4_0"),
                Arguments.of("GPTQ asymmetric", GPTQ, Packers.gptq(4, 32, false, true, false), "Q8_0"),
                Arguments.of("GPTQ v2 asymmetric", GPTQ_V2, Packers.gptq(4, 32, false, false, false), "Q8_0"),
                Arguments.of("GPTQ reordered", GPTQ, Packers.gptq(4, 32, false, true, true), "F32"),
                Arguments.of("GPTQ small groups", GPTQ, Packers.gptq(4, 16, true, true, false), "F32"),
                Arguments.of("GPTQ 8 bits symmetric", GPTQ, Packers.gptq(8, 32, true, true, false), "Q8_0"),
                Arguments.of("GPTQ 8 bits asymmetric", GPTQ, Packers.gptq(8, 32, false, true, false), "F32"),
                Arguments.of("GPTQ 2 bits", GPTQ, Packers.gptq(2, 32, false, true, false), "Q4_0"),
                Arguments.of("AWQ", AWQ, Packers.awq(32), "Q8_0"),
                Arguments.of("words symmetric", compressed("pack-quantized"), Packers.compressedWords(4, 32, true, false, DType.BF16), "Q4_0"),
                Arguments.of("words asymmetric", compressed("pack-quantized"), Packers.compressedWords(4, 32, false, false, DType.BF16), "Q8_0"),
                Arguments.of("words reordered", compressed("pack-quantized"), Packers.compressedWords(4, 32, true, true, DType.BF16), "F32"),
                Arguments.of("words, f32 scales", compressed("pack-quantized"), Packers.compressedWords(4, 32, true, false, DType.F32), "F32"),
                Arguments.of("words of 8 bits", compressed("pack-quantized"), Packers.compressedWords(8, -1, true, false, DType.BF16), "Q8_0"),
                Arguments.of("bytes per row", compressed("int-quantized"), Packers.compressedBytes(true, true, DType.BF16), "Q8_0"),
                Arguments.of("bytes asymmetric", compressed("int-quantized"), Packers.compressedBytes(true, false, DType.BF16), "F32"),
                Arguments.of("bytes, one scale", compressed("naive-quantized"), Packers.compressedBytes(false, true, DType.F32), "F32"),
                Arguments.of("floats per row", compressed("float-quantized"), Packers.float8("weight_scale", 1, -1, DType.BF16), "F32"),
                Arguments.of("floats, one scale", compressed("float-quantized"), Packers.float8("weight_scale", -1, -1, DType.F32), "F32"),
                Arguments.of("floats per rectangle", COMPRESSED.formatted("float-quantized", "{\"block_structure\": \"16x48\"}"),
                        Packers.float8("weight_scale", 16, 48, DType.BF16), "F32"),
                Arguments.of("DeepSeek's floats", FP8, Packers.float8("weight_scale_inv", 32, 32, DType.F32), "F32"),
                Arguments.of("DeepSeek's floats, rectangles of 128", FP8.replace(", \"weight_block_size\": [32, 32]", ""),
                        Packers.float8("weight_scale_inv", 128, 128, DType.F32), "F32"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("layouts")
    void logitsAreThoseOfTheUnpackedModel(String name, String config, Packer packer, String held) throws IOException {
        TinyModel model = new TinyModel(TinyModel.LLAMA);
        List<String> modules = model.modules();
        List<Tensor> packed = pack(model, packer, modules);
        model.writePacked(folder.resolve("packed"), packed, modules, config);
        float[] given = TinyModel.logits(model.write(folder.resolve("unpacked")));
        assertThat(modules).hasSize(14);
        try (Winnow winnow = Winnow.open(folder.resolve("packed"))) {
            float[] logits = TinyModel.logits(winnow);
            assertThat(Golden.difference(logits, given)).isLessThan(1e-4);
            LoadReport report = winnow.loadReport();
            assertThat(report.unused()).isEmpty();
            assertThat(report.parameters()).filteredOn(p -> p.from().stream().anyMatch(s -> s.name().contains("up_proj")))
                    .allSatisfy(p -> {
                        assertThat(p.uses()).singleElement().asString().contains("up");
                        assertThat(p.held()).isEqualTo(held + "[96, 64]");
                        assertThat(p.steps()).singleElement().asString().startsWith("unpacked from ");
                    }).hasSize(2);
        }
    }

    /** Packs modules; the model's own weights become what the packed ones stand for. */
    private static List<Tensor> pack(TinyModel model, Packer packer, List<String> modules) {
        List<Tensor> packed = new ArrayList<>();
        for (String module : modules) {
            long[] shape = model.shape(module);
            Packed p = packer.pack(module, model.weight(module), (int) shape[0], (int) shape[1]);
            assertThat(Golden.difference(p.values(), model.weight(module))).as("a packer that does not lose it all").isLessThan(0.6);
            packed.addAll(p.tensors());
            model.put(module + ".weight", p.values(), shape);
        }
        return packed;
    }

    @Test
    void whatCannotBeHeldExactlyIsRoundedOnRequest() throws IOException {
        TinyModel model = new TinyModel(TinyModel.LLAMA);
        List<Tensor> packed = pack(model, Packers.float8("weight_scale_inv", 32, 32, DType.F32), model.modules());
        model.writePacked(folder.resolve("packed"), packed, model.modules(), FP8);
        float[] rounded = TinyModel.logits(folder.resolve("packed"), LoadOptions.defaults().withQuantization(Quantization.Q8));
        float[] same = TinyModel.logits(model.write(folder.resolve("unpacked")), LoadOptions.defaults().withQuantization(Quantization.Q8));
        assertThat(rounded).isEqualTo(same);
    }

    @Test
    void layersStoredTheOtherWayRoundArePackedLikeOthers() throws IOException {
        TinyModel model = new TinyModel(TinyModel.GPT2);
        List<Tensor> packed = new ArrayList<>();
        Packer packer = Packers.gptq(4, 32, true, true, false);
        for (String module : model.modules()) {
            int in = (int) model.shape(module)[0];
            int out = (int) model.shape(module)[1];
            Packed p = packer.pack(module, turned(model.weight(module), in, out), out, in);
            packed.addAll(p.tensors());
            model.put(module + ".weight", turned(p.values(), out, in), in, out);
        }
        model.writePacked(folder.resolve("packed"), packed, model.modules(), GPTQ);
        assertThat(model.modules()).hasSize(8);
        assertThat(Golden.difference(TinyModel.logits(folder.resolve("packed")), TinyModel.logits(model.write(folder.resolve("unpacked")))))
                .isLessThan(1e-4);
    }

    private static float[] turned(float[] x, int rows, int columns) {
        float[] y = new float[x.length];
        for (int i = 0; i < x.length; i++) y[i % columns * rows + i / columns] = x[i];
        return y;
    }

    @Test
    void bareEightBitFloatsNeedNoConfiguration() throws IOException {
        TinyModel model = new TinyModel(TinyModel.LLAMA);
        String module = model.modules().getFirst();
        byte[] codes = new byte[64 * 64];
        float[] values = new float[codes.length];
        for (int i = 0; i < codes.length; i++) {
            codes[i] = (byte) (i % 2 == 0 ? 0x38 - i % 16 : 0xb8 - i % 24);
            values[i] = Float.float16ToFloat((short) (codes[i] << 8));
        }
        model.writePacked(folder.resolve("packed"), List.of(Packers.bytes(module + ".weight", DType.F8_E5M2, codes, 64, 64)), List.of(module), "");
        model.put(module + ".weight", values, 64, 64);
        assertThat(Golden.difference(TinyModel.logits(folder.resolve("packed")), TinyModel.logits(model.write(folder.resolve("unpacked")))))
                .isLessThan(1e-4);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "'{\"quant_method\": \"bitsandbytes\", \"load_in_4bit\": true}' | quant_method 'bitsandbytes' cannot be read: its codes are indices",
        "'{\"quant_method\": \"hqq\"}' | quant_method 'hqq' cannot be read: its zero points are fractions",
        "'{\"quant_method\": \"mxfp4\"}' | quant_method 'mxfp4' cannot be read: its elements are four-bit floats",
        "'{\"quant_method\": \"never heard of\"}' | quant_method 'never heard of' cannot be read; gptq, awq",
        "'{\"quant_method\": \"awq\", \"bits\": 4, \"version\": \"gemv\"}' | AWQ version 'gemv'",
        "'{\"quant_method\": \"awq\", \"bits\": 3}' | AWQ in 3 bits",
        "'{\"quant_method\": \"gptq\", \"bits\": 4, \"checkpoint_format\": \"marlin\"}' | checkpoint_format 'marlin'",
        "'{\"quant_method\": \"compressed-tensors\", \"format\": \"nvfp4-pack-quantized\"}' | 'nvfp4-pack-quantized' cannot be read: its elements",
        "'{\"quant_method\": \"compressed-tensors\", \"format\": \"marlin-24\"}' | 'marlin-24' cannot be read: it leaves out zeros",
        "'{\"quant_method\": \"fp8\", \"weight_block_size\": [128]}' | weight_block_size should be a height and a width"})
    void otherPackingsAreRefusedWithTheReason(String settings, String reason) throws IOException {
        TinyModel model = new TinyModel(TinyModel.LLAMA);
        model.write(folder.resolve("model"), model.tensors.values(), "\"quantization_config\": " + settings);
        assertThatThrownBy(() -> Winnow.open(folder.resolve("model"))).isInstanceOf(CheckpointException.class).hasMessageContaining(reason)
                .hasMessageNotContaining("\n");
    }

    static Stream<Arguments> damage() {
        return Stream.of(
                Arguments.of(GPTQ, Packers.gptq(4, 32, true, true, false), "qweight", new int[7][64], "qweight is I32[7, 64]"),
                Arguments.of(GPTQ, Packers.gptq(4, 32, true, true, false), "qzeros", new int[3][8], "qzeros is I32[3, 8], but GPTQ asks for I32[2, 8]"),
                Arguments.of(GPTQ, Packers.gptq(4, 32, true, true, false), "g_idx", new int[][] {filled(64, 2)}, "puts column 0 into group 2 of 2"),
                Arguments.of(GPTQ, Packers.gptq(4, 32, true, true, false), "scales", null, "scales' is missing"),
                Arguments.of(AWQ, Packers.awq(32), "qweight", new int[64][7], "qweight is I32[64, 7], but AWQ asks for I32[64, 8]"),
                Arguments.of(compressed("pack-quantized"), Packers.compressedWords(4, 32, true, false, DType.BF16), "weight_packed",
                        new int[64][9], "weight_packed is I32[64, 9]"),
                Arguments.of(compressed("pack-quantized"), Packers.compressedWords(4, 32, true, false, DType.BF16), "weight_scale",
                        new int[64][2], "scales can be F16, BF16 or F32"));
    }

    private static int[] filled(int n, int value) {
        int[] all = new int[n];
        Arrays.fill(all, value);
        return all;
    }

    @ParameterizedTest
    @MethodSource("damage")
    void misshapenPartsAreNamed(String config, Packer packer, String part, int[][] instead, String said) throws IOException {
        TinyModel model = new TinyModel(TinyModel.LLAMA);
        String module = "model.layers.0.self_attn.q_proj";
        List<Tensor> packed = pack(model, packer, List.of(module));
        packed.removeIf(t -> t.name().equals(module + "." + part));
        if (instead != null) packed.add(Packers.words(module + "." + part, instead));
        model.writePacked(folder.resolve("packed"), packed, List.of(module), config);
        assertThatThrownBy(() -> Winnow.open(folder.resolve("packed"))).isInstanceOf(CheckpointException.class)
                .hasMessageContaining(module).hasMessageContaining(said);
    }

    @Test
    void olderModelsDescribeThePackingInAFileOfItsOwn() throws IOException {
        TinyModel model = new TinyModel(TinyModel.LLAMA);
        List<Tensor> packed = pack(model, Packers.gptq(4, 32, true, true, false), model.modules());
        model.writePacked(folder.resolve("packed"), packed, model.modules(), "");
        Files.writeString(folder.resolve("packed/quantize_config.json"), "{\"bits\": 4, \"group_size\": 32, \"desc_act\": false}");
        assertThat(Golden.difference(TinyModel.logits(folder.resolve("packed")), TinyModel.logits(model.write(folder.resolve("unpacked")))))
                .isLessThan(1e-4);
    }
}
