package dev.winnow.tornado.kernels;

/** Conventions of the arena. */
public final class Offsets {
    /** The offset of something that is not there. */
    public static final int NONE = -1;

    private Offsets() {}

    /** How many pieces of a size cover a length. */
    static int pieces(int length, int size) {
        return (length + size - 1) / size;
    }
}
