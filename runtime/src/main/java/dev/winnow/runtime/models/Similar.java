package dev.winnow.runtime.models;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** Names that somebody may have meant. */
final class Similar {
    /** Letters of a name that count; names longer than this come from no one's keyboard. */
    private static final int LONGEST = 64;
    private static final int MOST = 3;

    private Similar() {}

    /** A clause of a message with the known names that are nearest to one, or nothing where more than half of the letters differ. */
    static String hint(String name, Collection<String> known) {
        List<String> near = names(name, known);
        return near.isEmpty() ? "" : "; nearest " + (near.size() == 1 ? "is " : "are ") + String.join(", ", near);
    }

    /** Those that are fewest edits away (Levenshtein 1966), nearest first. */
    private static List<String> names(String name, Collection<String> known) {
        String asked = name.substring(0, Math.min(LONGEST, name.length()));
        return known.stream().filter(k -> 2 * edits(asked, k) <= Math.max(asked.length(), k.length()))
                .sorted(Comparator.comparingInt((String k) -> edits(asked, k)).thenComparing(Comparator.naturalOrder()))
                .limit(MOST).toList();
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
