package dev.winnow.layers;

/** What a cached key is judged by where nothing but keys is looked at. */
public enum KeyScore {
    /** Its length. */
    LENGTH,
    /** Its cosine with the mean of all keys of its head, each brought to length 1; a key of length 0 has 0. */
    LIKENESS
}
