/**
 * Searches the plan that keeps the most of a model's quality within a budget: a race over compositions of methods, and the two
 * published searches it is measured against.
 */
package dev.winnow.runtime.tune;
