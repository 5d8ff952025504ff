package dev.winnow.reduction;

/**
 * A point of the forward pass where a plan may act.
 *
 * @param layer 0-based
 */
public record Site(Stage stage, Moment moment, int layer) {
    /** Points around one layer, in the order they are passed. */
    public enum Moment {
        BEFORE_LAYER("before layer"),
        /** Between the attention residual and the MLP. */
        AFTER_ATTENTION("after attention of layer"),
        /** Once the layer's keys and values of a prompt are complete; acts on the cache only. */
        CACHE("cache of layer"),
        AFTER_LAYER("after layer");

        private final String words;

        Moment(String words) {
            this.words = words;
        }
    }

    @Override
    public String toString() {
        return stage.name().toLowerCase() + " " + moment.words + " " + layer;
    }
}
