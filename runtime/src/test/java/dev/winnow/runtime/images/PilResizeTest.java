package dev.winnow.runtime.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.weights.CheckpointException;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PilResizeTest {
    private static final int TRIES = 60;

    @ParameterizedTest
    @EnumSource
    void oneColourStaysThatColour(Resampling filter) {
        Random random = new Random(1);
        for (int i = 0; i < TRIES; i++) {
            byte[] colour = {(byte) random.nextInt(), (byte) random.nextInt(), (byte) (random.nextBoolean() ? 255 : 0)};
            RgbImage image = filled(side(random), side(random), colour);
            int width = side(random);
            int height = side(random);
            RgbImage out = PilResize.resize(image, width, height, filter);
            assertThat(out.rgb()).isEqualTo(filled(width, height, colour).rgb());
        }
    }

    @ParameterizedTest
    @EnumSource
    void itsOwnSizeIsTheImageItself(Resampling filter) {
        RgbImage image = noise(37, 23, 5);
        assertThat(PilResize.resize(image, 37, 23, filter).rgb()).isEqualTo(image.rgb());
    }

    /** The two axes are treated alike, up to the order of the passes, which one unchanged side takes away. */
    @ParameterizedTest
    @EnumSource
    void transposingChangesNothingWithOnePass(Resampling filter) {
        Random random = new Random(2);
        Orientation transposed = new Orientation(5);
        for (int i = 0; i < TRIES; i++) {
            RgbImage image = noise(side(random), side(random), i);
            int to = side(random);
            RgbImage rows = PilResize.resize(image, to, image.height(), filter);
            RgbImage columns = PilResize.resize(transposed.apply(image), image.height(), to, filter);
            assertThat(columns.rgb()).isEqualTo(transposed.apply(rows).rgb());
        }
    }

    /** Large enough to be spread over several threads. */
    @Test
    void manyThreadsComputeWhatOneDoes() {
        RgbImage image = noise(1200, 900, 7);
        RgbImage whole = PilResize.resize(image, 301, 900, Resampling.BICUBIC);
        for (int row : new int[] {0, 1, 450, 899}) {
            RgbImage one = PilResize.resize(Canvas.place(image, 1200, 1, 0, -row, 0), 301, 1, Resampling.BICUBIC);
            assertThat(Arrays.copyOfRange(whole.rgb(), 3 * 301 * row, 3 * 301 * (row + 1))).isEqualTo(one.rgb());
        }
    }

    @Test
    void filtersGoByPillowsNumbers() {
        assertThat(Resampling.ofPil(0)).isEqualTo(Resampling.NEAREST);
        assertThat(Resampling.ofPil(3)).isEqualTo(Resampling.BICUBIC);
        assertThatThrownBy(() -> Resampling.ofPil(6)).isInstanceOf(CheckpointException.class).hasMessageContaining("6");
    }

    @Test
    void refusesSizesThatNoImageHas() {
        RgbImage image = noise(3, 3, 1);
        assertThatThrownBy(() -> PilResize.resize(image, 0, 5, Resampling.BOX)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> PilResize.resize(image, 1 << 20, 1 << 20, Resampling.BOX))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private static int side(Random random) {
        return 1 + random.nextInt(70);
    }

    private static RgbImage filled(int width, int height, byte[] colour) {
        byte[] rgb = new byte[3 * width * height];
        for (int i = 0; i < rgb.length; i++) rgb[i] = colour[i % 3];
        return new RgbImage(width, height, rgb);
    }

    private static RgbImage noise(int width, int height, long seed) {
        byte[] rgb = new byte[3 * width * height];
        new Random(seed).nextBytes(rgb);
        return new RgbImage(width, height, rgb);
    }
}
