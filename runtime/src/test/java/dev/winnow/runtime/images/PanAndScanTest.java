package dev.winnow.runtime.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Settings;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Long pictures in parts, by the sizes that the published processor's rules give. */
class PanAndScanTest {
    private static ImageProcessor processor(String more) {
        return ImageProcessor.from(Settings.of(("{'image_processor_type': 'Gemma3ImageProcessor', 'size': {'height': 32, 'width': 32},"
                + " 'do_pan_and_scan': true" + more + "}").replace('\'', '"'), "preprocessor_config.json"));
    }

    private static RgbImage noise(int width, int height) {
        byte[] rgb = new byte[3 * width * height];
        new Random(width).nextBytes(rgb);
        return new RgbImage(width, height, rgb);
    }

    /** Parts and the length of the first and the last of them along the longer side; 0 where the picture stays whole. */
    @ParameterizedTest
    @CsvSource({"100,100,0,0,0",
        "119,100,0,0,0", // under 1.2 times as long as high
        "120,100,2,60,60", // one and a bit, but two at least
        "250,100,3,84,82", // half is rounded up; the last part is what is left
        "100,250,3,84,82", "249,100,2,125,124",
        "900,100,4,225,225", // four at most
        "130,60,2,65,65", // 2.17 times as long: two parts of over 50 pixels
        "160,45,0,0,0", // parts would be too narrow
        "101,60,2,51,50", "98,60,0,0,0"})
    void partsOfLongPictures(int width, int height, int parts, int first, int last) {
        TiledImage cut = processor(", 'pan_and_scan_min_crop_size': 50").tiles(noise(width, height));
        assertThat(cut.tiles()).hasSize(1 + parts);
        assertThat(cut.whole()).isSameAs(cut.tiles().getFirst());
        assertThat(cut.whole().region()).isEqualTo(new Region(0, 0, width, height));
        if (parts == 0) return;
        boolean wide = width > height;
        Region begin = cut.tiles().get(1).region();
        Region end = cut.tiles().getLast().region();
        assertThat(begin).isEqualTo(new Region(0, 0, wide ? first : width, wide ? height : first));
        assertThat(end).isEqualTo(new Region(wide ? width - last : 0, wide ? 0 : height - last, wide ? last : width, wide ? height : last));
        assertThat(cut.rows()).isEqualTo(wide ? 1 : parts);
        assertThat(cut.columns()).isEqualTo(wide ? parts : 1);
    }

    /** Every part is prepared as a picture of its own. */
    @Test
    void aPartIsAPicture() {
        RgbImage picture = noise(250, 100);
        ImageProcessor processor = processor(", 'pan_and_scan_min_crop_size': 50");
        RgbImage middle = Canvas.place(picture, 84, 100, -84, 0, 0);
        assertThat(processor.tiles(picture).tiles().get(2).values()).isEqualTo(processor.process(middle).values());
        assertThat(processor.tiles(picture).whole().values()).isEqualTo(processor.process(picture).values());
    }

    @Test
    void usualNumbersAndNonsense() {
        assertThat(processor("").tiles(noise(600, 300)).tiles()).hasSize(3);
        assertThat(processor("").tiles(noise(500, 300)).tiles()).hasSize(1);
        assertThat(processor(", 'pan_and_scan_max_num_crops': null, 'pan_and_scan_min_crop_size': 10").tiles(noise(600, 60)).tiles()).hasSize(5);
        assertThatThrownBy(() -> processor(", 'pan_and_scan_min_crop_size': 0")).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("pan_and_scan_min_crop_size should be 1 to");
        assertThatThrownBy(() -> processor(", 'pan_and_scan_min_ratio_to_activate': 0.5")).hasMessageContaining("should be at least 1");
    }
}
