package dev.winnow.layers;

/**
 * Learned factors on what the halves of a layer add, channel by channel (Touvron et al. 2021, "Going deeper with image transformers").
 *
 * @param attention [width]
 * @param mlp       [width]
 */
public record LayerScale(float[] attention, float[] mlp) {}
