package dev.winnow.layers;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Rotary positions along several axes, such as rows and columns of a picture (Wang et al. 2024): each pair of channels turns by one of
 * them.
 *
 * @param axis     of each pair of channels
 * @param restarts whether the frequencies begin anew with every axis, as if it were alone
 */
public record RotaryAxes(List<Integer> axis, boolean restarts) {
    public RotaryAxes {
        axis = List.copyOf(axis);
    }

    /** Consecutive stretches of pairs, one for each axis. */
    public static RotaryAxes of(List<Integer> lengths, boolean restarts) {
        List<Integer> axis = new ArrayList<>();
        for (int a = 0; a < lengths.size(); a++) axis.addAll(Collections.nCopies(lengths.get(a), a));
        return new RotaryAxes(axis, restarts);
    }

    /** How many axes there are. */
    public int count() {
        return Collections.max(axis) + 1;
    }

    /**
     * Where the tokens of one request lie, by their positions. Later positions than it knows of go on along all axes at once.
     *
     * @param at   [axes][positions]
     * @param next coordinate of the first position after those
     */
    public record Places(int[][] at, int next) {
        int of(int axis, int position) {
            int known = at[axis].length;
            return position < known ? at[axis][position] : next + position - known;
        }
    }

    /** Frequencies of one axis alone: exponents grow over its own pairs. */
    float[] restarted(double theta) {
        float[] f = new float[axis.size()];
        for (int d = 0; d < f.length; d++) {
            int pair = d - axis.indexOf(axis.get(d));
            f[d] = (float) (1 / Math.pow(theta, (double) pair / Collections.frequency(axis, axis.get(d))));
        }
        return f;
    }
}
