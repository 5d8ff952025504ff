/** Benchmarks against other engines and against the machine's own limits; {@code examples/README.md} says how to run them. */
package dev.winnow.examples.bench;
