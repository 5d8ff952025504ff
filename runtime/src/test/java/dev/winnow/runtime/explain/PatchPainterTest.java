package dev.winnow.runtime.explain;

import static dev.winnow.runtime.explain.Fixtures.ALL;
import static dev.winnow.runtime.explain.Fixtures.COLOUR;
import static dev.winnow.runtime.explain.Fixtures.GRID;
import static dev.winnow.runtime.explain.Fixtures.SQUARE;
import static dev.winnow.runtime.explain.Fixtures.alive;
import static dev.winnow.runtime.explain.Fixtures.plain;
import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.runtime.Explanation;
import dev.winnow.runtime.images.Region;
import dev.winnow.runtime.images.RgbImage;
import java.awt.Rectangle;
import java.awt.image.BufferedImage;
import java.util.List;
import org.junit.jupiter.api.Test;

class PatchPainterTest {
    private final PatchPainter painter = new PatchPainter(plain(40, 40), ALL, SQUARE);
    private final Frame frame = painter.frame();

    @Test
    void keptPatchesAreTheSourceAndPrunedOnesAreDark() {
        BufferedImage panel = painter.state(alive(new int[] {5}));
        Rectangle kept = frame.patch(5);
        for (int y = kept.y; y < kept.y + kept.height; y++) {
            for (int x = kept.x; x < kept.x + kept.width; x++) assertThat(panel.getRGB(x, y)).isEqualTo(COLOUR);
        }
        for (int patch : new int[] {0, 6, 15}) {
            assertThat(brightness(middle(panel, frame, patch))).isLessThan(brightness(COLOUR) / 2);
        }
    }

    @Test
    void nothingSurvivingIsAllDark() {
        BufferedImage panel = painter.state(alive());
        for (int patch = 0; patch < GRID * GRID; patch++) {
            assertThat(middle(panel, frame, patch)).isEqualTo(Shade.pruned(COLOUR));
        }
    }

    @Test
    void strengthIsBrightness() {
        float[] strength = new float[GRID * GRID];
        for (int i = 0; i < 5; i++) strength[i] = i / 4f;
        List<int[]> groups = List.of(new int[] {1}, new int[] {2}, new int[] {3}, new int[] {4});
        BufferedImage panel = painter.state(new Explanation.Alive(groups, strength));
        for (int i = 1; i < 5; i++) {
            assertThat(brightness(middle(panel, frame, i))).isGreaterThan(brightness(middle(panel, frame, i - 1)));
        }
        assertThat(middle(panel, frame, 4)).isEqualTo(COLOUR);
    }

    @Test
    void aGroupIsOutlinedAlongItsOuterEdgeOnly() {
        // an L of three patches: 5, 9 below it and 10 to the right of that
        BufferedImage panel = painter.state(alive(new int[] {5, 9, 10}));
        int colour = 0xff000000 | GroupColours.PALETTE[0];
        int line = 2;
        Rectangle top = frame.patch(5);
        int middleX = top.x + top.width / 2;
        int middleY = top.y + top.height / 2;
        assertThat(panel.getRGB(middleX, top.y + line)).isEqualTo(colour);
        assertThat(panel.getRGB(top.x + line, middleY)).isEqualTo(colour);
        assertThat(panel.getRGB(top.x + top.width - 1 - line, middleY)).isEqualTo(colour);
        Rectangle right = frame.patch(10);
        assertThat(panel.getRGB(right.x + right.width - 1 - line, right.y + right.height / 2)).isEqualTo(colour);
        for (int d = -5; d < 5; d++) {
            assertThat(panel.getRGB(middleX, top.y + top.height + d)).as("between 5 and 9").isEqualTo(COLOUR);
            assertThat(panel.getRGB(right.x + d, right.y + right.height / 2)).as("between 9 and 10").isEqualTo(COLOUR);
        }
        for (int patch : new int[] {5, 9, 10}) assertThat(middle(panel, frame, patch)).isEqualTo(COLOUR);
    }

