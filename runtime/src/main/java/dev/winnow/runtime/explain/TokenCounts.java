package dev.winnow.runtime.explain;

import dev.winnow.reduction.Grid;
import dev.winnow.runtime.Explanation;
import java.util.Locale;

/** The line that says how many tokens are left of an image. */
final class TokenCounts {
    private TokenCounts() {
    }

    /** Of the input. */
    static String input(Explanation.Alive input) {
        return tokens(input.tokens());
    }

    /** What the tokens of the input are. */
    static String made(Explanation.Alive input, Grid grid) {
        return grid.height() + " × " + grid.width() + " patches" + (classToken(input) ? " and a class token" : "");
    }

    /** After an event, with the share of the input that is left. */
    static String after(Explanation.Alive input, Explanation.Alive before, Explanation.Alive now) {
        // early layers of a cache may hold tokens that later ones have dropped, so there is no before to compare with
        if (partial(now)) return tokens(now.tokens()) + " cached, on average in " + percent(entries(now), now.tokens()) + " of heads";
        String counts = before.tokens() + " → " + tokens(now.tokens());
        String left = percent(now.tokens(), input.tokens()) + (before == input ? "" : " of input");
        return counts + " (" + left + ")" + (classToken(now) ? " incl. class" : "");
    }

    /** Whether some patches survive to a degree only. */
    static boolean partial(Explanation.Alive alive) {
        for (float s : alive.strength()) if (s > 0 && s < 1) return true;
        return false;
    }

    /** The class token is the one without patches. */
    private static boolean classToken(Explanation.Alive alive) {
        return alive.groups().stream().anyMatch(group -> group.length == 0);
    }

    private static double entries(Explanation.Alive alive) {
        return alive.groups().stream().filter(group -> group.length > 0).mapToDouble(group -> alive.strength()[group[0]]).sum();
    }

    private static String tokens(int count) {
        return count + (count == 1 ? " token" : " tokens");
    }

    private static String percent(double part, int whole) {
        double percent = whole == 0 ? 0 : 100 * part / whole;
        String format = percent > 0 && percent < 1 ? "%.1f%%" : "%.0f%%";
        return String.format(Locale.ROOT, format, percent);
    }
}
