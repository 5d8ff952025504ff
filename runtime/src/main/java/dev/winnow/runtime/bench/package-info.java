/** Measuring: clocks, interleaved rounds, and requests under several plans. */
package dev.winnow.runtime.bench;
