package dev.winnow.runtime.explain;

import dev.winnow.reduction.Grid;
import dev.winnow.runtime.Explanation;
import dev.winnow.runtime.images.ImageException;
import dev.winnow.runtime.images.Region;
import dev.winnow.runtime.images.RgbImage;
import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Shows an {@link Explanation} on the pictures it is about, event by event: surviving patches keep their colours, pruned ones turn
 * dark, and the patches of a merged token share an outline. What the model never saw of a picture is pale and hatched.
 */
public final class ExplanationPicture {
    /** Larger pictures are refused. */
    static final int LARGEST_PIXELS = 100_000_000;

    private ExplanationPicture() {
    }

    /**
     * Paints one panel for the input and one per event; chains of more than a dozen are thinned out. On a machine without fonts the
     * picture has no text.
     *
     * @param images  the source pictures, in the order of the explanation
     * @param regions what the model saw of each
     * @param caption put on top, its first line larger than the others; may be empty
     * @throws IllegalArgumentException when there is nothing to explain, or the arguments do not belong together
     */
    public static BufferedImage paint(Explanation explanation, List<RgbImage> images, List<Region> regions, String caption) {
        return paint(explanation, images, regions, caption, Lettering.installed());
    }

    /**
     * Writes what {@link #paint(Explanation, List, List, String)} paints as a PNG file, which appears whole or not at all.
     *
     * @throws ImageException when it cannot be written
     */
    public static void write(Path png, Explanation explanation, List<RgbImage> images, List<Region> regions, String caption) {
        Path folder = png.toAbsolutePath().getParent();
        if (Files.isDirectory(png)) throw new ImageException(png + ": is a directory, not a file to write a picture to");
        if (!Files.isDirectory(folder)) throw new ImageException(png + ": cannot be written, no directory " + folder);
        if (!Files.isWritable(folder)) throw new ImageException(png + ": cannot be written, directory " + folder + " is read-only");
        RgbImage.of(paint(explanation, images, regions, caption)).writePng(png);
    }

    static BufferedImage paint(Explanation explanation, List<RgbImage> images, List<Region> regions, String caption,
                               Lettering letters) {
        ExplanationCheck.check(explanation, images, regions);
        List<PatchPainter> painters = new ArrayList<>();
        for (int i = 0; i < images.size(); i++) {
            painters.add(new PatchPainter(images.get(i), regions.get(i), explanation.pieces().get(i).grid()));
        }
        List<Explanation.Panel> shown = PanelChoice.of(explanation.panels());
        List<Sheet.Column> columns = new ArrayList<>();
        for (int p = 0; p < shown.size(); p++) columns.add(column(shown, p, painters, explanation.pieces().getFirst().grid()));
        return new Sheet(letters, columns, caption, note(explanation.panels().size(), shown.size())).paint();
    }

    private static Sheet.Column column(List<Explanation.Panel> shown, int number, List<PatchPainter> painters, Grid grid) {
        List<Sheet.Cell> cells = new ArrayList<>();
        for (int i = 0; i < painters.size(); i++) {
            Explanation.Alive input = shown.getFirst().pieces().get(i);
            Explanation.Alive now = shown.get(number).pieces().get(i);
            String label = painters.size() > 1 ? "Image " + (i + 1) + " · " : "";
            if (number == 0) {
                cells.add(new Sheet.Cell(label + TokenCounts.input(input), painters.get(i).input(), false));
            } else {
                String counts = TokenCounts.after(input, shown.get(number - 1).pieces().get(i), now);
                cells.add(new Sheet.Cell(label + counts, painters.get(i).state(now), TokenCounts.partial(now)));
            }
        }
        PanelTitle title = PanelTitle.of(shown.get(number));
        String made = TokenCounts.made(shown.getFirst().pieces().getFirst(), grid);
        return new Sheet.Column(number == 0 ? new PanelTitle(title.method(), made) : title, cells);
    }

    private static String note(int all, int shown) {
        if (all == shown) return "";
        return "Showing " + shown + " of " + all + " panels: consecutive ones of the same method are thinned out evenly.";
    }
}
