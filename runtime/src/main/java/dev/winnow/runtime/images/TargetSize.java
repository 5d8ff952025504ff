package dev.winnow.runtime.images;

import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Settings;
import java.util.List;

/**
 * A size from an image processor configuration: exactly {@code height} x {@code width}, or, with {@code shortestEdge}, the length of
 * the shorter edge (then both are the same), the other one following the aspect ratio.
 */
record TargetSize(int height, int width, boolean shortestEdge) implements SizeRule {
    /** Far more than any vision model takes, and small enough for squares of it to be allocated. */
    private static final int LARGEST_SIDE = 8192;

    static TargetSize square(int side) {
        return new TargetSize(side, side, false);
    }

    static TargetSize shortestEdge(int side) {
        return new TargetSize(side, side, true);
    }

    /**
     * Reads {@code {"height": h, "width": w}}, {@code {"shortest_edge": s}}, a number, or {@code [h, w]}.
     *
     * @param otherwise the size when the key is absent; it also tells whether a number means the shorter edge
     */
    static TargetSize read(Settings config, String key, TargetSize otherwise) {
        return switch (config.type(key)) {
            case "absent", "null" -> otherwise;
            case "number" -> {
                int side = config.integer(key);
                yield checked(side, side, otherwise.shortestEdge, key);
            }
            case "array" -> {
                List<Integer> sides = config.integers(key);
                if (sides.size() != 2) throw new CheckpointException(key + " should hold a height and a width but is " + sides);
                yield checked(sides.get(0), sides.get(1), false, key);
            }
            default -> {
                Settings size = config.section(key);
                if (size.has("shortest_edge")) {
                    int side = size.integer("shortest_edge");
                    yield checked(side, side, true, key);
                }
                yield checked(size.integer("height"), size.integer("width"), false, key);
            }
        };
    }

    private static TargetSize checked(int height, int width, boolean shortestEdge, String key) {
        if (height < 1 || width < 1 || height > LARGEST_SIDE || width > LARGEST_SIDE) {
            throw new CheckpointException("image processor " + key + " should be 1 to " + LARGEST_SIDE + " pixels a side but is "
                    + height + " x " + width);
        }
        return new TargetSize(height, width, shortestEdge);
    }

    @Override
    public long widthOf(int imageWidth, int imageHeight) {
        return shortestEdge && imageWidth > imageHeight ? longerEdge(imageWidth, imageHeight) : width;
    }

    @Override
    public long heightOf(int imageWidth, int imageHeight) {
        return shortestEdge && imageHeight > imageWidth ? longerEdge(imageHeight, imageWidth) : height;
    }

    private long longerEdge(int longer, int shorter) {
        return (long) ((double) ((long) width * longer) / shorter); // cut off, not rounded
    }
}
