package dev.winnow.runtime;

import java.util.List;

/**
 * Labels of one image.
 *
 * @param labels      all labels, most probable first
 * @param explanation which patches each reduction kept
 */
public record Classification(List<Label> labels, Stats stats, Explanation explanation) {
    /** A class with its probability. */
    public record Label(int index, String name, double probability) {}
}
