package dev.winnow.reduction.primitives;

import dev.winnow.layers.CosineChoice;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Observation;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.PositionPolicy;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.Site;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.TokenMap;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * The image tokens of a prompt between projector and language model. What is decided there takes effect before the first layer: the
 * language model sees a shorter prompt with contiguous positions. Text and separators between rows of patches stay.
 */
public final class PromptImages {
    /** Chooses among the tokens of one image. */
    public interface Choice {
        /**
         * @param tokens of the image, as indices into the prompt, ascending
         * @param k      how many stay, fewer than there are
         * @return places among these tokens, in any order
         */
        int[] choose(int[] tokens, int k);
    }

    private PromptImages() {}

    /**
     * An event between projector and language model.
     *
     * @throws PlanException when the model lacks one of what it is between
     */
    public static ReductionEvent event(String spec, ModelShape shape, Function<Observation, Outcome> decide) {
        if (shape.vision().isEmpty() || shape.languageLayers() == 0) {
            throw new PlanException(spec + ": works on pictures in front of a language model; this model has "
                    + (shape.vision().isEmpty() ? "no vision tower" : "no language model"));
        }
        return ReductionEvent.at(spec, new Site(Stage.LANGUAGE, Site.Moment.BEFORE_LAYER, 0), decide);
    }

    /** The image tokens, image by image, each ascending; images by rising number. */
    public static List<int[]> of(TokenLedger ledger) {
        return of(ledger, ledger.ofKind(TokenKind.VISUAL));
    }

    /** Some tokens, image by image as {@link #of(TokenLedger)}; those of no image are a group too, the first. */
    public static List<int[]> of(TokenLedger ledger, int[] tokens) {
        Map<Integer, IntStream.Builder> images = new TreeMap<>();
        for (int i : tokens) images.computeIfAbsent(ledger.image(i), k -> IntStream.builder()).add(i);
        return images.values().stream().map(b -> b.build().toArray()).toList();
    }

    /** The text that asks about the images: all after the last of them, or, where nothing follows, all text. */
    public static int[] question(TokenLedger ledger) {
        int[] text = IntStream.range(0, ledger.count()).filter(i -> ledger.kind(i) == TokenKind.TEXT || ledger.kind(i) == TokenKind.SYSTEM)
                .toArray();
        int[] images = ledger.ofKind(TokenKind.VISUAL);
        int last = images.length == 0 ? -1 : images[images.length - 1];
        int[] after = Arrays.stream(text).filter(i -> i > last).toArray();
        return after.length > 0 ? after : text;
    }

    /** Hidden states of some tokens: [tokens, width]. */
    public static float[] features(Observation o, int[] tokens) {
        return CosineSimilarity.gather(o.tokens().hidden(), o.tokens().width(), tokens);
    }

    /** Cosine similarity of some tokens among each other: [tokens, tokens]. */
    public static float[] similarity(Observation o, int[] tokens) {
        int width = o.tokens().width();
        float[] unit = CosineSimilarity.normalised(features(o, tokens), tokens.length, width);
        return CosineSimilarity.products(unit, tokens.length, unit, tokens.length, width);
    }

    /**
     * Chooses k of some tokens by the cosines of their hidden states, where the states are.
     *
     * @param here the same choice over their similarity, [tokens, tokens], where the host makes it
     * @return places among the tokens, in the order they are chosen
     */
    public static int[] choose(Observation o, CosineChoice choice, int[] tokens, int k, Function<float[], int[]> here) {
        if (k == 0) return new int[0];
        int[] there = o.choose(choice, tokens, k);
        return there == null ? here.apply(similarity(o, tokens)) : there;
    }

    /** Reports in which turn each of n tokens was chosen, counted from 1; 0 for those that were not. */
    public static void reportRank(Observation o, int[] order, int n) {
        float[] rank = new float[n];
        for (int i = 0; i < order.length; i++) rank[order[i]] = i + 1;
        o.report("rank", rank);
    }

    /** Keeps a budget of each image's tokens, in their order. */
    public static Outcome keepOfEach(Observation o, Budget keep, Budget.Rounding rounding, Choice choice) {
        return keep(o, of(o.tokens().ledger()), keep, rounding, choice);
    }

    /** Keeps a budget of the tokens of all images together, in their order. */
    public static Outcome keepOfAll(Observation o, Budget keep, Budget.Rounding rounding, Choice choice) {
        return keep(o, List.of(o.tokens().ledger().ofKind(TokenKind.VISUAL)), keep, rounding, choice);
    }

    private static Outcome keep(Observation o, List<int[]> groups, Budget keep, Budget.Rounding rounding, Choice choice) {
        int n = o.tokens().count();
        boolean[] gone = new boolean[n];
        boolean changed = false;
        for (int[] tokens : groups) {
            int k = keep.of(tokens.length, rounding);
            if (k >= tokens.length) continue;
            changed = true;
            for (int t : tokens) gone[t] = true;
            for (int place : choice.choose(tokens, k)) gone[tokens[place]] = false;
        }
        if (!changed) return Outcome.UNCHANGED;
        int[] kept = IntStream.range(0, n).filter(i -> !gone[i]).toArray();
        return new Outcome.Reduce(TokenMap.select(kept, n), PositionPolicy.RENUMBER);
    }

    /**
     * A new token.
     *
     * @param place   the token of the sequence whose place it takes
     * @param of      tokens it is made of
     * @param weights their weights
     */
    public record Part(int place, int[] of, float[] weights) {
        /** A token as it is. */
        public static Part of(int token) {
            return new Part(token, new int[] {token}, new float[] {1f});
        }
    }

    /** Puts new tokens in the places of those that they are made of. */
    public static TokenMap replacing(List<Part> parts, int n) {
        return replacing(parts.stream().flatMapToInt(part -> Arrays.stream(part.of)).toArray(), parts, n);
    }

    /**
     * Puts new tokens among those that are not replaced.
     *
     * @param old   tokens that are replaced
     * @param parts what replaces them
     * @param n     tokens of the sequence
     */
    public static TokenMap replacing(int[] old, List<Part> parts, int n) {
        boolean[] gone = new boolean[n];
        for (int t : old) gone[t] = true;
        List<Part> all = new ArrayList<>(parts);
        for (int i = 0; i < n; i++) if (!gone[i]) all.add(Part.of(i));
        all.sort(Comparator.comparingInt(Part::place));
        MapRows rows = new MapRows();
        for (Part part : all) rows.make(part.of, part.weights);
        return rows.map(n);
    }
}
