package dev.winnow.runtime.explain;

import static dev.winnow.runtime.explain.Fixtures.ALL;
import static dev.winnow.runtime.explain.Fixtures.GRID;
import static dev.winnow.runtime.explain.Fixtures.SQUARE;
import static dev.winnow.runtime.explain.Fixtures.alive;
import static dev.winnow.runtime.explain.Fixtures.explanation;
import static dev.winnow.runtime.explain.Fixtures.panel;
import static dev.winnow.runtime.explain.Fixtures.plain;
import static dev.winnow.runtime.explain.Fixtures.whole;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.runtime.Explanation;
import dev.winnow.runtime.images.ImageException;
import dev.winnow.runtime.images.Region;
import dev.winnow.runtime.images.RgbImage;
import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class ExplanationPictureTest {
    private static final List<RgbImage> IMAGE = List.of(plain(40, 40));
    private static final List<Region> REGION = List.of(ALL);
    private static final Explanation PRUNED = explanation(
            List.of(panel("input", whole()),
                    panel("fastv:keep=0.5, language after layer 2", alive(new int[] {5}, new int[] {6, 7}))));

    @TempDir
    private Path folder;

    /** Paints on a machine without fonts. */
    static final class Fontless {
        public static void main(String[] args) {
            ExplanationPicture.write(Path.of(args[0]), PRUNED, IMAGE, REGION, "Why?");
        }
    }

    @Test
    void writesAPngOfAllPanels() {
        Path png = folder.resolve("why.png");
        ExplanationPicture.write(png, PRUNED, IMAGE, REGION, "Why?\nPlan: fastv\nAnswer: \u0007because");
        RgbImage written = RgbImage.read(png);
        assertThat(written.width()).isGreaterThan(2 * Frame.SIDE);
        assertThat(written.rgb()).isEqualTo(RgbImage.of(paint(PRUNED, "Why?\nPlan: fastv\nAnswer: \u0007because")).rgb());
        assertThat(folder).isDirectoryContaining(png::equals).isDirectoryNotContaining(file -> !file.equals(png));
    }

    @Test
    void saysWhyItCannotWrite() {
        Path missing = folder.resolve("missing/why.png");
        assertThatThrownBy(() -> ExplanationPicture.write(missing, PRUNED, IMAGE, REGION, ""))
                .isInstanceOf(ImageException.class).hasMessageContaining("why.png").hasMessageContaining("no directory");
        assertThatThrownBy(() -> ExplanationPicture.write(folder, PRUNED, IMAGE, REGION, ""))
                .isInstanceOf(ImageException.class).hasMessageContaining("is a directory");
    }

    @Test
    void nothingToExplainIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> ExplanationPicture.paint(Explanation.NONE, List.of(), List.of(), ""))
                .withMessageContaining("nothing to explain");
    }

    @Test
    void whatDoesNotBelongTogetherIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> ExplanationPicture.paint(PRUNED, IMAGE, List.of(), ""))
                .withMessageContaining("0 regions");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ExplanationPicture.paint(PRUNED, List.of(plain(9, 9), plain(9, 9)), List.of(ALL, ALL), ""))
                .withMessageContaining("'input'");
        Explanation.Alive beyond = new Explanation.Alive(List.of(new int[] {16}), new float[16]);
        Explanation outside = explanation(List.of(panel("input", beyond)));
        assertThatIllegalArgumentException().isThrownBy(() -> paint(outside, "")).withMessageContaining("patch 16");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ExplanationPicture.paint(PRUNED, IMAGE, List.of(new Region(0, 0, Double.NaN, 1)), ""))
                .withMessageContaining("rectangle");
    }

    @Test
    void noTokensLeftAreCounted() {
        assertThat(TokenCounts.after(whole(), whole(), alive())).isEqualTo("17 → 0 tokens (0% of input)");
        assertThat(TokenCounts.after(alive(), alive(), alive())).startsWith("0 → 0 tokens (0%");
        paint(explanation(List.of(panel("input", whole()), panel("all, vision after layer 1", alive()))), "");
    }

    @Test
    void countsSayWhatIsLeft() {
        Explanation.Alive input = whole();
        assertThat(TokenCounts.input(input)).isEqualTo("17 tokens");
        assertThat(TokenCounts.made(input, SQUARE)).isEqualTo("4 × 4 patches and a class token");
        Explanation.Alive half = alive(new int[0], new int[] {1, 2}, new int[] {3});
        assertThat(TokenCounts.after(input, input, half)).isEqualTo("17 → 3 tokens (18%) incl. class");
        assertThat(TokenCounts.after(input, half, alive(new int[] {1, 2}))).isEqualTo("3 → 1 token (6% of input)");
        float[] strength = new float[GRID * GRID];
        strength[3] = 0.5f;
        Explanation.Alive cached = new Explanation.Alive(List.of(new int[] {3}), strength);
        assertThat(TokenCounts.after(input, half, cached)).isEqualTo("1 token cached, on average in 50% of heads");
    }

    @Test
    void longChainsAreThinnedOutEvenly() {
        List<Explanation.Panel> panels = new ArrayList<>(List.of(panel("input", whole())));
        for (int layer = 0; layer < 24; layer++) panels.add(panel("tome:r=1, vision after attention of layer " + layer, whole()));
        panels.add(panel("snapkv:budget=4, share", whole()));
        List<Explanation.Panel> shown = PanelChoice.of(panels);
        assertThat(shown).hasSize(PanelChoice.MOST).startsWith(panels.get(0), panels.get(1))
                .endsWith(panels.get(24), panels.get(25)).isSubsetOf(panels);
        for (int i = 2; i < 11; i++) {
            assertThat(panels.indexOf(shown.get(i)) - panels.indexOf(shown.get(i - 1))).isBetween(2, 3);
        }
        BufferedImage picture = paint(explanation(panels), "caption");
        assertThat(picture.getWidth()).isLessThan(2000);
        assertThat(picture.getHeight()).isLessThan(2000);
    }

    @Test
    void methodsThatTakeTurnsAreThinnedOutToo() {
        List<Explanation.Panel> panels = new ArrayList<>(List.of(panel("input", whole())));
        for (int layer = 0; layer < 20; layer++) {
            for (String method : List.of("a", "b")) panels.add(panel(method + ", vision after layer " + layer, whole()));
        }
        assertThat(PanelChoice.of(panels)).hasSize(PanelChoice.MOST).startsWith(panels.getFirst()).endsWith(panels.getLast());
    }

    @Test
    void imagesAreRows() {
        Explanation two = explanation(List.of(panel("input", whole(), whole()), panel("drop", alive(), whole())));
        BufferedImage one = paint(explanation(List.of(panel("input", whole()), panel("drop", alive()))), "");
        BufferedImage both = ExplanationPicture.paint(two, Collections.nCopies(2, IMAGE.getFirst()), List.of(ALL, ALL), "");
        assertThat(both.getHeight()).isGreaterThan(one.getHeight() + Frame.SIDE);
        assertThat(both.getWidth()).isEqualTo(one.getWidth());
    }

    @Test
    void withoutFontsThereIsNoText() {
        BufferedImage picture = ExplanationPicture.paint(PRUNED, IMAGE, REGION, "Why?", Lettering.none());
        assertThat(picture.getHeight()).isLessThan(paint(PRUNED, "Why?").getHeight());
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aMachineWithoutFontsStillGetsAPicture() throws Exception {
        Path none = Files.writeString(folder.resolve("fonts.conf"), "<fontconfig></fontconfig>");
        Path png = folder.resolve("fontless.png");
        ProcessBuilder java = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Djava.awt.headless=true", "-Duser.home=" + folder, "-cp", System.getProperty("java.class.path"),
                Fontless.class.getName(), png.toString()).inheritIO();
        java.environment().put("FONTCONFIG_FILE", none.toString());
        assertThat(java.start().waitFor()).isZero();
        BufferedImage textless = ExplanationPicture.paint(PRUNED, IMAGE, REGION, "Why?", Lettering.none());
        assertThat(RgbImage.read(png).rgb()).isEqualTo(RgbImage.of(textless).rgb());
    }

    @Test
    void endlessTextIsCut() {
        BufferedImage picture = paint(PRUNED, "word ".repeat(20_000) + "\n" + "x".repeat(100_000) + "\n\n" + "line\n".repeat(100));
        assertThat(picture.getHeight()).isLessThan(1000);
    }

    private static BufferedImage paint(Explanation explanation, String caption) {
        return ExplanationPicture.paint(explanation, IMAGE, REGION, caption);
    }
}
