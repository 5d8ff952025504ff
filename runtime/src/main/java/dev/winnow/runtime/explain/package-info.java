/**
 * What happened to which patch of an image and to which token of a prompt: a picture of it starts at
 * {@link dev.winnow.runtime.explain.ExplanationPicture}, a page to look through at {@link dev.winnow.runtime.explain.ExplanationPage}.
 */
package dev.winnow.runtime.explain;
