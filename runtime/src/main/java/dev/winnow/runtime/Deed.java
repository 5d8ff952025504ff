package dev.winnow.runtime;

import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.TokenMap;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What an outcome does to tokens, in words. */
final class Deed {
    private int pruned;
    private int merged;
    private int into;
    private int hidden;
    private int around = -1;

    private Deed() {
    }

    /** @param tokens in front of it */
    static String of(Outcome outcome, int tokens) {
        Deed deed = new Deed();
        deed.count(outcome);
        List<String> words = new ArrayList<>();
        if (deed.pruned > 0) words.add(tokens(deed.pruned) + " pruned");
        if (deed.merged > 0) words.add(tokens(deed.merged) + " merged into " + deed.into);
        if (deed.hidden > 0) words.add(tokens(deed.hidden) + " hidden from attention");
        if (deed.around >= 0) words.add(deed.around + " of " + tokens(tokens) + " run the layer, the others go around it");
        return words.isEmpty() ? "no token left out" : String.join(", ", words);
    }

    private static String tokens(int count) {
        return count + (count == 1 ? " token" : " tokens");
    }

    private void count(Outcome outcome) {
        switch (outcome) {
            case Outcome.All(List<Outcome> outcomes) -> outcomes.forEach(this::count);
            case Outcome.Reduce r -> count(r.map());
            case Outcome.Hide(boolean[] marks) -> {
                for (boolean mark : marks) if (mark) hidden++;
            }
            case Outcome.Route r -> around = Math.max(0, around) + r.run().length;
            default -> { }
        }
    }

    private void count(TokenMap map) {
        boolean[] mixed = new boolean[map.sources()];
        for (int i = 0; i < map.rows(); i++) {
            int[] sources = map.sourcesOf(i);
            if (sources.length < 2) continue;
            into++;
            for (int s : sources) mixed[s] = true;
        }
        pruned += (int) Arrays.stream(map.owners()).filter(o -> o < 0).count();
        for (boolean m : mixed) if (m) merged++;
    }
}
