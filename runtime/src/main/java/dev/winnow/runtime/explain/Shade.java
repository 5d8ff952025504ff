package dev.winnow.runtime.explain;

/** What becomes of a colour. All colours are 0xAARRGGBB and keep their opacity. */
final class Shade {
    private static final int NIGHT = 0xff0c1018;
    private static final int PAPER = 0xfff4f5f7;

    private Shade() {
    }

    /** Of a patch that survives to some degree, 1 for entirely. */
    static int survives(int colour, float strength) {
        return mix(pruned(colour), colour, strength);
    }

    /** Of a patch that is gone: dark, with a rest of its shape and none of its colour. */
    static int pruned(int colour) {
        return mix(mix(colour, gray(colour), 0.9f), NIGHT, 0.74f);
    }

    /** Of what the model never saw: pale, unlike anything that was pruned. */
    static int unseen(int colour) {
        return mix(mix(colour, gray(colour), 0.7f), PAPER, 0.68f);
    }

    /** A little darker where bright and a little brighter where dark, which shows on anything. */
    static int against(int colour, float amount) {
        return mix(colour, luma(colour) > 110 ? 0xff000000 : 0xffffffff, amount);
    }

    static int mix(int from, int to, float amount) {
        int out = from >>> 24;
        for (int shift = 16; shift >= 0; shift -= 8) {
            int a = from >> shift & 255;
            int b = to >> shift & 255;
            out = out << 8 | Math.round(a + (b - a) * amount);
        }
        return out;
    }

    private static int gray(int colour) {
        return 0xff000000 | luma(colour) * 0x010101;
    }

    private static int luma(int colour) {
        return ((colour >> 16 & 255) * 54 + (colour >> 8 & 255) * 183 + (colour & 255) * 19) >> 8;
    }
}
