/** Pictures of what happened to which patch of an image: start at {@link dev.winnow.runtime.explain.ExplanationPicture}. */
package dev.winnow.runtime.explain;
