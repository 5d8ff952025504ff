package dev.winnow.runtime.models;

import dev.winnow.reduction.Grid;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.runtime.models.VisionLanguageModel.ImageFeatures;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Tokens of a picture, gathered one after the other. */
final class PictureTokens {
    private final int width;
    private final float[] newline;
    private final List<float[]> values = new ArrayList<>();
    private final List<TokenKind> kinds = new ArrayList<>();
    private final List<Integer> images = new ArrayList<>();
    private final List<Integer> cells = new ArrayList<>();
    private final List<ImageFeatures> origins = new ArrayList<>();
    private final List<Integer> rows = new ArrayList<>();

    PictureTokens(int width, float[] newline) {
        this.width = width;
        this.newline = newline;
    }

    void token(ImageFeatures from, int row, int image, int cell) {
        add(Arrays.copyOfRange(from.features(), row * width, (row + 1) * width), TokenKind.VISUAL, image, cell, from, row);
    }

    void newline() {
        add(newline, TokenKind.NEWLINE, -1, -1, null, -1);
    }

    private void add(float[] value, TokenKind kind, int image, int cell, ImageFeatures from, int row) {
        values.add(value);
        kinds.add(kind);
        images.add(image);
        cells.add(cell);
        origins.add(from);
        rows.add(row);
    }

    /**
     * A picture [height, columns, width] resampled bilinearly; corners are not aligned.
     *
     * @param ends whether a learned token ends each row
     */
    void resampled(float[] large, int height, int columns, Grid to, int image, boolean ends) {
        for (int y = 0; y < to.height(); y++) {
            double down = Math.max(0, (y + 0.5) * height / to.height() - 0.5);
            for (int x = 0; x < to.width(); x++) {
                double across = Math.max(0, (x + 0.5) * columns / to.width() - 0.5);
                add(between(large, height, columns, down, across), TokenKind.VISUAL, image, y * to.width() + x, null, -1);
            }
            if (ends) newline();
        }
    }

    private float[] between(float[] large, int height, int columns, double down, double across) {
        int y = (int) down;
        int x = (int) across;
        int below = Math.min(y + 1, height - 1);
        int beside = Math.min(x + 1, columns - 1);
        float dy = (float) (down - y);
        float dx = (float) (across - x);
        float[] value = new float[width];
        for (int c = 0; c < width; c++) {
            float upper = (1 - dx) * large[(y * columns + x) * width + c] + dx * large[(y * columns + beside) * width + c];
            float lower = (1 - dx) * large[(below * columns + x) * width + c] + dx * large[(below * columns + beside) * width + c];
            value[c] = (1 - dy) * upper + dy * lower;
        }
        return value;
    }

    /** [tokens, width] */
    float[] values() {
        float[] all = new float[values.size() * width];
        for (int i = 0; i < values.size(); i++) System.arraycopy(values.get(i), 0, all, i * width, width);
        return all;
    }

    ImageFeatures features(List<ImageFeatures> tiles, int places, Grid fine, int resampled) {
        int n = values.size();
        float[] features = values();
        List<Grid> grids = new ArrayList<>();
        ImageFeatures last = tiles.getLast();
        for (int i = 0; i <= last.ledger().image(0); i++) {
            int image = i;
            boolean own = origins.stream().anyMatch(o -> o != null && o.ledger().image(0) == image);
            grids.add(own ? tiles.getFirst().ledger().grid(tiles.getFirst().ledger().image(0)) : i == resampled ? fine : Grid.NONE);
        }
        TokenLedger ledger = TokenLedger.of(IntStream.range(0, n).toArray(), kinds.toArray(TokenKind[]::new), ints(images), ints(cells), grids);
        for (String name : tiles.getFirst().ledger().notes()) {
            if (origins.stream().anyMatch(o -> o != null && o.ledger().note(name) == null)) continue;
            ledger = ledger.with(name, note(name, tiles.getFirst().ledger().note(name).width()));
        }
        return new ImageFeatures(features, ledger, places);
    }

    private TokenLedger.Note note(String name, int wide) {
        float[] all = new float[values.size() * wide];
        for (int i = 0; i < values.size(); i++) {
            if (origins.get(i) == null) continue;
            System.arraycopy(origins.get(i).ledger().note(name).values(), rows.get(i) * wide, all, i * wide, wide);
        }
        return new TokenLedger.Note(wide, all);
    }

    private static int[] ints(List<Integer> list) {
        return list.stream().mapToInt(i -> i).toArray();
    }
}
