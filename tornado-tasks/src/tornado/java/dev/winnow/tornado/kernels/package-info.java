/**
 * The layers and reductions as kernels for TornadoVM: static methods that its compiler turns into OpenCL, PTX or SPIR-V.
 *
 * <p>Memory. ElementWise, cache and scores lie in one array, the arena {@code a}; what a kernel reads and writes there are offsets in
 * elements. Norm weights, biases and block scales lie in {@code p}. Offsets, strides and counts are data: they come in an array
 * {@code m}, where the numbers of a task begin at {@code at}, in the order that the class's constants say. So a layer of another place or
 * a prompt of another length needs no other code. Dimensions of a layer, formats and functions are arguments, which TornadoVM compiles in
 * as constants: what is chosen by them leaves no branch in the code that runs. Offset {@link Offsets#NONE} is "not there". Indices of
 * tokens lie in the arena as floats, which are exact up to 2^24.
 *
 * <p>Geometry. Work-groups and grids are one-dimensional: each class has its group size, {@code LOCAL}, and methods that say how many
 * groups cover the given sizes. Groups beyond the work at hand do nothing.
 *
 * <p>Local arrays are read and written in the kernels' own bodies only: handed to another method, even one that is inlined, TornadoVM 5.2
 * takes them for arrays of the heap and reads beside them. That is why a sum over a group is written out each time.
 *
 * <p>What is avoided because TornadoVM 5.2 gets it wrong or does not compile it: {@code >>>} of negative numbers, conversions by
 * {@code Float.float16ToFloat} and {@code intBitsToFloat}, {@code Math.fma}, constant arrays, exceptions, {@code @Reduce}, names that
 * OpenCL has taken, loops that a constant makes empty, and sums of bytes and constants, or negative differences of masked numbers, before
 * the conversion to float. Infinities are avoided too, since drivers are told that there are none: a score that must not count is
 * {@link Scores#NEVER}. Bits are not tested in conditional expressions, {@code (x & y) == 0 ? u : v}, which come out wrong. PoCL runs a
 * loop over part of the work-items for all of them where it holds a conditional expression and follows a barrier.
 */
package dev.winnow.tornado.kernels;
