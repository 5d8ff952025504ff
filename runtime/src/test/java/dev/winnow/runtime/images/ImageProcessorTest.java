package dev.winnow.runtime.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.ModelDirectory;
import dev.winnow.weights.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImageProcessorTest {
    private static final String CLIP = "'image_processor_type': 'CLIPImageProcessor'";

    @ParameterizedTest
    @CsvSource({"CLIPImageProcessor, 224, 3", "CLIPFeatureExtractor, 224, 3", "CLIPImageProcessorFast, 224, 3",
            "ViTImageProcessor, 224, 2", "ViTFeatureExtractor, 224, 2", "ViTImageProcessorFast, 224, 2",
            "DeiTImageProcessor, 224, 3", "BitImageProcessor, 224, 3", "SiglipImageProcessor, 224, 3", "LlavaImageProcessor, 224, 3"})
    void everyClassHasItsDefaults(String type, int side, int resample) {
        RgbImage image = noise(300, 250);
        Pixels byDefault = processor("'image_processor_type': '" + type + "'").process(image);
        assertThat(byDefault.height()).isEqualTo(side);
        assertThat(byDefault.width()).isEqualTo(side);
        Pixels spelledOut = processor("'feature_extractor_type': '" + type + "', 'resample': " + resample + ", 'size': "
                + (type.startsWith("DeiT") ? 256 : 224) + ", 'crop_size': 224").process(image);
        assertThat(spelledOut.values()).isEqualTo(byDefault.values());
        assertThat(spelledOut.region()).isEqualTo(byDefault.region());
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '"', value = {
            "'size': 224, 'crop_size': 224, 'do_center_crop': true; 'image_processor_type': 'CLIPImageProcessor'",
            "'size': {'shortest_edge': 224}; 'image_processor_type': 'CLIPImageProcessor'",
            "'size': 224; 'image_processor_type': 'ViTImageProcessor'",
            "'size': {'height': 256, 'width': 256}, 'crop_size': 224; 'image_processor_type': 'DeiTImageProcessor'",
            "'do_pad': true; 'image_processor_type': 'LlavaImageProcessor', 'do_pad': true"})
    void theClassFollowsFromTheKeysWhenNotNamed(String unnamed, String named) {
        RgbImage image = noise(260, 230);
        assertThat(processor(unnamed).process(image).values()).isEqualTo(processor(named).process(image).values());
    }

    @Test
    void theShorterEdgeIsExactAndTheLongerOneCutOff() {
        Pixels pixels = processor(CLIP + ", 'size': {'shortest_edge': 10}, 'do_center_crop': false").process(noise(7, 5));
        assertThat(pixels.height()).isEqualTo(10);
        assertThat(pixels.width()).isEqualTo(14);
        Pixels tall = processor(CLIP + ", 'size': {'shortest_edge': 10}, 'do_center_crop': false").process(noise(9, 11));
        assertThat(tall.width()).isEqualTo(10);
        assertThat(tall.height()).isEqualTo(12); // 12.2
    }

    @Test
    void stepsCanBeSwitchedOff() {
        RgbImage image = noise(4, 3);
        Pixels raw = processor(CLIP + ", 'do_resize': false, 'do_center_crop': false, 'do_rescale': false, 'do_normalize': false")
                .process(image);
        assertThat(raw.height()).isEqualTo(3);
        assertThat(raw.width()).isEqualTo(4);
        for (int i = 0; i < 12; i++) assertThat(raw.values()[12 + i]).isEqualTo(image.rgb()[3 * i + 1] & 255);
        Pixels rescaled = processor(CLIP + ", 'do_resize': false, 'do_center_crop': false, 'do_normalize': false").process(image);
        assertThat(rescaled.values()[5]).isEqualTo((float) ((image.rgb()[15] & 255) / 255.0));
    }

    @Test
    void oneNumberServesAllChannels() {
        RgbImage image = noise(4, 3);
        String plain = "'do_resize': false, 'do_center_crop': false, ";
        Pixels once = processor(CLIP + "," + plain + "'image_mean': 0.5, 'image_std': 0.25").process(image);
        Pixels thrice = processor(CLIP + "," + plain + "'image_mean': [0.5, 0.5, 0.5], 'image_std': [0.25, 0.25, 0.25]").process(image);
        assertThat(once.values()).isEqualTo(thrice.values());
    }

    @Test
    void zerosSurroundASmallPictureBeforeNormalising() {
        ImageProcessor processor = processor(CLIP + ", 'do_resize': false, 'crop_size': 5, 'image_mean': 0.5, 'image_std': 0.5");
        Pixels pixels = processor.process(new RgbImage(2, 2, new byte[] {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}));
        float[] red = {
                -1, -1, -1, -1, -1,
                -1, -1, -1, -1, -1,
                -1, -1, 1, 1, -1,
                -1, -1, 1, 1, -1,
                -1, -1, -1, -1, -1};
        assertThat(Arrays.copyOf(pixels.values(), 25)).isEqualTo(red);
        assertThat(pixels.region()).isEqualTo(new Region(-2, -2, 5, 5));
    }

    /** Half a pixel to spare goes to one side in the numpy classes and is rounded to even, as torchvision does, in the others. */
    @Test
    void theFastClassesCropAsTorchvisionDoes() {
        String keys = "'do_resize': false, 'crop_size': 2";
        RgbImage picture = noise(5, 5);
        assertThat(processor(CLIP + "," + keys).process(picture).region()).isEqualTo(new Region(1, 1, 2, 2));
        String fast = "'image_processor_type': 'CLIPImageProcessorFast'," + keys;
        assertThat(processor(fast).process(picture).region()).isEqualTo(new Region(2, 2, 2, 2));
        assertThat(processor(fast).process(noise(1, 1)).region()).isEqualTo(new Region(0, 0, 2, 2));
    }

    @Test
    void theRegionIsThePartOfTheSourceThatIsSeen() {
        Region cropped = processor(CLIP + ", 'size': 50, 'crop_size': 40").process(noise(200, 100)).region();
        assertThat(cropped).isEqualTo(new Region(60, 10, 80, 80));
        Region padded = processor("'image_processor_type': 'LlavaImageProcessor', 'do_pad': true, 'size': 50, 'crop_size': 50")
                .process(noise(200, 100)).region();
        assertThat(padded).isEqualTo(new Region(0, -50, 200, 200));
        Region whole = processor("'image_processor_type': 'ViTImageProcessor'").process(noise(30, 20)).region();
        assertThat(whole).isEqualTo(new Region(0, 0, 30, 20));
    }

    @Test
    void theOutputSizeIsKnownBeforehandUnlessItFollowsThePicture() {
        ImageProcessor wide = processor("'image_processor_type': 'ViTImageProcessor', 'size': {'height': 10, 'width': 20}");
        assertThat(wide.inputHeight()).isEqualTo(10);
        assertThat(wide.inputWidth()).isEqualTo(20);
        assertThat(processor(CLIP + ", 'do_center_crop': false").inputHeight()).isZero();
    }

    @Test
    void aPictureTooNarrowToKeepItsAspectIsRefused() {
        RgbImage line = new RgbImage(100_000, 1, new byte[300_000]);
        assertThatThrownBy(() -> processor(CLIP).process(line)).isInstanceOf(ImageException.class)
                .hasMessageContaining("100000 x 1").hasMessageContaining("22400000 x 224");
        assertThatThrownBy(() -> processor("'image_processor_type': 'LlavaImageProcessor', 'do_pad': true").process(line))
                .isInstanceOf(ImageException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"'image_processor_type': 'FuyuImageProcessor'", "'size': 0", "'size': -3", "'size': 1000000000", "'size': 'big'",
            "'size': {}", "'size': [1, 2, 3]", "'crop_size': {'height': 224}", "'image_std': [0, 1, 1]", "'image_mean': [0.5]",
            "'resample': 17", "'do_resize': 'yes'", "'rescale_factor': 1e300"})
    void configurationsThatCannotWork(String keys) {
        String config = keys.contains("_type") ? keys : CLIP + ", " + keys;
        assertThatThrownBy(() -> processor(config)).isInstanceOf(CheckpointException.class);
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '"', value = {
        "'image_processor_type': 'LlavaNextImageProcessor', 'image_grid_pinpoints': [[336, 500]]; no canvas of tiles",
        "'image_processor_type': 'LlavaNextImageProcessor', 'image_grid_pinpoints': [[336]]; no canvas of tiles",
        "'image_processor_type': 'LlavaNextImageProcessor', 'image_grid_pinpoints': [7]; should be an array",
        "'image_processor_type': 'LlavaOnevisionImageProcessor', 'size': 1, 'image_grid_pinpoints': [[4000, 4000]]; no canvas of tiles",
        "'image_processor_type': 'Idefics3ImageProcessor', 'max_image_size': {'longest_edge': 1}; too many pieces",
        "'image_processor_type': 'Qwen2VLImageProcessor', 'min_pixels': 5000, 'max_pixels': 4000; cannot have between 5000 and 4000",
        "'image_processor_type': 'Qwen2VLImageProcessor', 'patch_size': 0; patch_size should be 1 to",
        "'image_processor_type': 'Gemma3ImageProcessor', 'do_pan_and_scan': true, 'pan_and_scan_max_num_crops': 65; should be 1 to 64"})
    void cutsThatCannotWork(String keys, String sentence) {
        assertThatThrownBy(() -> processor(keys)).isInstanceOf(CheckpointException.class).hasMessageContaining(sentence);
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '"', value = {
        "'image_processor_type': 'LlavaNextImageProcessor', 'size': 32, 'crop_size': 32; 5; 32; 32",
        "'image_processor_type': 'LlavaOnevisionImageProcessor', 'size': {'height': 32, 'width': 32}; 13; 32; 32",
        "'image_processor_type': 'SmolVLMImageProcessor', 'size': {'longest_edge': 64}, 'max_image_size': {'longest_edge': 32}; 5; 32; 32",
        "'image_processor_type': 'Qwen2VLImageProcessor', 'patch_size': 8, 'min_pixels': 256, 'max_pixels': 9000; 1; 80; 96",
        "'image_processor_type': 'PixtralImageProcessor', 'size': {'longest_edge': 64}; 1; 64; 64",
        "'image_processor_type': 'BeitImageProcessor', 'size': 40, 'crop_size': 32; 1; 32; 32"})
    void piecesOfAPicture(String keys, int pieces, int height, int width) {
        TiledImage tiles = processor(keys).tiles(noise(100, 78));
        assertThat(tiles.tiles()).hasSize(pieces);
        for (Pixels p : tiles.tiles()) {
            assertThat(p.height()).isEqualTo(height);
            assertThat(p.width()).isEqualTo(width);
            assertThat(p.region().width()).isPositive();
        }
        assertThat(tiles.height()).isEqualTo(78);
        assertThat(tiles.rows() * tiles.columns()).isEqualTo(pieces == 1 ? 0 : pieces - 1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"LlavaNext", "LlavaOnevision", "SmolVLM", "Pixtral", "Beit", "Gemma3"})
    void aLineOfPixelsIsAPictureToo(String type) {
        for (RgbImage line : new RgbImage[] {noise(300, 1), noise(1, 300)}) {
            for (Pixels p : processor("'image_processor_type': '" + type + "ImageProcessor'").tiles(line).tiles()) {
                for (float v : p.values()) assertThat(v).isFinite();
            }
        }
    }

    @Test
    void aPictureTooNarrowIsRefused() {
        assertThatThrownBy(() -> processor("'image_processor_type': 'Qwen2VLImageProcessor'").tiles(noise(300, 1)))
                .isInstanceOf(ImageException.class).hasMessageContaining("too narrow");
    }

    @Test
    void anUnknownClassIsNamed() {
        assertThatThrownBy(() -> processor("'image_processor_type': 'FuyuImageProcessor'"))
                .hasMessageContaining("FuyuImageProcessor");
    }

    @Test
    void findsTheConfigurationOfAModel(@TempDir Path directory) throws IOException {
        Files.writeString(directory.resolve("config.json"), "{}");
        try (ModelDirectory model = ModelDirectory.open(directory)) {
            assertThatThrownBy(() -> ImageProcessor.of(model)).isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("preprocessor_config.json");
            Files.writeString(directory.resolve("processor_config.json"), """
                    {"image_processor": {"image_processor_type": "SiglipImageProcessor", "size": {"height": 48, "width": 64}}}""");
            assertThat(ImageProcessor.of(model).inputWidth()).isEqualTo(64);
            Files.writeString(directory.resolve("preprocessor_config.json"), "{\"image_processor_type\": \"ViTImageProcessor\"}");
            assertThat(ImageProcessor.of(model).inputWidth()).isEqualTo(224);
        }
    }

    private static ImageProcessor processor(String keys) {
        return ImageProcessor.from(Settings.of("{" + keys.replace('\'', '"') + "}", "preprocessor_config.json"));
    }

    private static RgbImage noise(int width, int height) {
        byte[] rgb = new byte[3 * width * height];
        new Random(width).nextBytes(rgb);
        return new RgbImage(width, height, rgb);
    }
}
