package dev.winnow.runtime.sampling;

/** Changes or drops candidates, always leaving at least one. The names are those of Hugging Face's logits warpers. */
interface Warper {
    void warp(Candidates candidates);
}
