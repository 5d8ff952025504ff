package dev.winnow.runtime.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.winnow.weights.Settings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Resizing against Pillow, whole processors against transformers. */
class ImageGoldenTest {
    private static final Path OURS = GoldenFiles.resource("golden");

    @ParameterizedTest
    @ValueSource(strings = {"bit-dinov2-small", "clip-cropbig", "clip-small", "deit-small", "llava-pad-small", "siglip-small",
            "vit-small"})
    void processes(String name) {
        checkProcessor(OURS.resolve(name));
    }

    @ParameterizedTest
    @ValueSource(strings = {"bit-dinov2-small", "clip-224", "clip-cropbig", "clip-small", "deit-small", "llava-pad-small", "siglip-224",
            "siglip-small", "vit-224", "vit-small"})
    void processesAllSharedCases(String name) {
        checkProcessor(sharedDirectory().resolve("preprocess").resolve(name));
    }

    @ParameterizedTest
    @ValueSource(strings = {"gemma3-small", "idefics3-nosplit", "idefics3-small", "smolvlm-small", "llava-next-small", "llava-onevision-small",
        "pixtral-small", "qwen2-vl-small"})
    void cutsAllSharedCases(String name) {
        Path directory = sharedDirectory().resolve("preprocess").resolve(name);
        ImageProcessor processor = ImageProcessor.from(Settings.read(directory.resolve("preprocessor_config.json")));
        GoldenFiles.tensors(directory).forEach((tensor, expected) -> {
            String image = tensor.substring("pixel_values.".length()) + ".png";
            TiledImage tiles = processor.tiles(RgbImage.read(directory.resolveSibling("images").resolve(image)));
            assertThat(name.startsWith("qwen") ? cut(tiles, 14) : joined(tiles)).as(tensor)
                    .isEqualTo(expected);
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"llava-next", "llava-onevision", "smolvlm", "qwen2-vl"})
    void cutsTheImagesOfSharedModels(String name) {
        Path model = sharedDirectory().resolve(name);
        ImageProcessor processor = ImageProcessor.from(Settings.read(model.resolve("preprocessor_config.json")));
        float[] expected = GoldenFiles.tensors(model).get("pixel_values");
        int at = 0;
        for (int i = 0; Files.exists(model.resolve("image" + i + ".png")); i++) {
            TiledImage tiles = processor.tiles(RgbImage.read(model.resolve("image" + i + ".png")));
            float[] actual = name.startsWith("qwen") ? cut(tiles, 8) : joined(tiles);
            assertThat(actual).as(name + " image " + i).isEqualTo(Arrays.copyOfRange(expected, at, at + actual.length));
            // LLaVA-NeXT fills its batch up to five pieces each
            at += name.equals("llava-next") ? expected.length / 2 : actual.length;
        }
        assertThat(at).isEqualTo(expected.length);
    }

    private static float[] cut(TiledImage tiles, int patch) {
        Pixels p = tiles.tiles().getFirst();
        return PatchRows.cut(p.values(), 0, p.channels(), p.height(), p.width(), patch, 2, 2);
    }

    private static float[] joined(TiledImage tiles) {
        int each = tiles.tiles().getFirst().values().length;
        float[] all = new float[tiles.tiles().size() * each];
        for (int i = 0; i < tiles.tiles().size(); i++) System.arraycopy(tiles.tiles().get(i).values(), 0, all, i * each, each);
        return all;
    }

    @ParameterizedTest
    @ValueSource(strings = {"llava-1img", "llava-2img", "llava-multilayer"})
    void processesTheImagesOfSharedModels(String name) {
        Path model = sharedDirectory().resolve(name);
        ImageProcessor processor = ImageProcessor.from(Settings.read(model.resolve("preprocessor_config.json")));
        float[] expected = GoldenFiles.tensors(model).get("pixel_values");
        int each = 3 * processor.inputHeight() * processor.inputWidth();
        for (int i = 0; i * each < expected.length; i++) {
            float[] actual = processor.process(RgbImage.read(model.resolve("image" + i + ".png"))).values();
            float[] part = Arrays.copyOfRange(expected, i * each, (i + 1) * each);
            assertThat(actual).as(name + " image " + i).isEqualTo(part);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void resizesAndConvertsAsPillow(boolean allShared) {
        Path root = allShared ? sharedDirectory().resolve("preprocess") : OURS;
        Map<String, float[]> tensors = GoldenFiles.tensors(root.resolve("pil-resize"));
        assertThat(tensors).hasSizeGreaterThanOrEqualTo(10);
        tensors.forEach((name, expected) -> {
            String[] parts = name.split("\\."); // filter.image.WxH or convert_rgb.image
            RgbImage image = RgbImage.read(root.resolve("images").resolve(parts[1] + ".png"));
            if (parts.length == 3) {
                String[] size = parts[2].split("x");
                Resampling filter = Resampling.valueOf(parts[0].toUpperCase(Locale.ROOT));
                image = PilResize.resize(image, Integer.parseInt(size[0]), Integer.parseInt(size[1]), filter);
            }
            float[] actual = new float[image.rgb().length];
            for (int i = 0; i < actual.length; i++) actual[i] = image.rgb()[i] & 255;
            assertThat(actual).as(name).isEqualTo(expected);
        });
    }

    private static void checkProcessor(Path directory) {
        ImageProcessor processor = ImageProcessor.from(Settings.read(directory.resolve("preprocessor_config.json")));
        Map<String, float[]> tensors = GoldenFiles.tensors(directory);
        assertThat(tensors).isNotEmpty();
        tensors.forEach((name, expected) -> {
            String image = name.substring("pixel_values.".length()) + ".png";
            Pixels pixels = processor.process(RgbImage.read(directory.resolveSibling("images").resolve(image)));
            assertThat(pixels.height()).isEqualTo(processor.inputHeight());
            assertThat(pixels.width()).isEqualTo(processor.inputWidth());
            assertThat(pixels.values()).as(name).isEqualTo(expected);
        });
    }

    private static Path sharedDirectory() {
        assumeTrue(GoldenFiles.shared().isPresent(), "no shared/golden/public above " + System.getProperty("user.dir"));
        return GoldenFiles.shared().get();
    }
}
