package dev.winnow.runtime.images;

import dev.winnow.weights.CheckpointException;
import java.util.ArrayList;
import java.util.List;

/** How a picture is cut into pieces of the size that a vision model looks at. */
sealed interface Tiling {
    /** A piece of a picture, and where it lies in it. */
    record Piece(RgbImage image, Region region) {}

    /**
     * @param pieces  in the order in which a model reads them
     * @param rows    of pieces, 0 where the picture is whole
     * @param columns of pieces
     * @param whole   which piece is the whole picture
     */
    record Cut(List<Piece> pieces, int rows, int columns, int whole) {}

    Cut cut(RgbImage image, Resampling resampling);

    /** Not at all. */
    record None() implements Tiling {
        @Override
        public Cut cut(RgbImage image, Resampling resampling) {
            return new Cut(List.of(new Piece(image, whole(image))), 0, 0, 0);
        }
    }

    /**
     * The canvas that keeps most of a picture and wastes least is cut into squares; the picture lies in its middle with its aspect ratio.
     * The picture as a square comes first (LLaVA-NeXT).
     *
     * @param wholeHeight of the first piece
     * @param tile        side of the others
     */
    record AnyResolution(List<Extent> canvases, int wholeHeight, int wholeWidth, int tile) implements Tiling {
        @Override
        public Cut cut(RgbImage image, Resampling resampling) {
            Extent best = Extent.best(canvases, image.height(), image.width());
            double across = (double) best.width() / image.width();
            double down = (double) best.height() / image.height();
            int width = across < down ? best.width() : (int) Math.min(Math.ceil(image.width() * down), best.width());
            int height = across < down ? (int) Math.min(Math.ceil(image.height() * across), best.height()) : best.height();
            RgbImage resized = PilResize.resize(image, width, height, resampling);
            int left = (best.width() - width) / 2;
            int top = (best.height() - height) / 2;

            List<Piece> pieces = new ArrayList<>();
            pieces.add(new Piece(PilResize.resize(image, wholeWidth, wholeHeight, resampling), whole(image)));
            double perColumn = (double) image.width() / width;
            double perRow = (double) image.height() / height;
            // the margins of either side are the same: where an odd number of pixels is left, the last pieces are one short
            int right = width + 2 * left;
            int bottom = height + 2 * top;
            for (int y = 0; y < best.height(); y += tile) {
                for (int x = 0; x < best.width(); x += tile) {
                    RgbImage piece = Canvas.place(resized, Math.min(tile, right - x), Math.min(tile, bottom - y), left - x, top - y, 0);
                    pieces.add(new Piece(piece, new Region((x - left) * perColumn, (y - top) * perRow, tile * perColumn, tile * perRow)));
                }
            }
            return new Cut(pieces, best.height() / tile, best.width() / tile, 0);
        }
    }

    /**
     * The whole picture first; where it is long, then its parts side by side or one under the other, about as many as the longer side is
     * times the shorter (Gemma 3's pan and scan).
     *
     * @param least fewest pixels of a part's side; where a part would have less, the picture stays whole
     * @param most  parts at most
     * @param ratio of the longer side to the shorter below which the picture stays whole
     */
    record PanAndScan(int least, int most, double ratio) implements Tiling {
        @Override
        public Cut cut(RgbImage image, Resampling resampling) {
            Piece all = new Piece(image, whole(image));
            boolean wide = image.width() >= image.height();
            int longer = Math.max(image.width(), image.height());
            int shorter = Math.min(image.width(), image.height());
            double longTimes = (double) longer / shorter;
            int parts = Math.min(most, Math.max(2, Math.min(longer / least, (int) Math.floor(longTimes + 0.5))));
            int length = (longer + parts - 1) / parts;
            if (longTimes < ratio || Math.min(length, shorter) < least) return new Cut(List.of(all), 0, 0, 0);
            List<Piece> pieces = new ArrayList<>(List.of(all));
            for (int from = 0; from < longer; from += length) {
                int width = wide ? Math.min(length, longer - from) : image.width();
                int height = wide ? image.height() : Math.min(length, longer - from);
                int x = wide ? from : 0;
                int y = wide ? 0 : from;
                pieces.add(new Piece(Canvas.place(image, width, height, -x, -y, 0), new Region(x, y, width, height)));
            }
            int made = pieces.size() - 1;
            return new Cut(pieces, wide ? 1 : made, wide ? made : 1, 0);
        }
    }

    /**
     * The picture, its longer side brought to a length, is stretched to whole squares and cut; as one square it comes last (Idefics3).
     *
     * @param longest length of the longer side
     * @param tile    side of a piece
     * @param splits  whether it is cut at all, or only made one square
     */
    record Squares(int longest, int tile, boolean splits) implements Tiling {
        private static final int MOST_PER_SIDE = 64;

        public Squares {
            int perSide = (longest + tile - 1) / tile;
            long side = (long) perSide * tile;
            if (splits && perSide > MOST_PER_SIDE || side * side > RgbImage.LARGEST_PIXELS) {
                throw new CheckpointException("image processor: a longest_edge of " + longest + " pixels makes too many pieces of " + tile
                        + " x " + tile);
            }
        }

        @Override
        public Cut cut(RgbImage image, Resampling resampling) {
            boolean wide = image.width() >= image.height();
            double aspect = (double) image.width() / image.height();
            int width = wide ? longest : even((int) (longest * aspect));
            int height = wide ? even((int) (longest / aspect)) : longest;
            RgbImage resized = PilResize.resize(image, width, height, resampling);
            Piece square = new Piece(resized, whole(image));
            if (splits) {
                aspect = (double) width / height;
                int columns = wide ? above(width) : above((int) (above(height) * tile * aspect));
                int rows = wide ? above((int) (above(width) * tile / aspect)) : above(height);
                resized = PilResize.resize(resized, columns * tile, rows * tile, resampling);
                square = new Piece(resized, whole(image));
                if (columns > 1 || rows > 1) return pieces(image, resized, rows, columns, resampling);
            }
            return new Cut(List.of(new Piece(PilResize.resize(square.image, tile, tile, resampling), square.region)), 0, 0, 0);
        }

        private Cut pieces(RgbImage image, RgbImage resized, int rows, int columns, Resampling resampling) {
            List<Piece> pieces = new ArrayList<>();
            double across = (double) image.width() / columns;
            double down = (double) image.height() / rows;
            for (int y = 0; y < rows; y++) {
                for (int x = 0; x < columns; x++) {
                    pieces.add(new Piece(Canvas.place(resized, tile, tile, -x * tile, -y * tile, 0),
                            new Region(x * across, y * down, across, down)));
                }
            }
            pieces.add(new Piece(PilResize.resize(resized, tile, tile, resampling), whole(image)));
            return new Cut(pieces, rows, columns, pieces.size() - 1);
        }

        private static int even(int side) {
            return Math.max(1, side + side % 2);
        }

        /** Squares that a side takes. */
        private int above(int side) {
            return Math.max(1, (side + tile - 1) / tile);
        }
    }

    private static Region whole(RgbImage image) {
        return new Region(0, 0, image.width(), image.height());
    }
}
