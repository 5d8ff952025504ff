package dev.winnow.runtime.explain;

import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.font.FontRenderContext;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;

/** Text in the machine's sans-serif font, or none at all on a machine without fonts: pictures are worth having all the same. */
final class Lettering {
    private static final String ELLIPSIS = "…";
    private static final FontRenderContext CONTEXT = new FontRenderContext(null, true, true);

    /** How a line looks. */
    enum Style {
        CAPTION(Font.BOLD, 19, 0x14181f), DETAIL(Font.PLAIN, 15, 0x3c4450), NOTE(Font.ITALIC, 13, 0x6a7280),
        METHOD(Font.BOLD, 14, 0x14181f), SITE(Font.PLAIN, 13, 0x6a7280), COUNT(Font.PLAIN, 13, 0x14181f),
        LEGEND(Font.PLAIN, 12, 0x6a7280);

        private final Font font;
        private final Color colour;
        private final int height;

        Style(int face, int size, int colour) {
            font = new Font(Font.SANS_SERIF, face, size);
            this.colour = new Color(colour);
            height = Math.round(1.4f * size);
        }
    }

    private final boolean present;

    private Lettering(boolean present) {
        this.present = present;
    }

    /** With the fonts of this machine. */
    static Lettering installed() {
        try {
            Graphics2D g = new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB).createGraphics();
            new Lettering(true).draw(g, Style.COUNT, "x", 0, 0);
            g.dispose();
            return new Lettering(true);
        } catch (RuntimeException | LinkageError | InternalError e) {
            // what a JDK without fontconfig, fonts or its font library throws, depending on which of them is missing
            return none();
        }
    }

    /** Without a font. */
    static Lettering none() {
        return new Lettering(false);
    }

    /** Pixels from line to line. */
    int height(Style style) {
        return present ? style.height : 0;
    }

    int width(Style style, String text) {
        return present ? (int) Math.ceil(style.font.getStringBounds(text, CONTEXT).getWidth()) : 0;
    }

    /** A line whose top left corner is at (x, y). */
    void draw(Graphics2D g, Style style, String text, int x, int y) {
        if (!present) return;
        g.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
        g.setRenderingHint(RenderingHints.KEY_FRACTIONALMETRICS, RenderingHints.VALUE_FRACTIONALMETRICS_ON);
        g.setFont(style.font);
        g.setColor(style.colour);
        g.drawString(text, x, y + Math.round(1.05f * style.font.getSize()));
    }

    /** The text, cut to a width with an ellipsis. */
    String fit(Style style, String text, int width) {
        if (width(style, text) <= width) return text;
        int end = Math.min(text.length(), width);
        while (end > 0 && width(style, cut(text, end)) > width) end = text.offsetByCodePoints(end, -1);
        return cut(text, end);
    }

    private static String cut(String text, int end) {
        return text.substring(0, end).stripTrailing() + ELLIPSIS;
    }

    /** The text in lines of a width, the last one cut when there are more than {@code most}. */
    List<String> wrap(Style style, String text, int width, int most) {
        List<String> lines = new ArrayList<>();
        String rest = text.strip();
        while (present && !rest.isEmpty()) {
            int end = lines.size() == most - 1 ? rest.length() : lineEnd(style, rest, width);
            lines.add(fit(style, rest.substring(0, end).strip(), width));
            rest = rest.substring(end).strip();
        }
        return lines;
    }

    /** Up to the last blank that leaves a line of the width, or the last character where there is no such blank. */
    private int lineEnd(Style style, String text, int width) {
        // no character is narrower than a pixel: no need to measure a whole novel
        int end = Math.min(text.length(), width);
        while (end > 0 && width(style, text.substring(0, end)) > width) end = text.lastIndexOf(' ', end - 1);
        if (end > 0) return end;
        end = 1;
        while (end < text.length() && width(style, text.substring(0, end + 1)) <= width) end++;
        return end;
    }
}
