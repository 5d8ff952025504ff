package dev.winnow.runtime.explain;

import dev.winnow.reduction.Grid;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/** Gives groups of patches their colours, panel after panel: a group keeps its colour as it grows, and neighbours differ. */
final class GroupColours {
    /** Bright, since outlines have dark edges. The first few are the furthest apart. */
    static final int[] PALETTE = {
        0x00e5ff, 0xff9f1a, 0xff5ad9, 0xb6ff3c, 0xffffff, 0xa98bff, 0xff5252, 0x2ee6a6, 0xffe84a, 0x5aa9ff, 0xffb3cf, 0xc9a26b,
    };
    private static final int NONE = -1;

    private final Grid grid;
    /** Per patch the colour of its group in the last panel. */
    private final int[] last;

    GroupColours(Grid grid) {
        this.grid = grid;
        this.last = new int[grid.cells()];
        Arrays.fill(last, NONE);
    }

    /** A colour for each group of the next panel, 0xRRGGBB; groups without an outline are not given distinct ones. */
    int[] next(List<int[]> groups) {
        int[] owner = owners(groups);
        int[] colours = new int[groups.size()];
        Arrays.fill(colours, NONE);
        for (int g = 0; g < colours.length; g++) colours[g] = inherited(groups.get(g), owner, colours);
        int[] uses = new int[PALETTE.length];
        for (int colour : colours) if (colour != NONE) uses[colour]++;
        for (int g = 0; g < colours.length; g++) {
            if (colours[g] != NONE || !outlined(groups.get(g))) continue;
            colours[g] = leastUsed(uses, around(groups.get(g), owner, colours));
            uses[colours[g]]++;
        }
        Arrays.fill(last, NONE);
        for (int g = 0; g < colours.length; g++) for (int patch : groups.get(g)) last[patch] = colours[g];
        return Arrays.stream(colours).map(c -> c == NONE ? 0 : PALETTE[c]).toArray();
    }

    /** Whether a group is of several patches. */
    static boolean outlined(int[] group) {
        return Arrays.stream(group).distinct().count() > 1;
    }

    /** The colour that a patch of the group had, unless a neighbour has taken it. */
    private int inherited(int[] group, int[] owner, int[] colours) {
        if (!outlined(group)) return NONE;
        BitSet taken = around(group, owner, colours);
        return Arrays.stream(group).sorted().map(patch -> last[patch])
                .filter(c -> c != NONE && !taken.get(c)).findFirst().orElse(NONE);
    }

    private static int leastUsed(int[] uses, BitSet taken) {
        int best = NONE;
        for (int c = 0; c < uses.length; c++) {
            if (!taken.get(c) && (best == NONE || uses[c] < uses[best])) best = c;
        }
        // surrounded by every colour there is: one of them has to be repeated
        return best == NONE ? leastUsed(uses, new BitSet()) : best;
    }

    private int[] owners(List<int[]> groups) {
        int[] owner = new int[grid.cells()];
        Arrays.fill(owner, NONE);
        for (int g = 0; g < groups.size(); g++) for (int patch : groups.get(g)) owner[patch] = g;
        return owner;
    }

    /** Colours of the groups that touch this one, corners included. */
    private BitSet around(int[] group, int[] owner, int[] colours) {
        BitSet taken = new BitSet();
        for (int patch : group) {
            for (int y = Math.max(grid.row(patch) - 1, 0); y <= Math.min(grid.row(patch) + 1, grid.height() - 1); y++) {
                for (int x = Math.max(grid.column(patch) - 1, 0); x <= Math.min(grid.column(patch) + 1, grid.width() - 1); x++) {
                    int other = owner[y * grid.width() + x];
                    if (other != NONE && colours[other] != NONE) taken.set(colours[other]);
                }
            }
        }
        return taken;
    }
}
