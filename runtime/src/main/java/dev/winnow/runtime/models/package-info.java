/**
 * The model families, one file each, read like their papers: weight names in, layers out. Public for the rest of the runtime; users
 * of the library start at {@link dev.winnow.runtime.Winnow}.
 */
package dev.winnow.runtime.models;
