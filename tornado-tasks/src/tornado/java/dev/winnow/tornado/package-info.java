/**
 * The TornadoVM backend. Layers of one shape share a {@link dev.winnow.tornado.Bank}: their weights, an arena for all else, and the
 * {@link dev.winnow.tornado.LayerPrograms} that run any of them; where things are and how many there are is data.
 */
package dev.winnow.tornado;
