package dev.winnow.runtime.text;

import java.util.List;

/**
 * Ends a stream of text before the first stop string. Text that may turn out to be the beginning of one is held back, so that no
 * part of a stop string is ever given out. How the text is cut into pieces makes no difference: the stop string that is complete
 * first counts, the longest one when several end at the same place.
 */
public final class StopStrings {
    private final List<String> stops;
    private final StringBuilder held = new StringBuilder();
    private boolean stopped;

    public StopStrings(List<String> stops) {
        if (stops.stream().anyMatch(String::isEmpty)) throw new IllegalArgumentException("a stop string cannot be empty");
        this.stops = List.copyOf(stops);
    }

    /** Takes the next piece and returns the text that can be given out now. Nothing comes after the stop string. */
    public String push(String piece) {
        if (stopped) return "";
        held.append(piece);
        int start = firstStop();
        if (start >= 0) {
            stopped = true;
            return take(start);
        }
        return take(held.length() - undecided());
    }

    /** Whether a stop string has come. */
    public boolean stopped() {
        return stopped;
    }

    /** What is held back, at the end of the stream; empty after a stop string. */
    public String flush() {
        return stopped ? "" : take(held.length());
    }

    private int firstStop() {
        int start = -1;
        int end = Integer.MAX_VALUE;
        for (String stop : stops) {
            int at = held.indexOf(stop);
            if (at < 0) continue;
            int itsEnd = at + stop.length();
            if (itsEnd < end || itsEnd == end && at < start) {
                start = at;
                end = itsEnd;
            }
        }
        return start;
    }

    /** The length of the longest end of the held text that begins a stop string. */
    private int undecided() {
        int longest = 0;
        for (String stop : stops) {
            for (int n = Math.min(stop.length() - 1, held.length()); n > longest; n--) {
                if (stop.startsWith(held.substring(held.length() - n))) longest = n;
            }
        }
        return longest;
    }

    private String take(int count) {
        String text = held.substring(0, count);
        held.delete(0, count);
        return text;
    }
}
