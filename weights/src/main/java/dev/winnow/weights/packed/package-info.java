/** Matrices that checkpoints hold as small integers or floats with scales, in the layouts that other projects document. */
package dev.winnow.weights.packed;
