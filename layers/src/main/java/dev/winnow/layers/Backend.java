package dev.winnow.layers;

/** Where layers run. */
public interface Backend {
    /** "cpu", "tornado". */
    String name();

    CompiledLayer compile(TransformerLayer layer);

    /** y = f(W x + b) for rows of x; y is [rows, out]. */
    void linear(Linear linear, float[] x, int rows, float[] y, Activation f, Work work);

    /**
     * Called when all layers of a model are compiled, before they run.
     *
     * @return what the model takes of a device's memory, in one sentence; empty where there is nothing to say
     * @throws IllegalStateException saying how much is missing, when the model does not fit
     */
    default String prepare() {
        return "";
    }

    /** y = norm(x) for rows of the given width; x and y may be the same array. */
    void normalise(Norm norm, float[] x, int rows, int width, float[] y);
}
