package dev.winnow.runtime;

import java.util.List;

/**
 * Where every surviving token came from, event by event.
 *
 * @param grid   patches per side of the model's input
 * @param panels one for the input, then one per event that acted on pictures
 */
public record Explanation(int grid, List<Panel> panels) {
    /** Nothing to explain. */
    public static final Explanation NONE = new Explanation(0, List.of());

    /**
     * The state after one event.
     *
     * @param title  what acted where
     * @param images per image what is alive of it
     */
    public record Panel(String title, List<Alive> images) {}

    /**
     * What is alive of one image.
     *
     * @param groups   for each live token the patches it is made of (row-major numbers); the class token has none
     * @param strength for each patch how much of it survives, 0..1: 1 for live tokens; for a compacted cache the share of
     *                 layers and heads that still hold it
     */
    public record Alive(List<int[]> groups, float[] strength) {
        public int tokens() {
            return groups.size();
        }
    }
}
