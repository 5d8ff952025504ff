package dev.winnow.runtime;

import dev.winnow.reduction.Grid;
import dev.winnow.runtime.images.Region;
import java.util.Arrays;
import java.util.List;

/**
 * What the events of a plan did in one request: where every surviving token came from, event by event, and what is left of the prompt in
 * the cache. Everything here was seen while the model ran; nothing is taken from the plan.
 *
 * @param pieces of the pictures, as the model looks at them; mostly one for each picture
 * @param panels one for the input, then one per event that acted on tokens, in the order of the layers; empty where nothing was recorded
 * @param prompt the tokens that the language model began with; empty where no event acted in it
 * @param cache  the layers of the language model after the prompt, in order; empty likewise
 * @param pictureTokens of all pictures that are alive in the end and not hidden
 */
public record Explanation(List<Piece> pieces, List<Panel> panels, Prompt prompt, List<Layer> cache, int pictureTokens) {
    /** Nothing to explain. */
    public static final Explanation NONE = new Explanation(List.of(), List.of(), Prompt.NONE, List.of(), 0);

    /**
     * A picture, or a part of one, that the model looks at by itself.
     *
     * @param image  the picture, counted from 0
     * @param grid   its patches, or the squares of patches that become one token
     * @param region what it covers of the picture
     */
    public record Piece(int image, Grid grid, Region region) {}

    /**
     * The state after one event.
     *
     * @param method what acted, as a spec; "input" for the state before all events
     * @param site   where; empty for the input
     * @param deed   what was done, in words
     * @param cached whether this is about the entries of the cache instead of about tokens
     * @param before tokens in front of it: of the tower for all pieces together, or of the language model's sequence
     * @param after  tokens behind it, likewise
     * @param pieces what is alive of each piece
     */
    public record Panel(String method, String site, String deed, boolean cached, int before, int after, List<Alive> pieces) {
        /** What acted where. */
        public String title() {
            return site.isEmpty() ? method : method + ", " + site;
        }
    }

    /**
     * What is alive of one piece.
     *
     * @param groups   for each live token the patches it is made of (row-major numbers); the class token has none
     * @param strength for each patch how much of it survives, 0..1: 1 for live tokens; for a compacted cache the share of
     *                 layers and heads that still hold it
     * @param sizes    for each live token how many tokens of the input it counts as
     * @param scores   what the event went by, {@link Scores#NONE} where it did not say or did not look at this piece
     */
    public record Alive(List<int[]> groups, float[] strength, float[] sizes, Scores scores) {
        /** Tokens that count as many as the patches they are made of. */
        public Alive(List<int[]> groups, float[] strength) {
            this(groups, strength, sizes(groups), Scores.NONE);
        }

        private static float[] sizes(List<int[]> groups) {
            float[] sizes = new float[groups.size()];
            for (int i = 0; i < sizes.length; i++) sizes[i] = Math.max(1, groups.get(i).length);
            return sizes;
        }

        public int tokens() {
            return groups.size();
        }
    }

    /**
     * What an event went by.
     *
     * @param name   as the method calls it
     * @param values for each patch that of its token; NaN for patches whose token had none, as those gone before
     */
    public record Scores(String name, float[] values) {
        public static final Scores NONE = new Scores("", new float[0]);
    }

    /**
     * Tokens of a prompt before the first event of the language model.
     *
     * @param ids     of the vocabulary, -1 for tokens of pictures
     * @param pieces  the piece of each token, -1 for none
     * @param patches the patches that each token is made of; none for text
     */
    public record Prompt(int[] ids, int[] pieces, List<int[]> patches) {
        public static final Prompt NONE = new Prompt(new int[0], new int[0], List.of());

        public int tokens() {
            return ids.length;
        }
    }

    /**
     * What one layer's cache holds of the prompt.
     *
     * @param deeds  what happened to it, in words; empty where its entries are those of the tokens that ran the layer
     * @param heads  for each key head the entries that it holds
     */
    public record Layer(List<String> deeds, List<Entries> heads) {}

    /**
     * Entries of one key head.
     *
     * @param kept   for each entry the token of the prompt whose place it has
     * @param merged tokens of the prompt that have no entry of their own but are part of another
     */
    public record Entries(int[] kept, int[] merged) {}

    /** Entries that all layers and heads hold of the prompt. */
    public long entries() {
        return cache.stream().flatMap(l -> l.heads().stream()).mapToLong(h -> h.kept().length).sum();
    }

    /** 1 for each patch that is in a group. */
    static float[] strengths(List<int[]> groups, int patches) {
        float[] strength = new float[patches];
        groups.stream().flatMapToInt(Arrays::stream).forEach(p -> strength[p] = 1f);
        return strength;
    }
}
