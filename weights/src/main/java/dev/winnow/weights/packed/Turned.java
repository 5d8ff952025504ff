package dev.winnow.weights.packed;

/** Small arrays on their side. */
final class Turned {
    private Turned() {}

    /** [rows, columns] as [columns, rows]. */
    static float[] floats(float[] x, int rows, int columns) {
        float[] turned = new float[x.length];
        for (int r = 0; r < rows; r++) for (int c = 0; c < columns; c++) turned[c * rows + r] = x[r * columns + c];
        return turned;
    }
}
