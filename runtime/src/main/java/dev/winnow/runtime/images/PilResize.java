package dev.winnow.runtime.images;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Resizing that gives the bytes of Pillow's {@code Image.resize} on an RGB image. When it shrinks, the filter widens with the shrink
 * factor; rows are resampled first, then columns, each in 22-bit fixed point and rounded to bytes in between.
 */
public final class PilResize {
    private static final int PRECISION = 22;
    private static final int HALF = 1 << (PRECISION - 1);
    /** Multiplications from which on a pass is worth spreading over the processor's cores. */
    private static final long PARALLEL_FROM = 1 << 22;

    private PilResize() {
    }

    /**
     * Resizes to exactly {@code width} x {@code height} pixels; the same image is returned when it has that size.
     *
     * @throws IllegalArgumentException when a side is not positive or the result is over {@link RgbImage#LARGEST_PIXELS}
     */
    public static RgbImage resize(RgbImage image, int width, int height, Resampling filter) {
        if (width < 1 || height < 1 || (long) width * height > RgbImage.LARGEST_PIXELS) {
            throw new IllegalArgumentException("cannot resize to " + width + " x " + height + " pixels");
        }
        if (width == image.width() && height == image.height()) return image;
        if (filter == Resampling.NEAREST) return nearest(image, width, height);
        Taps rows = Taps.of(image.height(), height, filter);
        RgbImage out = image;
        if (width != image.width()) out = horizontal(image, width, Taps.of(image.width(), width, filter));
        return height == image.height() ? out : vertical(out, height, rows);
    }

    private static RgbImage nearest(RgbImage image, int width, int height) {
        byte[] from = image.rgb();
        byte[] to = new byte[3 * width * height];
        int[] columns = nearestIndices(image.width(), width);
        int[] rows = nearestIndices(image.height(), height);
        int at = 0;
        for (int row : rows) {
            for (int column : columns) {
                int source = 3 * (row * image.width() + column);
                to[at++] = from[source];
                to[at++] = from[source + 1];
                to[at++] = from[source + 2];
            }
        }
        return new RgbImage(width, height, to);
    }

    private static int[] nearestIndices(int from, int to) {
        int[] indices = new int[to];
        double step = (double) from / to;
        double position = step * 0.5;
        for (int i = 0; i < to; i++) {
            indices[i] = Math.min((int) position, from - 1);
            position += step; // summed as Pillow does, so that rounding errors fall alike
        }
        return indices;
    }

    private static RgbImage horizontal(RgbImage image, int width, Taps taps) {
        byte[] from = image.rgb();
        byte[] to = new byte[3 * width * image.height()];
        int rowBytes = 3 * image.width();
        rows(image.height(), 3L * taps.weights.length).forEach(y -> {
            int at = 3 * y * width;
            for (int x = 0; x < width; x++) {
                int source = y * rowBytes + 3 * taps.first[x];
                int red = HALF;
                int green = HALF;
                int blue = HALF;
                for (int i = taps.begin[x], end = taps.begin[x + 1]; i < end; i++, source += 3) {
                    int weight = taps.weights[i];
                    red += (from[source] & 255) * weight;
                    green += (from[source + 1] & 255) * weight;
                    blue += (from[source + 2] & 255) * weight;
                }
                to[at++] = clip(red);
                to[at++] = clip(green);
                to[at++] = clip(blue);
            }
        });
        return new RgbImage(width, image.height(), to);
    }

    private static RgbImage vertical(RgbImage image, int height, Taps taps) {
        byte[] from = image.rgb();
        int rowBytes = 3 * image.width();
        byte[] to = new byte[rowBytes * height];
        long perRow = (long) rowBytes * taps.weights.length / height;
        rows(height, perRow).forEach(y -> {
            int[] sums = new int[rowBytes];
            Arrays.fill(sums, HALF);
            int source = taps.first[y] * rowBytes;
            for (int i = taps.begin[y]; i < taps.begin[y + 1]; i++, source += rowBytes) {
                int weight = taps.weights[i];
                for (int x = 0; x < rowBytes; x++) sums[x] += (from[source + x] & 255) * weight;
            }
            for (int x = 0; x < rowBytes; x++) to[y * rowBytes + x] = clip(sums[x]);
        });
        return new RgbImage(image.width(), height, to);
    }

    private static IntStream rows(int rows, long multiplicationsPerRow) {
        IntStream range = IntStream.range(0, rows);
        return rows * multiplicationsPerRow >= PARALLEL_FROM ? range.parallel() : range;
    }

    private static byte clip(int fixedPoint) {
        return (byte) Math.clamp(fixedPoint >> PRECISION, 0, 255);
    }

    /**
     * The weighted source pixels of every output pixel along one axis: output i is the sum of {@code weights[begin[i] .. begin[i+1])}
     * over consecutive source pixels from {@code first[i]} on.
     */
    private record Taps(int[] first, int[] begin, int[] weights) {
        static Taps of(int from, int to, Resampling filter) {
            double scale = (double) from / to;
            double filterScale = Math.max(scale, 1);
            double support = filter.support() * filterScale;
            double perPixel = 1 / filterScale;
            int[] first = new int[to];
            int[] begin = new int[to + 1];
            for (int i = 0; i < to; i++) {
                double centre = (i + 0.5) * scale;
                first[i] = Math.max((int) (centre - support + 0.5), 0);
                begin[i + 1] = begin[i] + Math.min((int) (centre + support + 0.5), from) - first[i];
            }
            int[] weights = new int[begin[to]];
            double[] exact = new double[(int) Math.ceil(support) * 2 + 1];
            for (int i = 0; i < to; i++) {
                double centre = (i + 0.5) * scale;
                int count = begin[i + 1] - begin[i];
                double total = 0;
                for (int j = 0; j < count; j++) {
                    exact[j] = filter.weight((j + first[i] - centre + 0.5) * perPixel);
                    total += exact[j];
                }
                for (int j = 0; j < count; j++) weights[begin[i] + j] = fixedPoint(total == 0 ? exact[j] : exact[j] / total);
            }
            return new Taps(first, begin, weights);
        }

        private static int fixedPoint(double weight) {
            return (int) (weight * (1 << PRECISION) + (weight < 0 ? -0.5 : 0.5));
        }
    }
}
