package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** The numbers of a product, and what is done with its sums before they leave the registers. */
final class Products {
    static final int ROWS = 0;
    static final int X = 1;
    static final int X_STRIDE = 2;
    static final int Y = 3;
    static final int Y_STRIDE = 4;
    static final int WEIGHT = 5;
    static final int BIAS = 6;
    static final int MEETING = 7;
    static final int SCALES = 8;
    static final int IN = 9;
    static final int OUT = 10;

    private Products() {}

    /**
     * Stores one sum.
     *
     * @param index   in a
     * @param bias    of the output in p, or negative for none
     * @param meeting how it meets what is there: 0 replaces, 1 adds, 2 multiplies
     */
    static void store(FloatArray a, int index, FloatArray p, int bias, int meeting, int activation, float sum) {
        float v = sum;
        if (bias >= 0) v += p.get(bias);
        v = ElementWise.apply(activation, v);
        if (meeting == 1) v = a.get(index) + v;
        if (meeting == 2) v = a.get(index) * v;
        a.set(index, v);
    }
}
