package dev.winnow.runtime.models;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** Names that somebody may have meant. */
final class Similar {
    /** Letters of a name that count; names longer than this come from no one's keyboard. */
    private static final int LONGEST = 64;

    private Similar() {}

    /** Those of the known names that are fewest edits away from a name (Levenshtein 1966), nearest first. */
    static List<String> names(String name, Collection<String> known, int count) {
        String asked = name.substring(0, Math.min(LONGEST, name.length()));
        return known.stream().sorted(Comparator.comparingInt((String k) -> edits(asked, k)).thenComparing(Comparator.naturalOrder()))
                .limit(count).toList();
    }

    private static int edits(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j < row.length; j++) row[j] = j;
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j < row.length; j++) {
                int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }
}
