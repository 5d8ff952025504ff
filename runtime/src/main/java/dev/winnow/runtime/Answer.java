package dev.winnow.runtime;

/**
 * What a model answered.
 *
 * @param text        without special tokens and stop texts
 * @param tokens      generated token ids
 * @param end         why it ended
 * @param stats       measured while it ran
 * @param explanation which patches each reduction kept
 */
public record Answer(String text, int[] tokens, End end, Stats stats, Explanation explanation) {
    /** Why generation ended. */
    public enum End { END_OF_SEQUENCE, STOP_TEXT, TOKEN_LIMIT, CONTEXT_FULL, CANCELLED }
}
