/**
 * Reduction methods on tensors and on models that the user brings, with inputs and outputs named as the reference cases name them.
 * Everything here calls the methods' own code; nothing is implemented a second time.
 */
package dev.winnow.runtime.reducing;
