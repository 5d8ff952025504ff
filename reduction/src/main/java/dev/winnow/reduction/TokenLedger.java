package dev.winnow.reduction;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The book of the live tokens of one sequence: for each its position, its size (how many originals it stands for), its kind, its
 * image and place in it, and, through one composed {@link TokenMap}, the original tokens it is made of. Events may add notes, which
 * travel with their tokens, from the tower into the language model too. Immutable; reductions make a new one.
 */
public final class TokenLedger {
    /** Values that an event noted: [tokens, width]. */
    public record Note(int width, float[] values) {}

    /** What stays with a token through a reduction: that of its anchor. */
    private record Columns(TokenKind[] kinds, int[] images, int[] cells) {
        Columns pick(int[] anchors) {
            TokenKind[] pickedKinds = new TokenKind[anchors.length];
            Arrays.setAll(pickedKinds, i -> kinds[anchors[i]]);
            return new Columns(pickedKinds, Arrays.stream(anchors).map(a -> images[a]).toArray(),
                    Arrays.stream(anchors).map(a -> cells[a]).toArray());
        }
    }

    /** The tokens before anything was reduced. */
    private record Original(int[] positions, Columns columns) {}

    private final int[] positions;
    private final float[] sizes;
    private final Columns columns;
    private final List<Grid> grids;
    private final TokenMap origin;
    private final Original original;
    private final Map<String, Note> notes;

    private TokenLedger(int[] positions, float[] sizes, Columns columns, List<Grid> grids, TokenMap origin, Original original,
                        Map<String, Note> notes) {
        this.positions = positions;
        this.sizes = sizes;
        this.columns = columns;
        this.grids = grids;
        this.origin = origin;
        this.original = original;
        this.notes = notes;
    }

    /**
     * A fresh book.
     *
     * @param images which image each token belongs to, -1 for none
     */
    public static TokenLedger of(int[] positions, TokenKind[] kinds, int[] images) {
        int[] cells = new int[positions.length];
        Arrays.fill(cells, -1);
        return of(positions, kinds, images, cells, List.of());
    }

    /**
     * A fresh book of tokens with places in pictures.
     *
     * @param cells each token's place in its image in raster order, -1 for none
     * @param grids of the images, by number
     */
    public static TokenLedger of(int[] positions, TokenKind[] kinds, int[] images, int[] cells, List<Grid> grids) {
        int n = positions.length;
        if (n != kinds.length || n != images.length || n != cells.length) {
            throw new IllegalArgumentException("positions, kinds, images and cells differ in number");
        }
        float[] sizes = new float[n];
        Arrays.fill(sizes, 1f);
        Columns columns = new Columns(kinds, images, cells);
        return new TokenLedger(positions, sizes, columns, List.copyOf(grids), TokenMap.identity(n), new Original(positions, columns),
                Map.of());
    }

    /** n tokens of one kind at positions first, first + 1, ... */
    public static TokenLedger uniform(int n, int first, TokenKind kind) {
        int[] positions = new int[n];
        Arrays.setAll(positions, i -> first + i);
        TokenKind[] kinds = new TokenKind[n];
        Arrays.fill(kinds, kind);
        int[] images = new int[n];
        Arrays.fill(images, -1);
        return of(positions, kinds, images);
    }

    /** The tokens of an encoder: optional class token, then the patches of one image, a square of them. */
    public static TokenLedger patches(int patches, boolean classToken, int image) {
        return encoder(classToken ? List.of(TokenKind.CLASS) : List.of(), patches, Grid.square(patches), image);
    }

    /** The tokens of an encoder: some that are no patches, then the patches of one image. */
    public static TokenLedger picture(List<TokenKind> special, Grid grid, int image) {
        return encoder(special, grid.cells(), grid, image);
    }

    /**
     * The patches of one image in an order of their own.
     *
     * @param cells of the tokens
     */
    public static TokenLedger picture(int[] cells, Grid grid, int image) {
        int n = cells.length;
        TokenKind[] kinds = new TokenKind[n];
        Arrays.fill(kinds, TokenKind.VISUAL);
        int[] images = new int[n];
        Arrays.fill(images, image);
        return of(IntStream.range(0, n).toArray(), kinds, images, cells, grids(grid, image));
    }

    private static List<Grid> grids(Grid grid, int image) {
        Grid[] grids = new Grid[image + 1];
        Arrays.fill(grids, Grid.NONE);
        grids[image] = grid;
        return List.of(grids);
    }

