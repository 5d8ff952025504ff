package dev.winnow.reduction.primitives;

import dev.winnow.layers.AttentionMode;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.TokenLedger.Note;
import dev.winnow.reduction.TokenMap;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Positions in the unmerged prompt of all that each live token stands for.
 *
 * @param places for each token, ascending; one at least
 */
public record CopyPlaces(int[][] places) {
    /** Places of tokens of a language model's prompt that were merged or dropped since it came. */
    public static CopyPlaces ofPrompt(TokenLedger ledger) {
        int n = ledger.count();
        int[] positions = ledger.positions();
        TokenMap origin = ledger.origin();
        int kept = positions[0] - origin.anchor(0);
        // renumbered tokens begin where the prompt did
        int first = kept == positions[n - 1] - origin.anchor(n - 1) ? kept : positions[0];
        int[] owner = origin.owners();
        int[] count = new int[n];
        for (int o : owner) if (o >= 0) count[o]++;
        int[][] places = new int[n][];
        for (int i = 0; i < n; i++) places[i] = count[i] == 0 ? new int[] {first + origin.anchor(i)} : new int[count[i]];
        Arrays.fill(count, 0);
        for (int s = 0; s < owner.length; s++) if (owner[s] >= 0) places[owner[s]][count[owner[s]]++] = first + s;
        return new CopyPlaces(places);
    }

    /**
     * Places in the prompt that whole images would have made. Tokens of an image that stand for no patch, such as a class token that
     * stayed, come before its patches.
     *
     * @param members for each token and patch of its image 1 where the token stands for the patch
     */
    public static CopyPlaces ofImages(TokenLedger ledger, Note members) {
        int n = ledger.count();
        int[][] places = new int[n][];
        int next = ledger.positions()[0];
        for (int i = 0; i < n; ) {
            int image = ledger.image(i);
            if (image < 0) {
                places[i++] = new int[] {next++};
                continue;
            }
            int from = i;
            while (i < n && ledger.image(i) == image) i++;
            int others = (int) IntStream.range(from, i).filter(t -> patchesOf(members, t).length == 0).count();
            int patches = next + others;
            for (int t = from; t < i; t++) {
                places[t] = Arrays.stream(patchesOf(members, t)).map(p -> patches + p).toArray();
                if (places[t].length == 0) places[t] = new int[] {next++};
            }
            next = patches + members.width();
        }
        return new CopyPlaces(places);
    }

    /** Whether some token stands for several patches, by what {@link #ofImages} takes. */
    public static boolean merged(Note members) {
        return IntStream.range(0, members.values().length / members.width()).anyMatch(t -> patchesOf(members, t).length > 1);
    }

    private static int[] patchesOf(Note members, int token) {
        return IntStream.range(0, members.width()).filter(p -> members.values()[token * members.width() + p] != 0).toArray();
    }

    /** What {@link #note} holds. */
    public static CopyPlaces of(Note note) {
        int[][] places = new int[note.values().length / note.width()][];
        for (int i = 0; i < places.length; i++) {
            places[i] = IntStream.range(i * note.width(), (i + 1) * note.width()).filter(v -> note.values()[v] >= 0)
                    .map(v -> (int) note.values()[v]).toArray();
        }
        return new CopyPlaces(places);
    }

    /** The places of each token, then -1. */
    public Note note() {
        int width = Arrays.stream(places).mapToInt(p -> p.length).max().orElseThrow();
        float[] values = new float[places.length * width];
        Arrays.fill(values, -1);
        for (int i = 0; i < places.length; i++) for (int k = 0; k < places[i].length; k++) values[i * width + k] = places[i][k];
        return new Note(width, values);
    }

    /** Whether each token stands for itself alone, at its position. */
    public boolean areThoseOf(TokenLedger ledger) {
        return IntStream.range(0, places.length).allMatch(i -> places[i].length == 1 && places[i][0] == ledger.positions()[i]);
    }

    /** Attention as copies at the places. */
    public AttentionMode.Copies mode() {
        int copies = Arrays.stream(places).mapToInt(p -> p.length).sum();
        long[] ordered = new long[copies];
        int next = 0;
        for (int i = 0; i < places.length; i++) for (int p : places[i]) ordered[next++] = (long) p << 32 | i;
        Arrays.sort(ordered);
        return new AttentionMode.Copies(Arrays.stream(ordered).mapToInt(x -> (int) x).toArray(),
                Arrays.stream(ordered).mapToInt(x -> (int) (x >> 32)).toArray());
    }
}
