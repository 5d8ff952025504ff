package dev.winnow.runtime.explain;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.winnow.runtime.Explanation;
import dev.winnow.runtime.explain.ExplanationPage.Subject;
import dev.winnow.runtime.images.RgbImage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What the page is made of, as JSON.
 *
 * @param runs  see {@link ExplanationPage.Run}
 * @param words of the prompt; those of pictures are their piece and patches, and what stands between rows of patches is nothing
 */
record PageData(String question, String swept, List<String> pictures, List<Run> runs, List<Piece> pieces, List<Panel> panels,
                List<Word> words, Cache cache) {
    private static final ObjectMapper JSON = new ObjectMapper().setSerializationInclusion(JsonInclude.Include.NON_NULL);

    record Run(String name, String plan, String answer, int pictureTokens, long flops, long cacheBytes, Boolean same) {}

    /**
     * @param picture the picture that it is of
     * @param source  what it shows as a data URL
     */
    record Piece(int picture, String name, int rows, int columns, int width, int height, String source) {}

    record Panel(String method, String site, String deed, boolean cached, int before, int after, List<Alive> pieces) {}

    /**
     * @param bare     tokens without a patch
     * @param singles  patches that are a token each
     * @param groups   patches of the other tokens
     * @param sizes    of these groups
     * @param colours  of these groups, as the pictures of them have it
     * @param strength of each patch, where some survive in part
     * @param scores   of each patch, null where it has none
     */
    record Alive(int tokens, int bare, int[] singles, List<int[]> groups, List<Number> sizes, List<String> colours, List<Number> strength,
                 String scored, List<Number> scores) {}

    record Word(String text, Integer piece, int[] patches) {}

    /** @param sets lists of tokens that heads refer to by number */
    record Cache(List<String> sets, List<Layer> layers) {}

    /** @param heads for each the number of the set it keeps, and of the set that is merged into others */
    record Layer(List<String> deeds, List<int[]> heads) {}

    static String json(Explanation explanation, List<RgbImage> images, Subject subject) {
        if (subject.words().size() != explanation.prompt().tokens()) {
            throw new IllegalArgumentException(subject.words().size() + " words for " + explanation.prompt().tokens() + " prompt tokens");
        }
        try {
            return JSON.writeValueAsString(of(explanation, images, subject));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write the explanation as JSON: " + e.getOriginalMessage(), e);
        }
    }

    private static PageData of(Explanation explanation, List<RgbImage> images, Subject subject) {
        List<Run> runs = subject.runs().stream()
                .map(r -> new Run(r.name(), r.plan(), r.answer(), r.pictureTokens(), r.flops(), r.cacheBytes(), r.same())).toList();
        List<GroupColours> colours = explanation.pieces().stream().map(p -> new GroupColours(p.grid())).toList();
        List<Panel> panels = new ArrayList<>();
        for (Explanation.Panel p : explanation.panels()) {
            List<Alive> pieces = new ArrayList<>();
            for (int i = 0; i < p.pieces().size(); i++) pieces.add(alive(p.pieces().get(i), colours.get(i)));
            panels.add(new Panel(p.method(), p.site(), p.deed(), p.cached(), p.before(), p.after(), pieces));
        }
        return new PageData(subject.question(), subject.swept(), subject.pictures(), runs, pieces(explanation, images, subject), panels,
                words(explanation.prompt(), subject.words()), cache(explanation));
    }

    private static List<Piece> pieces(Explanation explanation, List<RgbImage> images, Subject subject) {
        List<Piece> pieces = new ArrayList<>();
        for (Explanation.Piece p : explanation.pieces()) {
            if (p.image() >= images.size() || p.image() >= subject.pictures().size()) {
                throw new IllegalArgumentException("the explanation is about more pictures than the " + images.size() + " given");
            }
            long parts = explanation.pieces().stream().filter(o -> o.image() == p.image()).count();
            long part = explanation.pieces().subList(0, pieces.size()).stream().filter(o -> o.image() == p.image()).count() + 1;
            String name = subject.pictures().get(p.image()) + (parts > 1 ? ", piece " + part + " of " + parts : "");
            EncodedPiece seen = EncodedPiece.of(images.get(p.image()), p);
            pieces.add(new Piece(p.image(), name, p.grid().height(), p.grid().width(), seen.width(), seen.height(), seen.url()));
        }
        return pieces;
    }

    private static Alive alive(Explanation.Alive alive, GroupColours colours) {
        int[] next = colours.next(alive.groups());
        List<Integer> singles = new ArrayList<>();
        List<int[]> groups = new ArrayList<>();
        List<Number> sizes = new ArrayList<>();
        List<String> outlines = new ArrayList<>();
        int bare = 0;
        for (int i = 0; i < alive.groups().size(); i++) {
            int[] patches = Arrays.stream(alive.groups().get(i)).distinct().sorted().toArray();
            if (patches.length == 0) {
                bare++;
            } else if (patches.length == 1 && alive.sizes()[i] == 1) {
                singles.add(patches[0]);
            } else {
                groups.add(patches);
                sizes.add(rounded(alive.sizes()[i]));
                outlines.add(String.format(Locale.ROOT, "#%06x", next[i]));
            }
        }
        boolean scored = alive.scores().values().length > 0;
        return new Alive(alive.tokens(), bare, singles.stream().mapToInt(p -> p).toArray(), groups, sizes, outlines,
                TokenCounts.partial(alive) ? rounded(alive.strength()) : null, scored ? alive.scores().name() : null,
                scored ? rounded(alive.scores().values()) : null);
    }

    private static List<Number> rounded(float[] values) {
        List<Number> rounded = new ArrayList<>();
        for (float v : values) rounded.add(rounded(v));
        return rounded;
    }

    /** To four digits; null for what is no number. */
    private static Number rounded(float value) {
        if (!Float.isFinite(value)) return null;
        if (value == Math.rint(value) && Math.abs(value) < 1e6) return (int) value;
        double unit = Math.pow(10, Math.floor(Math.log10(Math.abs(value))) - 3);
        return (float) (Math.rint(value / unit) * unit);
    }

    private static List<Word> words(Explanation.Prompt prompt, List<String> texts) {
        List<Word> words = new ArrayList<>();
        for (int t = 0; t < prompt.tokens(); t++) {
            boolean picture = prompt.pieces()[t] >= 0;
            String text = prompt.ids()[t] < 0 ? null : texts.get(t);
            words.add(picture ? new Word(null, prompt.pieces()[t], prompt.patches().get(t)) : new Word(text, null, null));
        }
        return words;
    }

    private static Cache cache(Explanation explanation) {
        TokenSets sets = new TokenSets(explanation.prompt().tokens());
        List<Layer> layers = explanation.cache().stream().map(l -> new Layer(l.deeds(),
                l.heads().stream().map(h -> new int[] {sets.number(h.kept()), sets.number(h.merged())}).toList())).toList();
        return new Cache(sets.all(), layers);
    }
}
