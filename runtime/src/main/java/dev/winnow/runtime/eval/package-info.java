/**
 * What reduction costs: questions put to a model, dense and under plans, with accuracy, divergence and counted work, and the statistics
 * that say how sure the differences are.
 */
package dev.winnow.runtime.eval;
