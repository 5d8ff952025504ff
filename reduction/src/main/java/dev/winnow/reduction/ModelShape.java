package dev.winnow.reduction;

import java.util.Optional;

/** What a plan has to know of a model. Layers that do not exist count 0. */
public record ModelShape(Optional<Vision> vision, int languageLayers) {
    /**
     * @param layers       layers of the tower that run
     * @param featureLayer the last layer whose output is used
     * @param classToken   whether token 0 is a class token
     * @param patches      patches of one image at the model's resolution
     */
    public record Vision(int layers, int featureLayer, boolean classToken, int patches) {}
}