    @Test
    void outlinesStayInsideTheirGroup() {
        BufferedImage panel = painter.state(alive(new int[] {0, 1}, new int[] {2}, new int[] {4}, new int[] {5}));
        for (int patch : new int[] {2, 4, 5}) {
            Rectangle r = frame.patch(patch);
            assertThat(panel.getRGB(r.x, r.y)).isEqualTo(COLOUR);
            assertThat(panel.getRGB(r.x + r.width / 2, r.y)).isEqualTo(COLOUR);
            assertThat(panel.getRGB(r.x, r.y + r.height / 2)).isEqualTo(COLOUR);
        }
    }

    @Test
    void aWidePictureShowsItsCropAndPaleSurroundings() {
        PatchPainter wide = new PatchPainter(plain(60, 40), new Region(10, 0, 40, 40), SQUARE);
        Frame f = wide.frame();
        assertThat(f.left()).isEqualTo(f.patches().width / 4);
        assertThat(f.width()).isEqualTo(f.patches().width * 3 / 2);
        assertThat(f.height()).isEqualTo(f.patches().height);
        BufferedImage panel = wide.state(alive(new int[] {0}));
        assertThat(panel.getRGB(f.left(), 0)).isEqualTo(COLOUR);
        assertThat(panel.getRGB(f.left() - 1, 0)).isEqualTo(Shade.unseen(COLOUR));
        assertThat(panel.getRGB(f.left() - 1, f.height() - 1)).isEqualTo(Shade.unseen(COLOUR));
    }

    @Test
    void paddingBelongsToThePatches() {
        PatchPainter padded = new PatchPainter(plain(20, 40), new Region(-10, 0, 40, 40), SQUARE);
        Frame f = padded.frame();
        assertThat(f.width()).isEqualTo(f.patches().width);
        BufferedImage panel = padded.state(alive(new int[] {0}, new int[] {1}));
        assertThat(middle(panel, f, 0)).isEqualTo(Resampled.PADDING);
        assertThat(middle(panel, f, 1)).isEqualTo(COLOUR);
        assertThat(middle(panel, f, 2)).isEqualTo(Shade.pruned(COLOUR));
        assertThat(middle(panel, f, 3)).isEqualTo(Shade.pruned(Resampled.PADDING));
    }

    @Test
    void surroundingsOfAPanoramaAreCut() {
        Frame f = new PatchPainter(plain(400, 40), new Region(180, 0, 40, 40), SQUARE).frame();
        assertThat(f.width()).isLessThan(2 * f.patches().width);
    }

    @Test
    void aSquashedPictureKeepsItsAspect() {
        Frame f = new PatchPainter(plain(80, 40), new Region(0, 0, 80, 40), SQUARE).frame();
        assertThat(f.cellWidth()).isBetween(2 * f.cellHeight() - 1, 2 * f.cellHeight() + 1);
        assertThat(f.width()).isBetween(280, 360);
    }

    @Test
    void whereThePictureChangesThePanelChanges() {
        byte[] rgb = new byte[3 * 40 * 40];
        for (int i = 0; i < rgb.length; i++) rgb[i] = (byte) (i / 3 % 40 >= 20 ? 255 : 0);
        PatchPainter halves = new PatchPainter(new RgbImage(40, 40, rgb), ALL, SQUARE);
        BufferedImage panel = halves.state(Fixtures.whole());
        assertThat(middle(panel, halves.frame(), 1)).isEqualTo(0xff000000);
        assertThat(middle(panel, halves.frame(), 2)).isEqualTo(0xffffffff);
    }

    private static int middle(BufferedImage panel, Frame frame, int patch) {
        Rectangle r = frame.patch(patch);
        return panel.getRGB(r.x + r.width / 2, r.y + r.height / 2);
    }

    private static int brightness(int colour) {
        return (colour >> 16 & 255) + (colour >> 8 & 255) + (colour & 255);
    }
}