    private static TokenLedger encoder(List<TokenKind> inFront, int patches, Grid grid, int image) {
        int special = inFront.size();
        int n = patches + special;
        TokenKind[] kinds = inFront.toArray(new TokenKind[n]);
        Arrays.fill(kinds, special, n, TokenKind.VISUAL);
        int[] images = new int[n];
        Arrays.fill(images, image);
        int[] cells = IntStream.range(-special, patches).map(i -> Math.max(-1, i)).toArray();
        return of(IntStream.range(0, n).toArray(), kinds, images, cells, grids(grid, image));
    }

    public int count() {
        return positions.length;
    }

    /** Positions of the live tokens. Not to be changed. */
    public int[] positions() {
        return positions;
    }

    public float size(int token) {
        return sizes[token];
    }

    /** Sizes of the live tokens. Not to be changed. */
    public float[] sizes() {
        return sizes;
    }

    public TokenKind kind(int token) {
        return columns.kinds[token];
    }

    /** The image of a token, -1 for none. */
    public int image(int token) {
        return columns.images[token];
    }

    /** The place of a token in its image's grid, in raster order; of a merged token its anchor's; -1 for none. */
    public int cell(int token) {
        return columns.cells[token];
    }

    /** The grid of an image's patches; {@link Grid#NONE} where it is not known. */
    public Grid grid(int image) {
        return image < 0 || image >= grids.size() ? Grid.NONE : grids.get(image);
    }

    /** From original tokens to live ones. */
    public TokenMap origin() {
        return origin;
    }

    TokenKind originalKind(int token) {
        return original.columns.kinds[token];
    }

    int originalCell(int token) {
        return original.columns.cells[token];
    }

    /** How many original tokens were of a kind. */
    public int originally(TokenKind kind) {
        int n = 0;
        for (TokenKind k : original.columns.kinds) if (k == kind) n++;
        return n;
    }

    /** Indices of the live tokens of a kind, ascending. */
    public int[] ofKind(TokenKind kind) {
        return IntStream.range(0, count()).filter(i -> columns.kinds[i] == kind).toArray();
    }

    public boolean merged() {
        for (float s : sizes) if (s != 1f) return true;
        return false;
    }

    /** A note of the live tokens, or null when no event made one of that name. */
    public Note note(String name) {
        return notes.get(name);
    }

    /** Names of all notes. */
    public Iterable<String> notes() {
        return notes.keySet();
    }

    /** The same tokens with a note; replaces one of the same name. */
    public TokenLedger with(String name, Note note) {
        if (note.values().length != count() * note.width()) {
            throw new IllegalArgumentException("note " + name + " has " + note.values().length + " values for " + count() + " tokens");
        }
        Map<String, Note> more = new HashMap<>(notes);
        more.put(name, note);
        return new TokenLedger(positions, sizes, columns, grids, origin, original, Map.copyOf(more));
    }

    /**
     * The book after a reduction: new tokens take position, kind, image, place and notes of their anchor, and the sum of their sources'
     * sizes.
     */
    public TokenLedger after(TokenMap map, PositionPolicy policy) {
        int[] anchors = new int[map.rows()];
        Arrays.setAll(anchors, map::anchor);
        int[] newPositions = new int[anchors.length];
        Arrays.setAll(newPositions, i -> policy == PositionPolicy.RENUMBER ? positions[0] + i : positions[anchors[i]]);
        Map<String, Note> kept = new HashMap<>();
        notes.forEach((name, note) -> {
            float[] values = new float[anchors.length * note.width];
            for (int i = 0; i < anchors.length; i++) {
                System.arraycopy(note.values, anchors[i] * note.width, values, i * note.width, note.width);
            }
            kept.put(name, new Note(note.width, values));
        });
        return new TokenLedger(newPositions, map.total(sizes, 0), columns.pick(anchors), grids, origin.then(map), original, Map.copyOf(kept));
    }

    /** The same tokens with another kind for one of them. */
    public TokenLedger withKind(int token, TokenKind kind) {
        TokenKind[] changed = columns.kinds.clone();
        changed[token] = kind;
        return new TokenLedger(positions, sizes, new Columns(changed, columns.images, columns.cells), grids, origin, original, notes);
    }

    /** The same tokens of other sizes. */
    TokenLedger withSizes(float[] other) {
        if (other.length != count()) throw new IllegalArgumentException(other.length + " sizes for " + count() + " tokens");
        return new TokenLedger(positions, other, columns, grids, origin, original, notes);
    }

    /** The same tokens with position, kind, image and cell of original ones. */
    TokenLedger inPlacesOf(int[] places) {
        if (places.length != count()) throw new IllegalArgumentException(places.length + " places for " + count() + " tokens");
        int[] back = Arrays.stream(places).map(i -> original.positions[i]).toArray();
        return new TokenLedger(back, sizes, original.columns.pick(places), grids, origin, original, notes);
    }
}
