package dev.winnow.runtime.explain;

import dev.winnow.runtime.Explanation;
import dev.winnow.runtime.images.Region;
import dev.winnow.runtime.images.RgbImage;
import java.util.List;
import java.util.stream.IntStream;

/** Whether an explanation and the pictures it is painted on belong together. */
final class ExplanationCheck {
    private ExplanationCheck() {
    }

    static void check(Explanation explanation, List<RgbImage> images, List<Region> regions) {
        require(!explanation.pieces().isEmpty(), "nothing to explain: no image was asked about");
        boolean whole = IntStream.range(0, explanation.pieces().size()).allMatch(i -> explanation.pieces().get(i).image() == i);
        require(whole, "a PNG explains pictures that the model sees in one piece each; those in several pieces are explained on a page,"
                + " which a file name ending in .html asks for");
        require(!images.isEmpty() && images.size() == regions.size(), images.size() + " images and " + regions.size() + " regions");
        regions.forEach(ExplanationCheck::check);
        for (Explanation.Panel panel : explanation.panels()) {
            String name = "panel '" + panel.title() + "'";
            require(panel.pieces().size() == images.size(), name + " is about " + panel.pieces().size() + " of " + images.size());
            for (int i = 0; i < images.size(); i++) check(panel.pieces().get(i), explanation.pieces().get(i).grid().cells(), name);
        }
    }

    private static void check(Region region) {
        boolean finite = Double.isFinite(region.x()) && Double.isFinite(region.y());
        boolean sized = region.width() > 0 && region.height() > 0 && region.width() + region.height() < Double.POSITIVE_INFINITY;
        require(finite && sized, "not a rectangle of an image: " + region);
    }

    private static void check(Explanation.Alive alive, int patches, String panel) {
        require(alive.strength().length == patches, panel + " has " + alive.strength().length + " strengths, not " + patches);
        for (float s : alive.strength()) require(s >= 0 && s <= 1, panel + " has a strength of " + s + ", not one in 0..1");
        for (int[] group : alive.groups()) {
            for (int patch : group) require(patch >= 0 && patch < patches, panel + " has a patch " + patch + " of " + patches);
        }
    }

    private static void require(boolean condition, String message) {
        if (!condition) throw new IllegalArgumentException(message);
    }
}
