package dev.winnow.runtime.models;

import dev.winnow.reduction.Grid;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.runtime.RequestException;
import dev.winnow.runtime.images.Extent;
import dev.winnow.runtime.models.VisionLanguageModel.Image;
import dev.winnow.runtime.models.VisionLanguageModel.ImageFeatures;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/** How the features of a picture's pieces stand in a prompt. */
public sealed interface Packing {
    /** Placeholders of each stretch of a picture's tokens in an unreduced prompt. */
    List<Integer> places(Image image, int perTile);

    /** Stretches of tokens, each for a run of placeholders. */
    List<ImageFeatures> pack(Image image, List<ImageFeatures> tiles, int width);

    /** Pieces that a picture of a size is cut into, or 0 where any number goes. */
    int tiles(int height, int width);

    /** The most pieces that a picture is cut into, where that is the model's to say. */
    OptionalInt mostTiles();

    /** Whether every patch must be in its place. */
    boolean whole();

    /** Every piece stands by itself; mostly there is one. */
    record Apart() implements Packing {
        @Override
        public List<Integer> places(Image image, int perTile) {
            return image.tiles().stream().map(t -> perTile).toList();
        }

        @Override
        public List<ImageFeatures> pack(Image image, List<ImageFeatures> tiles, int width) {
            return tiles;
        }

        @Override
        public int tiles(int height, int width) {
            return 0;
        }

        @Override
        public OptionalInt mostTiles() {
            return OptionalInt.empty();
        }

        @Override
        public boolean whole() {
            return false;
        }
    }

    /**
     * The picture as a whole, then its pieces as the one large picture that they make, without its margins; a learned token ends every
     * row (LLaVA-NeXT).
     *
     * @param side    patches per side of a piece
     * @param tile    side of a piece in pixels
     * @param newline [width]
     * @param most    pieces whose patches fit in; where there are more, features are resampled to fewer (LLaVA-OneVision). 0: any number
     */
    record AnyResolution(List<Extent> canvases, int side, int tile, float[] newline, int most) implements Packing {
        /** What is left of the large picture: rows and columns from .. to - 1. */
        private record Part(int top, int bottom, int left, int right) {
            int height() {
                return bottom - top;
            }

            int width() {
                return right - left;
            }
        }

        @Override
        public boolean whole() {
            return most > 0;
        }

        @Override
        public int tiles(int height, int width) {
            Extent best = Extent.best(canvases, height, width);
            return 1 + best.height() / tile * (best.width() / tile);
        }

        @Override
        public OptionalInt mostTiles() {
            return canvases.stream().mapToInt(c -> 1 + c.height() / tile * (c.width() / tile)).max();
        }

        @Override
        public List<Integer> places(Image image, int perTile) {
            Grid fine = resampled(part(image));
            return List.of(perTile + fine.height() * (fine.width() + 1));
        }

        private Part part(Image image) {
            Extent best = Extent.best(canvases, image.height(), image.width());
            int height = best.height() / tile * side;
            int width = best.width() / tile * side;
            if ((double) image.width() / image.height() > (double) width / height) {
                int margin = (height - kept(image.height(), (double) width / image.width())) / 2;
                return new Part(margin, height - margin, 0, width);
            }
            int margin = (width - kept(image.width(), (double) height / image.height())) / 2;
            return new Part(0, height, margin, width - margin);
        }

        /** Rounded to seven decimals before it is cut off. */
        private static int kept(int side, double scale) {
            return (int) (Math.rint(side * scale * 1e7) / 1e7);
        }

        private Grid resampled(Part part) {
            double ratio = most == 0 ? 1 : Math.sqrt(part.height() * (double) part.width() / ((double) most * side * side));
            if (ratio <= 1.1) return new Grid(part.height(), part.width());
            return new Grid((int) (part.height() / ratio), (int) (part.width() / ratio));
        }

        @Override
        public List<ImageFeatures> pack(Image image, List<ImageFeatures> tiles, int width) {
            if (tiles.size() != tiles(image.height(), image.width())) {
                throw new RequestException("a picture of " + image.width() + "x" + image.height() + " pixels is cut into "
                        + tiles(image.height(), image.width()) + " pieces, not " + tiles.size());
            }
            Part part = part(image);
            Grid fine = resampled(part);
            PictureTokens made = new PictureTokens(width, newline);
            ImageFeatures whole = tiles.getFirst();
            for (int i = 0; i < whole.ledger().count(); i++) made.token(whole, i, whole.ledger().image(i), whole.ledger().cell(i));
            if (fine.cells() == part.height() * part.width()) pieces(image, tiles, part, made);
            else made.resampled(large(image, tiles, part, width), part.height(), part.width(), fine, image(whole) + 1, true);
            return List.of(made.features(tiles, places(image, side * side).getFirst(), fine, image(whole) + 1));
        }

        private static int image(ImageFeatures tile) {
            return tile.ledger().image(0);
        }

        /** Tokens without a place, then the others in the order of the large picture; a row that lost all its tokens has no end either. */
        private void pieces(Image image, List<ImageFeatures> tiles, Part part, PictureTokens made) {
            int across = Extent.best(canvases, image.height(), image.width()).width() / tile;
            int[][] tokens = new int[part.height()][part.width()];
            for (int[] row : tokens) Arrays.fill(row, -1);
            for (int t = 1; t < tiles.size(); t++) {
                TokenLedger ledger = tiles.get(t).ledger();
                for (int i = 0; i < ledger.count(); i++) {
                    if (ledger.cell(i) < 0) {
                        made.token(tiles.get(t), i, ledger.image(i), -1);
                        continue;
                    }
                    int y = (t - 1) / across * side + ledger.cell(i) / side - part.top;
                    int x = (t - 1) % across * side + ledger.cell(i) % side - part.left;
                    if (y >= 0 && y < part.height() && x >= 0 && x < part.width()) tokens[y][x] = i;
                }
            }
            for (int y = 0; y < part.height(); y++) {
                boolean any = false;
                for (int x = 0; x < part.width(); x++) {
                    if (tokens[y][x] < 0) continue;
                    int t = 1 + (y + part.top) / side * across + (x + part.left) / side;
                    ImageFeatures tile = tiles.get(t);
                    made.token(tile, tokens[y][x], image(tile), tile.ledger().cell(tokens[y][x]));
                    any = true;
                }
                if (any) made.newline();
            }
        }

        /** The large picture without its margins: [height, width of it, width]. */
        private float[] large(Image image, List<ImageFeatures> tiles, Part part, int width) {
            int across = Extent.best(canvases, image.height(), image.width()).width() / tile;
            float[] large = new float[part.height() * part.width() * width];
            for (int y = 0; y < part.height(); y++) {
                for (int x = 0; x < part.width(); x++) {
                    int t = 1 + (y + part.top) / side * across + (x + part.left) / side;
                    int cell = (y + part.top) % side * side + (x + part.left) % side;
                    System.arraycopy(tiles.get(t).features(), cell * width, large, (y * part.width() + x) * width, width);
                }
            }
            return large;
        }
    }
}
