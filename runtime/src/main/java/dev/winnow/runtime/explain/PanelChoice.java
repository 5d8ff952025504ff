package dev.winnow.runtime.explain;

import dev.winnow.runtime.Explanation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Which panels of a long chain are shown. */
final class PanelChoice {
    /** More than this are thinned out. */
    static final int MOST = 12;

    private PanelChoice() {
    }

    /** All panels, or of each run of one method the first, the last and evenly spread ones between. */
    static List<Explanation.Panel> of(List<Explanation.Panel> panels) {
        if (panels.size() <= MOST) return panels;
        int[] runs = runs(panels);
        int[] shares = shares(runs);
        List<Explanation.Panel> chosen = new ArrayList<>();
        int start = 0;
        for (int r = 0; r < runs.length; r++) {
            for (int i = 0; i < shares[r]; i++) chosen.add(panels.get(start + spread(i, shares[r], runs[r])));
            start += runs[r];
        }
        return chosen;
    }

    private static int spread(int i, int share, int run) {
        return share == 1 ? 0 : (int) Math.round((double) i * (run - 1) / (share - 1));
    }

    /** Lengths of the runs of one method; methods that take turns are one run. */
    private static int[] runs(List<Explanation.Panel> panels) {
        List<Integer> lengths = new ArrayList<>();
        int length = 0;
        for (int i = 0; i < panels.size(); i++) {
            length++;
            boolean last = i == panels.size() - 1;
            if (!last && PanelTitle.of(panels.get(i)).method().equals(PanelTitle.of(panels.get(i + 1)).method())) continue;
            lengths.add(length);
            length = 0;
        }
        int fewest = lengths.stream().mapToInt(l -> Math.min(l, 2)).sum();
        return fewest > MOST ? new int[] {panels.size()} : lengths.stream().mapToInt(l -> l).toArray();
    }

    private static int[] shares(int[] runs) {
        int[] shares = runs.clone();
        while (Arrays.stream(shares).sum() > MOST) {
            int longest = 0;
            for (int r = 1; r < shares.length; r++) if (shares[r] > shares[longest]) longest = r;
            shares[longest]--;
        }
        return shares;
    }
}
