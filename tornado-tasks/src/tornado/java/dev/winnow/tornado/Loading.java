package dev.winnow.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** The kernel that takes every array of a plan, so that all are on the device when it has run. */
final class Loading {
    static final int LOCAL = 32;

    private Loading() {}

    /** Writes a sum of first elements to a place that nothing reads. */
    public static void touch(KernelContext c, IntArray m, FloatArray a, FloatArray p, FloatArray floats, IntArray words) {
        if (c.globalIdx == 0) a.set(m.get(0), a.get(m.get(0)) + p.get(0) + floats.get(0) + words.get(0));
    }
}
