package dev.winnow.runtime.eval.report;

import dev.winnow.runtime.Explanation;
import dev.winnow.runtime.images.RgbImage;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import javax.imageio.ImageIO;

/** Pictures inside a page: the source once, as a data URI, and what a plan kept of it as shapes on top. */
final class KeptPatches {
    /** Longer sides are scaled down: a page with two dozen photographs should stay a page. */
    private static final int LONGEST_SIDE = 512;
    /** Pictures of few pixels are drawn ones more often than photographs, and PNG keeps their edges. */
    private static final int SMALL = 256;
    /** Shades are told apart in so many steps. */
    private static final int SHADES = 8;
    private static final float MERGED = 0.6f;

    private KeptPatches() {}

    /** The picture as an SVG symbol to be used by {@code id}. */
    static String symbol(String id, RgbImage image) {
        return String.format(Locale.ROOT, "<symbol id=\"%s\" viewBox=\"0 0 %d %d\"><image href=\"%s\" width=\"%d\" height=\"%d\"%s/></symbol>", id,
                image.width(), image.height(), dataUri(image), image.width(), image.height(),
                longest(image) <= SMALL ? " class=\"pixels\"" : "");
    }

    private static int longest(RgbImage image) {
        return Math.max(image.width(), image.height());
    }

    private static String dataUri(RgbImage image) {
        BufferedImage pixels = image.toBufferedImage();
        String format = longest(image) <= SMALL ? "png" : "jpeg";
        if (longest(image) > LONGEST_SIDE) {
            double scale = (double) LONGEST_SIDE / longest(image);
            int width = Math.max(1, (int) Math.round(scale * image.width()));
            int height = Math.max(1, (int) Math.round(scale * image.height()));
            BufferedImage smaller = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
            Graphics2D g = smaller.createGraphics();
            g.setRenderingHint(RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BICUBIC);
            g.drawImage(pixels, 0, 0, width, height, null);
            g.dispose();
            pixels = smaller;
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            if (!ImageIO.write(pixels, format, bytes)) throw new IOException("no writer for " + format);
        } catch (IOException e) {
            throw new UncheckedIOException("a picture cannot be put into the report: " + e.getMessage(), e);
        }
        return "data:image/" + format + ";base64," + Base64.getEncoder().encodeToString(bytes.toByteArray());
    }

    /** The picture as it is. */
    static String whole(String id, RgbImage image) {
        return svg(id, image, "", "the picture");
    }

    /** A part of a picture that the model looks at, and what is alive of it. */
    record Cells(Explanation.Piece piece, Explanation.Alive alive) {
        private String path(int patch) {
            int columns = piece.grid().width();
            double width = piece.region().width() / columns;
            double height = piece.region().height() / piece.grid().height();
            return String.format(Locale.ROOT, "M%.1f %.1fh%.1fv%.1fh%.1fz", piece.region().x() + patch % columns * width,
                    piece.region().y() + patch / columns * height, width, height, -width);
        }

        /** How dark each patch is drawn, 0..1: 1 for dropped ones, half for those that live on in one token with many others. */
        private float[] darkness() {
            float[] darkness = new float[alive.strength().length];
            for (int i = 0; i < darkness.length; i++) darkness[i] = 1 - alive.strength()[i];
            for (int[] group : alive.groups()) {
                for (int patch : group) darkness[patch] = Math.max(darkness[patch], MERGED * (1 - 1f / group.length));
            }
            return darkness;
        }
    }

    /** The picture with dropped patches dark, merged ones and those that only some layers keep less so, and a line around every live one. */
    static String kept(String id, RgbImage image, List<Cells> parts) {
        Map<Integer, StringBuilder> shades = new TreeMap<>();
        StringBuilder live = new StringBuilder();
        for (Cells cells : parts) {
            float[] darkness = cells.darkness();
            for (int patch = 0; patch < darkness.length; patch++) {
                int shade = Math.round(SHADES * darkness[patch]);
                if (shade > 0) shades.computeIfAbsent(shade, s -> new StringBuilder()).append(cells.path(patch));
                if (darkness[patch] < MERGED / 2) live.append(cells.path(patch));
            }
        }
        StringBuilder shapes = new StringBuilder();
        shades.forEach((shade, path) -> shapes.append(String.format(Locale.ROOT, "<path class=\"dropped\" fill-opacity=\"%.2f\" d=\"%s\"/>",
                0.85 * shade / SHADES, path)));
        shapes.append("<path class=\"live\" d=\"").append(live).append("\"/>");
        return svg(id, image, shapes.toString(), "what the plan keeps of it");
    }

    private static String svg(String id, RgbImage image, String shapes, String label) {
        return String.format(Locale.ROOT, "<svg class=\"picture\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\"><use href=\"#%s\" width=\"%d\" "
                + "height=\"%d\"/>%s</svg>", image.width(), image.height(), label, id, image.width(), image.height(), shapes);
    }
}
