package dev.winnow.tornado.kernels;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** What a kernel works on, filled bit by bit: an arena, parameters, packed weights, and the numbers of a task. */
final class Operands {
    /** Not at the beginning, so that a kernel that forgets it fails. */
    static final int AT = 3;

    final FloatArray a;
    final FloatArray p;
    final IntArray words;
    final IntArray m = new IntArray(64);
    private int used = 5;
    private int parameters = 3;
    private int wordCount = 1;
    private int number = AT;
    private Operands smaller;

    Operands(int floats) {
        this(floats, 4096, 1);
    }

    /** Arrays with room for so many numbers. What nobody wrote is NaN, so that a kernel that reads it fails. */
    Operands(int floats, int parameters, int words) {
        a = new FloatArray(floats + 64);
        p = new FloatArray(parameters + 64);
        this.words = new IntArray(words + 8);
        a.init(Float.NaN);
        p.init(0f);
        this.words.init(0);
        m.init(-7);
    }

    /** Arrays with room for these and some more. */
    Operands larger() {
        Operands larger = new Operands(a.getSize() * 3 / 2, p.getSize() * 3 / 2, words.getSize() * 3 / 2);
        larger.smaller = this;
        return larger;
    }

    /** Whether others have room here. */
    boolean holds(Operands o) {
        return o.a.getSize() <= a.getSize() && o.p.getSize() <= p.getSize() && o.words.getSize() <= words.getSize();
    }

    /** Takes the contents of others that have room here. */
    void take(Operands o) {
        a.init(Float.NaN);
        for (int i = 0; i < o.m.getSize(); i++) m.set(i, o.m.get(i));
        for (int i = 0; i < o.a.getSize(); i++) a.set(i, o.a.get(i));
        for (int i = 0; i < o.p.getSize(); i++) p.set(i, o.p.get(i));
        for (int i = 0; i < o.words.getSize(); i++) words.set(i, o.words.get(i));
    }

    /** Takes the beginning of another arena. */
    void takeArena(Operands o) {
        for (int i = 0; i < a.getSize(); i++) a.set(i, o.a.get(i));
    }

    /** This one's array in place of the same of those that it is larger than; anything else as it is. */
    @SuppressWarnings("unchecked")
    <E> E mine(E x) {
        if (x == smaller.p) return (E) p;
        return x == smaller.words ? (E) words : x;
    }

    /** A kernel with its constants; arrays are those of any operands. */
    List<Object> what(Object kernel, Object... arguments) {
        List<Object> what = new ArrayList<>(List.of(kernel));
        for (Object x : arguments) what.add(x == p ? "p" : x == words ? "words" : x);
        return what;
    }

    /** Sets the next numbers of the task. */
    Operands numbers(int... numbers) {
        for (int n : numbers) m.set(number++, n);
        return this;
    }

    /** Starts the numbers of another task. */
    Operands again() {
        number = AT;
        return this;
    }

    /** Puts numbers into the arena and returns where. */
    int put(float... x) {
        int at = room(x.length);
        for (int i = 0; i < x.length; i++) a.set(at + i, x[i]);
        return at;
    }

    int put(int... x) {
        float[] f = new float[x.length];
        for (int i = 0; i < f.length; i++) f[i] = x[i];
        return put(f);
    }

    /** Room in the arena, with a gap behind it. */
    int room(int n) {
        int at = used;
        used += n + 3;
        if (used > a.getSize()) throw new AssertionError("the arena is too small");
        return at;
    }

    int parameter(float... x) {
        int at = parameters;
        for (float v : x) p.set(parameters++, v);
        return at;
    }

    int word(int... x) {
        int at = wordCount;
        for (int v : x) words.set(wordCount++, v);
        return at;
    }

    float[] get(int at, int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) x[i] = a.get(at + i);
        return x;
    }

    int[] indices(int at, int n) {
        int[] x = new int[n];
        for (int i = 0; i < n; i++) x[i] = (int) a.get(at + i);
        return x;
    }

    static float[] random(Random random, int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) x[i] = (float) random.nextGaussian();
        return x;
    }
}
