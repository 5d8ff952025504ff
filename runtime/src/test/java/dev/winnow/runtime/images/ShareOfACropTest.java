package dev.winnow.runtime.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.ModelDirectory;
import dev.winnow.weights.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Processors that crop a share of what they resize: PoolFormer's, and what timm's configurations say. */
class ShareOfACropTest {
    private static final String COLOURS = "'image_mean': [0.485, 0.456, 0.406], 'image_std': [0.229, 0.224, 0.225]";

    @TempDir
    private Path folder;

    private static RgbImage noise(int width, int height) {
        byte[] rgb = new byte[3 * width * height];
        new Random(5).nextBytes(rgb);
        return new RgbImage(width, height, rgb);
    }

    private static ImageProcessor processor(String body) {
        return ImageProcessor.from(Settings.of("{" + body.replace('\'', '"') + "}", "preprocessor_config.json"));
    }

    private ImageProcessor timm(String config) throws IOException {
        Files.writeString(folder.resolve("config.json"), "{" + config.replace('\'', '"') + "}");
        try (ModelDirectory directory = ModelDirectory.open(folder)) {
            return ImageProcessor.of(directory);
        }
    }

    private static void requireSame(ImageProcessor a, ImageProcessor b) {
        for (RgbImage image : new RgbImage[] {noise(300, 211), noise(97, 160)}) {
            assertThat(a.process(image).values()).isEqualTo(b.process(image).values());
            assertThat(a.process(image).region()).isEqualTo(b.process(image).region());
        }
    }

    /** The edge before the crop is the crop's over crop_pct, cut off. */
    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '~', value = {"; 248; 224", "'crop_pct': 0.95; 235; 224", "'crop_pct': null; 224; 224",
        "'size': {'shortest_edge': 64}, 'crop_size': 64; 71; 64",
        "'size': {'height': 64, 'width': 64}, 'crop_size': 60, 'crop_pct': 0.8; 80; 60"})
    void poolFormerResizesToMoreThanItCrops(String keys, int edge, int crop) {
        requireSame(processor("'image_processor_type': 'PoolFormerImageProcessor'" + (keys == null ? "" : ", " + keys)),
                processor("'image_processor_type': 'CLIPImageProcessor', 'size': {'shortest_edge': " + edge + "}, 'crop_size': " + crop
                        + ", " + COLOURS));
    }

    @Test
    void oblongSizesAreMetExactly() {
        requireSame(processor("'image_processor_type': 'PoolFormerImageProcessor', 'size': {'height': 64, 'width': 48},"
                + " 'crop_size': {'height': 60, 'width': 40}"), processor("'image_processor_type': 'DeiTImageProcessor',"
                + " 'size': {'height': 71, 'width': 53}, 'crop_size': {'height': 60, 'width': 40}, " + COLOURS));
    }

    @Test
    void timmSaysItInItsConfiguration() throws IOException {
        requireSame(timm("'architecture': 'caformer_s18', 'pretrained_cfg': {'input_size': [3, 64, 64], 'interpolation': 'bilinear',"
                        + " 'crop_pct': 0.8, 'mean': [0.5, 0.4, 0.3], 'std': [0.2, 0.2, 0.1]}"),
                processor("'image_processor_type': 'CLIPImageProcessorFast', 'size': {'shortest_edge': 80}, 'crop_size': 64, 'resample': 2,"
                        + " 'image_mean': [0.5, 0.4, 0.3], 'image_std': [0.2, 0.2, 0.1]"));
        for (String[] usual : new String[][] {{"caformer_s18", "224"}, {"t2t_vit_14", "248"}, {"poolformer_m36", "235"}}) {
            requireSame(timm("'architecture': '" + usual[0] + "'"), processor("'image_processor_type': 'CLIPImageProcessorFast',"
                    + " 'size': {'shortest_edge': " + usual[1] + "}, 'crop_size': 224, 'resample': 3, " + COLOURS));
        }
    }

    @Test
    void nonsenseIsRefused() {
        assertThatThrownBy(() -> processor("'image_processor_type': 'PoolFormerImageProcessor', 'crop_pct': 0"))
                .isInstanceOf(CheckpointException.class).hasMessageContaining("crop_pct should be above 0.01");
        assertThatThrownBy(() -> timm("'architecture': 'caformer_s18', 'pretrained_cfg': {'interpolation': 'random'}"))
                .isInstanceOf(CheckpointException.class).hasMessageContaining("interpolation 'random' is no resampling filter");
        assertThatThrownBy(() -> timm("'architecture': 'caformer_s18', 'pretrained_cfg': {'crop_mode': 'squash'}"))
                .isInstanceOf(CheckpointException.class).hasMessageContaining("crop_mode should be center but is 'squash'");
        assertThatThrownBy(() -> timm("'model_type': 'vit'")).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("holds no preprocessor_config.json");
    }
}
