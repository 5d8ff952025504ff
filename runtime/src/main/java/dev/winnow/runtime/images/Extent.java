package dev.winnow.runtime.images;

import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Settings;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** A size in pixels: of a canvas that a picture is put on (LLaVA-NeXT). */
public record Extent(int height, int width) {
    private static final int MOST_TILES = 4096;

    /** The one that keeps most of a picture of a size and of those wastes least; the first of equal ones. */
    public static Extent best(List<Extent> canvases, int height, int width) {
        return canvases.stream().min(Comparator.<Extent>comparingLong(c -> -c.kept(height, width))
                .thenComparingLong(c -> (long) c.height * c.width - c.kept(height, width))).orElseThrow();
    }

    /** Pixels of a picture that a canvas has room for. */
    private long kept(int imageHeight, int imageWidth) {
        double scale = Math.min((double) width / imageWidth, (double) height / imageHeight);
        return Math.min((long) (imageWidth * scale) * (long) (imageHeight * scale), (long) imageWidth * imageHeight);
    }

    /**
     * Reads {@code image_grid_pinpoints}.
     *
     * @param tile      that every canvas is made of
     * @param otherwise rows and columns of tiles where there are none
     * @throws CheckpointException for a canvas that cannot be cut into tiles
     */
    public static List<Extent> canvases(Settings config, int tile, List<Extent> otherwise) {
        String key = "image_grid_pinpoints";
        List<Extent> canvases = new ArrayList<>();
        if (!config.has(key)) {
            for (Extent tiles : otherwise) canvases.add(new Extent(tiles.height * tile, tiles.width * tile));
            return canvases;
        }
        for (List<Integer> sides : config.integerRows(key)) {
            int height = sides.size() == 2 ? sides.get(0) : 0;
            int width = sides.size() == 2 ? sides.get(1) : 0;
            boolean whole = height > 0 && width > 0 && height % tile == 0 && width % tile == 0;
            if (!whole || (long) (height / tile) * (width / tile) > MOST_TILES || (long) height * width > RgbImage.LARGEST_PIXELS) {
                throw new CheckpointException(key + " holds " + sides + ", which is no canvas of tiles of " + tile + " x " + tile
                        + " pixels");
            }
            canvases.add(new Extent(height, width));
        }
        if (canvases.isEmpty()) throw new CheckpointException(key + " holds no size");
        return canvases;
    }

    /** Rows and columns of tiles that LLaVA-NeXT takes for granted. */
    public static List<Extent> next() {
        return List.of(new Extent(1, 2), new Extent(2, 1), new Extent(2, 2), new Extent(3, 1), new Extent(1, 3));
    }

    /** All rows and columns of tiles up to a number, which LLaVA-OneVision takes for granted. */
    public static List<Extent> upTo(int most) {
        List<Extent> all = new ArrayList<>();
        for (int y = 1; y <= most; y++) for (int x = 1; x <= most; x++) all.add(new Extent(y, x));
        return all;
    }
}
