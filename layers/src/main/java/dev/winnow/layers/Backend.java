package dev.winnow.layers;

/** Where layers run. */
public interface Backend {
    /** "cpu", "tornado". */
    String name();

    CompiledLayer compile(TransformerLayer layer);

    /** y = f(W x + b) for rows of x; y is [rows, out]. */
    void linear(Linear linear, float[] x, int rows, float[] y, Activation f, Work work);

    /** y = norm(x) for rows of the given width; x and y may be the same array. */
    void normalise(Norm norm, float[] x, int rows, int width, float[] y);
}
