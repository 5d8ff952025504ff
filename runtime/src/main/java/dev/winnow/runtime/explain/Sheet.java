package dev.winnow.runtime.explain;

import dev.winnow.runtime.explain.Lettering.Style;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;

/** Lays panels out under a caption: one column per panel and one row per image in it, wrapped into bands of columns. */
final class Sheet {
    private static final Color PAPER = Color.WHITE;
    private static final Color RULE = new Color(0xd9dde3);
    private static final int MARGIN = 32;
    private static final int GUTTER = 28;
    /** Between the bands, and around the rule under the caption. */
    private static final int SPACE = 30;
    private static final int TIGHT = 8;
    private static final int WIDEST = 1820;
    private static final int NARROWEST_COLUMN = 300;
    private static final int CAPTION_LINES = 3;
    private static final int DETAIL_LINES = 6;
    private static final int LEGEND_WIDTH = 110;
    private static final int LEGEND_HEIGHT = 10;
    /** A colour to show degrees of survival on. */
    private static final int LEGEND_COLOUR = 0xffffb454;

    /** One painted panel of one image. */
    record Cell(String counts, BufferedImage picture, boolean legend) {}

    /** One panel with its images from top to bottom. */
    record Column(PanelTitle title, List<Cell> cells) {}

    /** A line above the panels. */
    private record Line(Style style, String text) {}

    private final Lettering letters;
    private final List<Column> columns;
    private final int columnWidth;
    private final int perBand;
    private final List<Line> header;

    Sheet(Lettering letters, List<Column> columns, String caption, String note) {
        this.letters = letters;
        this.columns = columns;
        columnWidth = columns.stream().flatMap(c -> c.cells().stream())
                .mapToInt(c -> Math.max(c.picture().getWidth(), letters.width(Style.COUNT, c.counts())))
                .reduce(NARROWEST_COLUMN, Math::max);
        int fitting = Math.max(1, (WIDEST - 2 * MARGIN + GUTTER) / (columnWidth + GUTTER));
        int bands = (columns.size() + fitting - 1) / fitting;
        perBand = (columns.size() + bands - 1) / bands;
        header = header(caption, note);
    }

    BufferedImage paint() {
        BufferedImage sheet = canvas();
        Graphics2D g = sheet.createGraphics();
        g.setColor(PAPER);
        g.fillRect(0, 0, sheet.getWidth(), sheet.getHeight());
        drawHeader(g);
        int y = MARGIN + headerHeight();
        for (List<Column> band : bands()) {
            for (int i = 0; i < band.size(); i++) drawColumn(g, band, i, MARGIN + i * (columnWidth + GUTTER), y);
            y += bandHeight(band) + SPACE;
        }
        g.dispose();
        return sheet;
    }

    private BufferedImage canvas() {
        long height = 2L * MARGIN + headerHeight() - SPACE;
        for (List<Column> band : bands()) height += bandHeight(band) + SPACE;
        if (height * width() > ExplanationPicture.LARGEST_PIXELS) {
            throw new IllegalArgumentException("the picture would have " + width() + " x " + height + " pixels, over the limit of "
                    + ExplanationPicture.LARGEST_PIXELS + ": explain fewer images at once");
        }
        return new BufferedImage(width(), (int) height, BufferedImage.TYPE_INT_RGB);
    }

    private int width() {
        return 2 * MARGIN + perBand * (columnWidth + GUTTER) - GUTTER;
    }

    private List<List<Column>> bands() {
        List<List<Column>> bands = new ArrayList<>();
        for (int i = 0; i < columns.size(); i += perBand) bands.add(columns.subList(i, Math.min(i + perBand, columns.size())));
        return bands;
    }

