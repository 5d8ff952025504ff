package dev.winnow.runtime.explain;

import dev.winnow.reduction.Grid;
import dev.winnow.runtime.Explanation;
import dev.winnow.runtime.images.Region;
import dev.winnow.runtime.images.RgbImage;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.Rectangle;
import java.awt.RenderingHints;
import java.awt.Shape;
import java.awt.geom.Area;
import java.awt.geom.Path2D;
import java.awt.image.BufferedImage;

/** Paints the states of one image, in their order. */
final class PatchPainter {
    private static final Color EDGE = new Color(8, 10, 14, 190);
    private static final Color BORDER = new Color(255, 255, 255, 120);
    private static final int HATCH = 9;
    /** Patches of this many pixels have room for all lines of an outline and still show what is in them. */
    private static final int ROOMY = 18;

    private final Frame frame;
    private final int[] pixels;
    private final GroupColours colours;

    PatchPainter(RgbImage image, Region region, Grid grid) {
        frame = Frame.of(image, region, grid);
        pixels = Resampled.pixels(image, frame);
        colours = new GroupColours(grid);
    }

    Frame frame() {
        return frame;
    }

    /** The image as the model is given it, cut into patches. */
    BufferedImage input() {
        BufferedImage panel = panel(null);
        Rectangle patches = frame.patches();
        for (int y = 0; y < patches.height; y++) {
            for (int x = 0; x < patches.width; x++) {
                boolean line = x > 0 && x % frame.cellWidth() == 0 || y > 0 && y % frame.cellHeight() == 0;
                if (!line) continue;
                panel.setRGB(patches.x + x, patches.y + y, Shade.against(panel.getRGB(patches.x + x, patches.y + y), 0.28f));
            }
        }
        return panel;
    }

    /** What is alive of the image. */
    BufferedImage state(Explanation.Alive alive) {
        BufferedImage panel = panel(alive.strength());
        Graphics2D g = panel.createGraphics();
        g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        g.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
        borders(g, alive.strength());
        int[] groupColours = colours.next(alive.groups());
        for (int i = 0; i < groupColours.length; i++) {
            int[] group = alive.groups().get(i);
            if (GroupColours.outlined(group)) outline(g, group, new Color(groupColours[i]));
        }
        g.dispose();
        return panel;
    }

    /** The picture in the shades of what survives; without strengths everything does. */
    private BufferedImage panel(float[] strength) {
        BufferedImage panel = new BufferedImage(frame.width(), frame.height(), BufferedImage.TYPE_INT_ARGB);
        for (int y = 0; y < frame.height(); y++) {
            for (int x = 0; x < frame.width(); x++) {
                int colour = pixels[y * frame.width() + x];
                int patch = frame.patchAt(x, y);
                float survives = patch < 0 || strength == null ? 1 : strength[patch];
                panel.setRGB(x, y, patch < 0 ? unseen(colour, x, y) : Shade.survives(colour, survives));
            }
        }
        return panel;
    }

    private static int unseen(int colour, int x, int y) {
        int pale = Shade.unseen(colour);
        return (x + y) % HATCH == 0 ? Shade.against(pale, 0.16f) : pale;
    }

    /** Fine lines in pruned patches along those that survive: in a dark picture the shades alone are hard to tell apart. */
    private void borders(Graphics2D g, float[] strength) {
        int grid = frame.grid().width();
        g.setColor(BORDER);
        for (int p = 0; p < strength.length; p++) {
            if (strength[p] > 0) continue;
            Rectangle r = frame.patch(p);
            int bottom = r.y + r.height - 1;
            int right = r.x + r.width - 1;
            if (p >= grid && strength[p - grid] > 0) g.fillRect(r.x, r.y, r.width, 1);
            if (p + grid < strength.length && strength[p + grid] > 0) g.fillRect(r.x, bottom, r.width, 1);
            if (p % grid > 0 && strength[p - 1] > 0) g.fillRect(r.x, r.y, 1, r.height);
            if (p % grid < grid - 1 && strength[p + 1] > 0) g.fillRect(right, r.y, 1, r.height);
        }
    }

    /** Inside the group's edge a dark line, a coloured one and, with room, a dark one: shows on any colour, beside any other. */
    private void outline(Graphics2D g, int[] group, Color colour) {
        Path2D cells = new Path2D.Double(Path2D.WIND_NON_ZERO);
        for (int patch : group) cells.append(frame.patch(patch), false);
        Area area = new Area(cells);
        int cell = Math.min(frame.cellWidth(), frame.cellHeight());
        int line = cell >= 10 ? 2 : 1;
        Shape clip = g.getClip();
        g.clip(area);
        if (cell >= ROOMY) inside(g, area, EDGE, line + 2);
        inside(g, area, colour, line + 1);
        inside(g, area, EDGE, 1);
        g.setClip(clip);
    }

    /** A line of a width inside an area, given that the clip cuts off its outer half. */
    private static void inside(Graphics2D g, Area area, Color colour, int width) {
        g.setColor(colour);
        g.setStroke(new BasicStroke(2 * width, BasicStroke.CAP_SQUARE, BasicStroke.JOIN_MITER));
        g.draw(area);
    }
}
