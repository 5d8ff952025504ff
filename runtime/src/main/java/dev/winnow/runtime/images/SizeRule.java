package dev.winnow.runtime.images;

import dev.winnow.weights.CheckpointException;

/** The size that a picture is brought to, by what it has. Results may be too large to be made; callers check. */
sealed interface SizeRule permits TargetSize, SizeRule.WithinPixels, SizeRule.WithinEdge {
    long widthOf(int imageWidth, int imageHeight);

    long heightOf(int imageWidth, int imageHeight);

    /**
     * Multiples of a factor near the picture's own sides, scaled so that the number of pixels stays in bounds (Qwen2-VL).
     *
     * @param least fewest pixels
     * @param most  most pixels
     */
    record WithinPixels(int factor, int least, int most) implements SizeRule {
        private static final int LONGEST_RATIO = 200;

        public WithinPixels {
            if (factor < 1 || least < 1 || most < least || factor > most) {
                throw new CheckpointException("image processor: pictures of multiples of " + factor + " pixels a side cannot have between "
                        + least + " and " + most + " pixels");
            }
        }

        @Override
        public long widthOf(int imageWidth, int imageHeight) {
            return sides(imageWidth, imageHeight)[0];
        }

        @Override
        public long heightOf(int imageWidth, int imageHeight) {
            return sides(imageWidth, imageHeight)[1];
        }

        private long[] sides(int width, int height) {
            if ((double) Math.max(width, height) / Math.min(width, height) > LONGEST_RATIO) {
                throw new ImageException("an image of " + width + " x " + height + " pixels is too narrow; one side may be at most "
                        + LONGEST_RATIO + " times the other");
            }
            long near = nearest(width);
            long nearHeight = nearest(height);
            double area = (double) width * height;
            if (near * nearHeight > most) {
                double shrink = Math.sqrt(area / most);
                return new long[] {below(width / shrink), below(height / shrink)};
            }
            if (near * nearHeight < least) {
                double stretch = Math.sqrt(least / area);
                return new long[] {above(width * stretch), above(height * stretch)};
            }
            return new long[] {near, nearHeight};
        }

        private long nearest(int side) {
            return Math.max(factor, (long) Math.rint((double) side / factor) * factor);
        }

        private long below(double side) {
            return Math.max(factor, (long) Math.floor(side / factor) * factor);
        }

        private long above(double side) {
            return (long) Math.ceil(side / factor) * factor;
        }
    }

    /** Shrunk where a side is over a limit, then filled up to whole patches by stretching (Pixtral). */
    record WithinEdge(int longest, int patchHeight, int patchWidth) implements SizeRule {
        @Override
        public long widthOf(int imageWidth, int imageHeight) {
            return whole(imageWidth, imageWidth, imageHeight, patchWidth);
        }

        @Override
        public long heightOf(int imageWidth, int imageHeight) {
            return whole(imageHeight, imageWidth, imageHeight, patchHeight);
        }

        private long whole(int side, int imageWidth, int imageHeight, int patch) {
            double ratio = Math.max((double) imageHeight / longest, (double) imageWidth / longest);
            long within = ratio > 1 ? (long) Math.floor(side / ratio) : side;
            return Math.max(1, (within - 1) / patch + 1) * patch;
        }
    }
}