    private List<Line> header(String caption, String note) {
        List<Line> lines = new ArrayList<>();
        List<String> paragraphs = caption.lines().map(Sheet::printable).filter(line -> !line.isEmpty()).toList();
        int inner = width() - 2 * MARGIN;
        for (String paragraph : paragraphs) {
            boolean first = lines.isEmpty();
            Style style = first ? Style.CAPTION : Style.DETAIL;
            int most = first ? CAPTION_LINES : CAPTION_LINES + DETAIL_LINES - lines.size();
            if (most < 1) break;
            for (String line : letters.wrap(style, paragraph, inner, most)) lines.add(new Line(style, line));
        }
        if (!note.isEmpty()) for (String line : letters.wrap(Style.NOTE, note, inner, 2)) lines.add(new Line(Style.NOTE, line));
        return lines;
    }

    /** What a model answers may hold anything. */
    private static String printable(String text) {
        return text.replaceAll("\\p{Cntrl}+", " ").strip();
    }

    private int headerHeight() {
        int lines = header.stream().mapToInt(line -> letters.height(line.style)).sum();
        return lines == 0 ? 0 : lines + SPACE;
    }

    private void drawHeader(Graphics2D g) {
        int y = MARGIN - TIGHT;
        for (Line line : header) {
            letters.draw(g, line.style, line.text, MARGIN, y);
            y += letters.height(line.style);
        }
        if (header.isEmpty()) return;
        g.setColor(RULE);
        g.fillRect(MARGIN, y + TIGHT, width() - 2 * MARGIN, 1);
    }

    private int titleHeight() {
        return letters.height(Style.METHOD) + letters.height(Style.SITE) + TIGHT / 2;
    }

    private int bandHeight(List<Column> band) {
        int height = titleHeight();
        for (int image = 0; image < band.getFirst().cells().size(); image++) height += rowHeight(band, image);
        return height;
    }

    /** Counts, picture and legend of one image; panels of one image are of one size. */
    private int rowHeight(List<Column> band, int image) {
        int gap = image == 0 ? 0 : 2 * TIGHT;
        boolean legend = band.stream().anyMatch(column -> column.cells().get(image).legend());
        int picture = band.getFirst().cells().get(image).picture().getHeight();
        return gap + letters.height(Style.COUNT) + TIGHT + picture + (legend ? TIGHT + legendHeight() : 0);
    }

    private int legendHeight() {
        return Math.max(LEGEND_HEIGHT, letters.height(Style.LEGEND));
    }

    private void drawColumn(Graphics2D g, List<Column> band, int number, int x, int y) {
        Column column = band.get(number);
        letters.draw(g, Style.METHOD, letters.fit(Style.METHOD, printable(column.title().method()), columnWidth), x, y);
        int siteY = y + letters.height(Style.METHOD);
        letters.draw(g, Style.SITE, letters.fit(Style.SITE, printable(column.title().site()), columnWidth), x, siteY);
        int top = y + titleHeight();
        for (int image = 0; image < column.cells().size(); image++) {
            drawCell(g, column.cells().get(image), x, top + (image == 0 ? 0 : 2 * TIGHT));
            top += rowHeight(band, image);
        }
    }

    private void drawCell(Graphics2D g, Cell cell, int x, int y) {
        letters.draw(g, Style.COUNT, letters.fit(Style.COUNT, cell.counts(), columnWidth), x, y);
        int top = y + letters.height(Style.COUNT) + TIGHT;
        g.drawImage(cell.picture(), x, top, null);
        if (cell.legend()) drawLegend(g, x, top + cell.picture().getHeight() + TIGHT);
    }

    private void drawLegend(Graphics2D g, int x, int y) {
        int height = legendHeight();
        int textY = y + (height - letters.height(Style.LEGEND)) / 2;
        letters.draw(g, Style.LEGEND, "0%", x, textY);
        int bar = x + letters.width(Style.LEGEND, "0%") + TIGHT;
        for (int i = 0; i < LEGEND_WIDTH; i++) {
            g.setColor(new Color(Shade.survives(LEGEND_COLOUR, i / (LEGEND_WIDTH - 1f))));
            g.fillRect(bar + i, y + (height - LEGEND_HEIGHT) / 2, 1, LEGEND_HEIGHT);
        }
        letters.draw(g, Style.LEGEND, "100% kept", bar + LEGEND_WIDTH + TIGHT, textY);
    }
}
