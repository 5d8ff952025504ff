package dev.winnow.runtime.models;

/** Told how far the rounding of a model's matrices has come. */
@FunctionalInterface
public interface LoadProgress {
    /** Tells nobody. */
    LoadProgress NONE = (done, total) -> { };

    /**
     * @param done  bytes as stored of what was rounded
     * @param total of the checkpoint, not all of which need be rounded; the last call says that all is done
     */
    void at(long done, long total);
}
