package dev.winnow.runtime.explain;

import dev.winnow.reduction.Grid;
import dev.winnow.runtime.Explanation;
import dev.winnow.runtime.images.Region;
import dev.winnow.runtime.images.RgbImage;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Plain pictures and states of them. */
final class Fixtures {
    static final int GRID = 4;
    static final Grid SQUARE = new Grid(GRID, GRID);
    static final int COLOUR = 0xffc86432;
    static final Region ALL = new Region(0, 0, 40, 40);

    private Fixtures() {
    }

    static RgbImage plain(int width, int height) {
        byte[] rgb = new byte[3 * width * height];
        for (int i = 0; i < rgb.length; i++) rgb[i] = (byte) (COLOUR >> 16 - 8 * (i % 3));
        return new RgbImage(width, height, rgb);
    }

    static Explanation.Alive alive(int[]... groups) {
        float[] strength = new float[GRID * GRID];
        for (int[] group : groups) for (int patch : group) strength[patch] = 1;
        return new Explanation.Alive(List.of(groups), strength);
    }

    /** Every patch and a class token. */
    static Explanation.Alive whole() {
        IntStream tokens = IntStream.rangeClosed(-1, GRID * GRID - 1);
        return alive(tokens.mapToObj(p -> p < 0 ? new int[0] : new int[] {p}).toArray(int[][]::new));
    }

    /** @param title method and site, with ", " between them */
    static Explanation.Panel panel(String title, Explanation.Alive... pieces) {
        int at = title.lastIndexOf(", ");
        String site = at < 0 ? "" : title.substring(at + 2);
        int tokens = Arrays.stream(pieces).mapToInt(Explanation.Alive::tokens).sum();
        return new Explanation.Panel(at < 0 ? title : title.substring(0, at), site, "", false, tokens, tokens, Arrays.asList(pieces));
    }

    /** Of square pictures. */
    static Explanation explanation(List<Explanation.Panel> panels) {
        List<Explanation.Piece> pieces = IntStream.range(0, panels.getFirst().pieces().size())
                .mapToObj(i -> new Explanation.Piece(i, SQUARE, ALL)).toList();
        return new Explanation(pieces, panels, Explanation.Prompt.NONE, List.of(), 0);
    }
}
