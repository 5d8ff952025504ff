package dev.winnow.runtime.explain;

import dev.winnow.runtime.images.RgbImage;

/** The part of an image that a frame shows, at the frame's size: Catmull-Rom, widened where the image shrinks. */
final class Resampled {
    /** What is shown where the model sees padding: no colour of the image, neither dark nor bright. */
    static final int PADDING = 0xff808080;

    private Resampled() {
    }

    /** 0xAARRGGBB row after row; 0 where there is neither image nor patch. */
    static int[] pixels(RgbImage image, Frame frame) {
        Taps columns = Taps.of(frame.width(), frame.sourceX(), frame.stepX(), image.width());
        Taps rows = Taps.of(frame.height(), frame.sourceY(), frame.stepY(), image.height());
        float[][] narrowed = new float[image.height()][];
        int[] out = new int[frame.width() * frame.height()];
        for (int y = 0; y < frame.height(); y++) {
            for (int i = 0; i < rows.weights[y].length; i++) {
                int row = rows.first[y] + i;
                if (narrowed[row] == null) narrowed[row] = narrow(image, row, columns);
            }
            // rows are visited from the top, so those above the window are done with
            if (y > 0) for (int r = rows.first[y - 1]; r < rows.first[y]; r++) narrowed[r] = null;
            for (int x = 0; x < frame.width(); x++) {
                boolean covered = rows.weights[y].length > 0 && columns.weights[x].length > 0;
                int blank = frame.patchAt(x, y) >= 0 ? PADDING : 0;
                out[y * frame.width() + x] = covered ? pixel(narrowed, rows.first[y], rows.weights[y], 3 * x) : blank;
            }
        }
        return out;
    }

    private static float[] narrow(RgbImage image, int row, Taps columns) {
        float[] out = new float[3 * columns.first.length];
        for (int x = 0; x < columns.first.length; x++) {
            int at = 3 * (row * image.width() + columns.first[x]);
            for (float weight : columns.weights[x]) {
                for (int c = 0; c < 3; c++) out[3 * x + c] += weight * (image.rgb()[at++] & 255);
            }
        }
        return out;
    }

    private static int pixel(float[][] rows, int first, float[] weights, int at) {
        int argb = 0xff;
        for (int c = 0; c < 3; c++) {
            float sum = 0;
            for (int i = 0; i < weights.length; i++) sum += weights[i] * rows[first + i][at + c];
            argb = argb << 8 | Math.clamp(Math.round(sum), 0, 255);
        }
        return argb;
    }

    /** For each target position the source positions it mixes; no weights where it lies outside the source. */
    private record Taps(int[] first, float[][] weights) {
        static Taps of(int size, double from, double step, int source) {
            Taps taps = new Taps(new int[size], new float[size][]);
            double scale = Math.max(1, step);
            for (int i = 0; i < size; i++) {
                double centre = from + (i + 0.5) * step;
                int first = (int) Math.clamp(Math.ceil(centre - 2 * scale - 0.5), 0, source);
                int end = (int) Math.clamp(Math.floor(centre + 2 * scale - 0.5) + 1, first, source);
                taps.first[i] = first;
                taps.weights[i] = centre < 0 || centre >= source ? new float[0] : weights(first, end, centre, scale);
            }
            return taps;
        }

        private static float[] weights(int first, int end, double centre, double scale) {
            float[] weights = new float[end - first];
            float sum = 0;
            for (int i = 0; i < weights.length; i++) {
                weights[i] = (float) catmullRom(Math.abs(first + i + 0.5 - centre) / scale);
                sum += weights[i];
            }
            for (int i = 0; i < weights.length; i++) weights[i] /= sum;
            return weights;
        }

        private static double catmullRom(double x) {
            if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
            return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
        }
    }
}
