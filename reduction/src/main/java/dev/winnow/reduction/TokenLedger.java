package dev.winnow.reduction;

import java.util.Arrays;

/**
 * The book of the live tokens of one sequence: for each its position, its size (how many originals it stands for), its kind, its
 * image, and, through one composed {@link TokenMap}, the original tokens it is made of. Immutable; reductions make a new one.
 */
public final class TokenLedger {
    private final int[] positions;
    private final float[] sizes;
    private final TokenKind[] kinds;
    private final int[] images;
    private final TokenMap origin;
    private final TokenKind[] originalKinds;

    private TokenLedger(int[] positions, float[] sizes, TokenKind[] kinds, int[] images, TokenMap origin, TokenKind[] originalKinds) {
        this.positions = positions;
        this.sizes = sizes;
        this.kinds = kinds;
        this.images = images;
        this.origin = origin;
        this.originalKinds = originalKinds;
    }

    /**
     * A fresh book.
     *
     * @param images which image each token belongs to, -1 for none
     */
    public static TokenLedger of(int[] positions, TokenKind[] kinds, int[] images) {
        if (positions.length != kinds.length || kinds.length != images.length) {
            throw new IllegalArgumentException("positions, kinds and images differ in number");
        }
        float[] sizes = new float[positions.length];
        Arrays.fill(sizes, 1f);
        return new TokenLedger(positions, sizes, kinds, images, TokenMap.identity(positions.length), kinds);
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

    /** The tokens of an encoder: optional class token, then the patches of one image. */
    public static TokenLedger patches(int patches, boolean classToken, int image) {
        int n = patches + (classToken ? 1 : 0);
        TokenLedger l = uniform(n, 0, TokenKind.VISUAL);
        if (classToken) l.kinds[0] = TokenKind.CLASS;
        Arrays.fill(l.images, image);
        return l;
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
        return kinds[token];
    }

    public int image(int token) {
        return images[token];
    }

    /** From original tokens to live ones. */
    public TokenMap origin() {
        return origin;
    }

    /** How many original tokens were of a kind. */
    public int originally(TokenKind kind) {
        int n = 0;
        for (TokenKind k : originalKinds) if (k == kind) n++;
        return n;
    }

    /** Indices of the live tokens of a kind, ascending. */
    public int[] ofKind(TokenKind kind) {
        int[] found = new int[kinds.length];
        int n = 0;
        for (int i = 0; i < kinds.length; i++) if (kinds[i] == kind) found[n++] = i;
        return Arrays.copyOf(found, n);
    }

    public boolean merged() {
        for (float s : sizes) if (s != 1f) return true;
        return false;
    }

    /** The book after a reduction: new tokens take position, kind and image of their anchor, and the sum of their sources' sizes. */
    public TokenLedger after(TokenMap map, PositionPolicy policy) {
        int n = map.rows();
        int[] newPositions = new int[n];
        TokenKind[] newKinds = new TokenKind[n];
        int[] newImages = new int[n];
        for (int i = 0; i < n; i++) {
            int anchor = map.anchor(i);
            newPositions[i] = policy == PositionPolicy.RENUMBER ? positions[0] + i : positions[anchor];
            newKinds[i] = kinds[anchor];
            newImages[i] = images[anchor];
        }
        return new TokenLedger(newPositions, map.total(sizes, 0), newKinds, newImages, origin.then(map), originalKinds);
    }

    /** The same tokens with another kind for one of them. */
    public TokenLedger withKind(int token, TokenKind kind) {
        TokenKind[] changed = kinds.clone();
        changed[token] = kind;
        return new TokenLedger(positions, sizes, changed, images, origin, originalKinds);
    }
}
