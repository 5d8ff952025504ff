package dev.winnow.reduction;

import dev.winnow.layers.AttentionMode;
import dev.winnow.layers.CompiledLayer;
import java.util.List;

/** What a reduction event decides. */
public sealed interface Outcome {
    /** Everything stays. */
    record Unchanged() implements Outcome {}

    /**
     * New tokens for old.
     *
     * @param classStandsForImage whether a class token that survives goes on as a token of the picture instead of being dropped
     *                            with the encoder
     * @param sizes               of the new tokens, or null for the sums of their sources' sizes
     * @param places              for each new token the original token whose position, kind, image and cell it takes, or null to
     *                            take those of the anchors
     */
    record Reduce(TokenMap map, PositionPolicy positions, boolean classStandsForImage, float[] sizes, int[] places) implements Outcome {
        public Reduce(TokenMap map, PositionPolicy positions) {
            this(map, positions, false);
        }

        public Reduce(TokenMap map, PositionPolicy positions, boolean classStandsForImage) {
            this(map, positions, classStandsForImage, null, null);
        }

        /** For soft maps, where one old token goes into several new ones. */
        public Reduce withSizes(float[] sizes) {
            return new Reduce(map, positions, classStandsForImage, sizes, places);
        }

        /** For reconstructions, which bring original tokens back. */
        public Reduce withPlaces(int[] places) {
            return new Reduce(map, positions, classStandsForImage, sizes, places);
        }

        /** The book of the new tokens. */
        TokenLedger after(TokenLedger ledger) {
            TokenLedger after = ledger.after(map, positions);
            if (places != null) after = after.inPlacesOf(places);
            return sizes == null ? after : after.withSizes(sizes);
        }
    }

    /** Tokens stay, but are not seen as keys from this layer on. */
    record Hide(boolean[] hidden) implements Outcome {}

    /**
     * Tokens stay and get a note for later events, here or in the stack that follows: [tokens, width].
     *
     * @param name replaces an earlier note of that name
     */
    record Annotate(String name, int width, float[] values) implements Outcome {}

    /** Tokens stay and have other hidden states from here on: [tokens, width]. */
    record Rewrite(float[] hidden) implements Outcome {}

    /**
     * Only some tokens run the coming layer, the others pass it on the residual path and get no cache entry there. Events before a
     * layer only.
     *
     * @param run         tokens that run it, ascending; may be none
     * @param blockWeight for each of them a factor on all that the layer adds, or null for 1
     * @param mlpWeight   for each of them a factor on what the MLP adds, or null for 1
     * @param bypass      for each token of the sequence a factor on the hidden state of those that do not run, or null for 1
     */
    record Route(int[] run, float[] blockWeight, float[] mlpWeight, float[] bypass) implements Outcome {}

    /**
     * Cache entries of coming layers, made of the live tokens as they are now. In this pass those layers make none of their own: the
     * tokens that reach them only ask. Events before a layer only.
     */
    record Supply(List<Supplied> layers) implements Outcome {}

    /**
     * A layer whose entries are made ahead.
     *
     * @param layer  0-based
     * @param keeper the layer that keeps the entries: itself, or an earlier one of the same supply whose entries it shares
     * @param maker  its key and value projections, with the norm before them, make the entries; null where they are shared
     * @param asker  runs in place of the layer, with its queries only
     */
    record Supplied(int layer, int keeper, CompiledLayer maker, CompiledLayer asker) {}

    /**
     * The coming layer's attention runs in another way than the dense one. Events before a layer only; all tokens run the layer.
     */
    record Attend(AttentionMode mode) implements Outcome {}

    /**
     * From here on in the sequence, the MLP of the event's layer leaves out inner neurons whose gate is no larger in magnitude than
     * this. Events of the language model up to the layer's MLP only.
     */
    record Threshold(float threshold) implements Outcome {}

    /**
     * What the MLP half of the layer at hand adds to its tokens: [tokens, width]. The layer's own MLP does not run, so a threshold for
     * it has no effect. Later reductions between the halves take it along; of tokens that go around the layer it is ignored. Events
     * between attention and MLP only.
     */
    record ReplaceMlp(float[] added) implements Outcome {}

    /**
     * Cache entries that survive.
     *
     * @param keep for each key head the slots to keep, ascending
     */
    record Compact(int[][] keep) implements Outcome {}

    /**
     * Cache entries made of others.
     *
     * @param maps for each key head a map from slots to new slots; positions are those of the anchors, which must ascend
     */
    record MergeCache(List<TokenMap> maps) implements Outcome {}

    /**
     * Cache keys turned to other positions, so that what is kept looks contiguous; the next token of the sequence follows the highest.
     *
     * @param positions for each key head and slot, ascending
     */
    record Reposition(int[][] positions) implements Outcome {}

    /**
     * What survives of the entries that this pass gave the cache of a layer already run; entries before them stay.
     *
     * @param from      position in that layer of the first token of the pass
     * @param positions that survive from there on
     */
    record Narrow(int layer, int from, int[] positions) implements Outcome {}

    /** Several, in order. */
    record All(List<Outcome> outcomes) implements Outcome {}

    /** The maps that tokens go through, in order. */
    default List<TokenMap> maps() {
        return switch (this) {
            case Reduce r -> List.of(r.map());
            case All(List<Outcome> outcomes) -> outcomes.stream().flatMap(o -> o.maps().stream()).toList();
            default -> List.of();
        };
    }

    Outcome UNCHANGED = new Unchanged();
}
