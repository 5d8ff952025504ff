package dev.winnow.runtime.models;

import dev.winnow.layers.RotaryAxes;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.Grid;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.PositionPolicy;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.TokenMap;
import dev.winnow.reduction.Tokens;
import dev.winnow.runtime.RequestException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/**
 * A language model that sees (Liu et al. 2023, arXiv 2310.03744): features of a vision tower go through a projector and take the place of
 * image tokens in a prompt. Families differ in the tower, in which features they read, in the projector, in how pieces of a picture are
 * put together, and in what the prompt's tokens see of each other.
 *
 * @param family        the configuration's {@code model_type}
 * @param imageToken    id of the placeholder
 * @param prompt        what stands for a picture in a prompt's text
 * @param firstPosition of a prompt
 * @param films         how films are taken, or null where they are not
 */
public record VisionLanguageModel(String family, VisionEncoder vision, Features read, Projector projector, Packing packing,
                                  LanguageModel language, int imageToken, PicturePrompt prompt, int firstPosition, Films films)
        implements Model {
    /** A model of pictures alone. */
    public VisionLanguageModel(String family, VisionEncoder vision, Features read, Projector projector, Packing packing,
                               LanguageModel language, int imageToken, PicturePrompt prompt, int firstPosition) {
        this(family, vision, read, projector, packing, language, imageToken, prompt, firstPosition, null);
    }

    /**
     * What is read of a tower.
     *
     * @param blocks     blocks whose outputs are the features, in the order they are concatenated; -1 is the input of block 0
     * @param normed     whether they go through the tower's final norm
     * @param keepsClass whether the class token is a feature too
     */
    public record Features(List<Integer> blocks, boolean normed, boolean keepsClass) {
        /** The last block's output after the final norm. */
        static Features last(VisionEncoder vision) {
            return new Features(List.of(vision.layers() - 1), true, true);
        }
    }

    /**
     * A picture of a request, or a film.
     *
     * @param tiles  pieces as the tower takes them; of a film its moments
     * @param height of the picture itself in pixels
     * @param width  of the picture itself in pixels
     * @param rows    of pieces beside the picture as a whole, 0 where it is not cut or the model does not ask
     * @param columns likewise
     * @param secondsPerMoment of a film; 0 of a picture
     */
    public record Image(List<VisionEncoder.Picture> tiles, int height, int width, int rows, int columns, double secondsPerMoment) {
        /** A picture. */
        public Image(List<VisionEncoder.Picture> tiles, int height, int width, int rows, int columns) {
            this(tiles, height, width, rows, columns, 0);
        }

        /** A film of moments of one size. */
        public static Image film(List<VisionEncoder.Picture> moments, double secondsPerMoment) {
            VisionEncoder.Picture first = moments.getFirst();
            return new Image(moments, first.height(), first.width(), 0, 0, secondsPerMoment);
        }

        public boolean isFilm() {
            return secondsPerMoment > 0;
        }

        /** A picture in pieces whose arrangement follows from its size. */
        public Image(List<VisionEncoder.Picture> tiles, int height, int width) {
            this(tiles, height, width, 0, 0);
        }

        /** A picture in one piece. */
        public static Image whole(VisionEncoder.Picture picture) {
            return new Image(List.of(picture), picture.height(), picture.width());
        }
    }

    /**
     * Projected features, as the language model gets them, and where they come from.
     *
     * @param places placeholders that they take in an unreduced prompt
     * @param tick   of a later moment of a film, its coordinate of time from the first on; -1 for all else
     */
    public record ImageFeatures(float[] features, TokenLedger ledger, int places, int tick) {
        public ImageFeatures(float[] features, TokenLedger ledger, int places) {
            this(features, ledger, places, -1);
        }
    }

    /** Whether an id is a placeholder of a picture or a film. */
    public boolean isPlace(int id) {
        return id == imageToken || isFilmPlace(id);
    }

    /** Whether an id is a placeholder of a film. */
    public boolean isFilmPlace(int id) {
        return films != null && id == films.token();
    }

    /** The last block that has to run. */
    public int lastBlock() {
        return Math.max(0, read.blocks().stream().max(Integer::compare).orElseThrow());
    }

    @Override
    public ModelShape shape() {
        boolean whole = projector.side() > 1 || packing.whole();
        return new ModelShape(Optional.of(vision.shape(lastBlock(), whole)), language.stack().layers(), language.learned());
    }

    /** Places that stretches of a picture's tokens take in an unreduced prompt. */
    public List<Integer> places(Image image) {
        VisionEncoder.Picture tile = image.tiles().getFirst();
        int perTile = tokens(vision.grid(tile.height(), tile.width()));
        return image.isFilm() ? films.places(image, perTile) : packing.places(image, perTile);
    }

    /** Places that a picture in one piece of the tower's own size takes. */
    public int tokensPerImage() {
        return tokens(vision.grid(vision.imageSize(), vision.imageSize()));
    }

    private int tokens(Grid grid) {
        return joined(grid).cells() + (read.keepsClass() ? vision.specialTokens() : 0);
    }

    private Grid joined(Grid grid) {
        return new Grid(grid.height() / projector.side(), grid.width() / projector.side());
    }

    /**
     * One picture or film through tower and projector.
     *
     * @param first  number of its first piece among all pieces of the request
     * @param blocks number of vision blocks to run; at least up to the features
     * @return stretches of tokens
     */
    public List<ImageFeatures> look(Image image, int first, int blocks, Schedule schedule, Workspace workspace, Trace trace,
                                    StackListener listener) {
        List<ImageFeatures> tiles = new ArrayList<>();
        for (VisionEncoder.Picture tile : image.tiles()) {
            tiles.add(look(tile, first + tiles.size(), blocks, schedule, workspace, trace, listener));
        }
        if (image.isFilm()) return films.pack(image, tiles, language.width());
        List<ImageFeatures> packed = packing.pack(image, tiles, language.width());
        if (trace != null && packing instanceof Packing.AnyResolution) {
            ImageFeatures f = packed.getFirst();
            trace.rows("packed_image_features", f.features(), f.ledger().count(), language.width());
        }
        return packed;
    }

    private ImageFeatures look(VisionEncoder.Picture picture, int number, int blocks, Schedule schedule, Workspace workspace, Trace trace,
                               StackListener listener) {
        int[] capture = read.blocks().stream().mapToInt(b -> b).toArray();
        VisionEncoder.Encoded encoded = vision.encode(picture, number, blocks, schedule, workspace, capture, trace, listener);
        TokenLedger ledger = encoded.tokens().ledger();
        float[] features = features(encoded);
        int inner = vision.width() * capture.length;
        if (trace != null && read.normed()) {
            for (String name : List.of("vision.post_norm", "vision.final_norm")) trace.item(name, features, ledger.count(), inner);
        }
        int[] kept = IntStream.range(0, ledger.count()).filter(i -> read.keepsClass() || ledger.kind(i) != TokenKind.CLASS).toArray();
        float[] selected = new float[kept.length * inner];
        TokenMap selection = TokenMap.select(kept, ledger.count());
        selection.apply(features, inner, selected);
        Grid grid = vision.grid(picture.height(), picture.width());
        float[] projected = projector.project(vision.backend(), selected, kept.length, grid, workspace);
        if (projector.side() == 1) {
            if (trace != null) trace.item("projector", projected, kept.length, language.width());
            return new ImageFeatures(projected, ledger.after(selection, PositionPolicy.PRESERVE), tokens(grid));
        }
        return joined(projected, grid, ledger, number, trace);
    }

    /** Tokens that stand for squares of patches, in raster order. */
    private ImageFeatures joined(float[] projected, Grid grid, TokenLedger patches, int number, Trace trace) {
        Grid squares = joined(grid);
        int n = squares.cells();
        TokenLedger ledger = TokenLedger.picture(List.of(), squares, number);
        for (String name : patches.notes()) ledger = ledger.with(name, means(patches, patches.note(name), squares));
        PatchOrder order = vision.embedding().order();
        if (order.byRows()) {
            if (trace != null) trace.item("projector", projected, n, language.width());
            return new ImageFeatures(projected, ledger, n);
        }
        int[] from = order.order(grid);
        float[] ordered = new float[projected.length];
        for (int i = 0; i < n; i++) System.arraycopy(projected, i * language.width(), ordered, from[i] * language.width(), language.width());
        if (trace != null) {
            trace.rows("projector", projected, n, language.width());
            trace.rows("image_features", ordered, n, language.width());
        }
        return new ImageFeatures(ordered, ledger, n);
    }

    /** What was noted of the patches of each square, on average. */
    private TokenLedger.Note means(TokenLedger patches, TokenLedger.Note note, Grid squares) {
        int side = projector.side();
        float[] means = new float[squares.cells() * note.width()];
        for (int i = 0; i < patches.count(); i++) {
            int cell = patches.cell(i);
            if (cell < 0) continue;
            int square = cell / (squares.width() * side) / side * squares.width() + cell % (squares.width() * side) / side;
            for (int c = 0; c < note.width(); c++) means[square * note.width() + c] += note.values()[i * note.width() + c] / (side * side);
        }
        return new TokenLedger.Note(note.width(), means);
    }

    /** What the projector reads of all live tokens: outputs of the feature blocks side by side, [tokens, width * blocks]. */
    public float[] features(VisionEncoder.Encoded encoded) {
        if (read.normed()) return vision.normed(encoded.tokens());
        int n = encoded.tokens().count();
        int width = vision.width();
        int inner = width * read.blocks().size();
        float[] features = new float[n * inner];
        for (int b = 0; b < read.blocks().size(); b++) {
            float[] states = encoded.captured().get(read.blocks().get(b));
            for (int i = 0; i < n; i++) System.arraycopy(states, i * width, features, i * inner + b * width, width);
        }
        return features;
    }

    /**
     * The prompt with image features in the places of image tokens. Where the language model's positions are along several axes, the
     * workspace learns where the tokens lie.
     *
     * @param ids with as many placeholders as the stretches of features take
     */
    public Tokens merge(int[] ids, List<ImageFeatures> images, Workspace workspace) {
        int placeholders = (int) Arrays.stream(ids).filter(this::isPlace).count();
        int wanted = images.stream().mapToInt(ImageFeatures::places).sum();
        if (placeholders != wanted) {
            throw new RequestException("the prompt has " + placeholders + " image tokens, but what is to be seen takes " + wanted);
        }
        int n = ids.length - placeholders + images.stream().mapToInt(f -> f.ledger().count()).sum();
        int width = language.width();
        float[] hidden = new float[n * width];
        TokenKind[] kinds = new TokenKind[n];
        int[] imageOf = new int[n];
        int[] cells = new int[n];
        int[] positions = IntStream.range(firstPosition, firstPosition + n).toArray();
        int[] sources = new int[n];
        List<Grid> grids = new ArrayList<>();
        int row = 0;
        int next = 0;
        int left = 0;
        for (int id : ids) {
            if (!isPlace(id)) {
                language.embed(new int[] {id}, hidden, row);
                kinds[row] = TokenKind.TEXT;
                cells[row] = -1;
                sources[row] = -1;
                imageOf[row++] = -1;
            } else if (left == 0) {
                ImageFeatures f = images.get(next);
                TokenLedger seen = f.ledger();
                System.arraycopy(f.features(), 0, hidden, row * width, seen.count() * width);
                for (int i = 0; i < seen.count(); i++, row++) {
                    kinds[row] = seen.kind(i) == TokenKind.NEWLINE ? TokenKind.NEWLINE : TokenKind.VISUAL;
                    imageOf[row] = seen.image(i);
                    cells[row] = seen.cell(i);
                    sources[row] = next;
                    while (grids.size() <= seen.image(i)) grids.add(Grid.NONE);
                    if (seen.image(i) >= 0) grids.set(seen.image(i), seen.grid(seen.image(i)));
                }
                next++;
                left = f.places() - 1;
            } else {
                left--;
            }
        }
        renumber(imageOf, grids);
        TokenLedger ledger = withNotes(TokenLedger.of(positions, kinds, imageOf, cells, grids), images, sources);
        if (axes() != null) workspace.places(places(ledger, i -> images.get(sources[i]).tick()));
        return new Tokens(hidden, width, ledger);
    }

    /** Pictures are counted from the first of a prompt on. */
    private static void renumber(int[] imageOf, List<Grid> grids) {
        int first = Arrays.stream(imageOf).filter(i -> i >= 0).min().orElse(0);
        for (int i = 0; i < imageOf.length; i++) if (imageOf[i] >= 0) imageOf[i] -= first;
        grids.subList(0, Math.min(first, grids.size())).clear();
    }

    private RotaryAxes axes() {
        RotaryEmbedding rotary = language.stack().descriptions().getFirst().attention().rotary();
        return rotary == null ? null : rotary.axes();
    }

    /**
     * Time, row and column of each token (M-RoPE; Wang et al. 2024): text goes on along all three, a picture stands still in time and its
     * tokens lie where they are in it, and the moments of a film follow each other.
     *
     * @param ticks of a token's moment of a film
     */
    private static RotaryAxes.Places places(TokenLedger ledger, IntUnaryOperator ticks) {
        int n = ledger.count();
        int[][] at = new int[3][n];
        int next = 0;
        int begin = 0;
        for (int i = 0; i < n; i++) {
            int image = ledger.image(i);
            if (image < 0) {
                begin = next;
                for (int[] axis : at) axis[i] = next;
                next++;
                continue;
            }
            int tick = Math.max(0, ticks.applyAsInt(i));
            boolean begins = i == 0 || ledger.image(i - 1) != image && ticks.applyAsInt(i) < 0;
            if (begins) begin = next;
            Grid grid = ledger.grid(image);
            at[0][i] = begin + tick;
            at[1][i] = begin + grid.row(ledger.cell(i));
            at[2][i] = begin + grid.column(ledger.cell(i));
            next = Math.max(next, begin + Math.max(tick + 1, Math.max(grid.height(), grid.width())));
        }
        return new RotaryAxes.Places(at, next);
    }

    /** What was noted in the tower goes along; places of text have zeros. */
    private static TokenLedger withNotes(TokenLedger prompt, List<ImageFeatures> images, int[] sources) {
        if (images.isEmpty()) return prompt;
        TokenLedger noted = prompt;
        for (String name : images.getFirst().ledger().notes()) {
            if (images.stream().anyMatch(f -> f.ledger().note(name) == null)) continue;
            int width = images.getFirst().ledger().note(name).width();
            float[] values = new float[prompt.count() * width];
            for (int i = 0, own = 0; i < sources.length; i++) {
                own = i > 0 && sources[i] == sources[i - 1] ? own + 1 : 0;
                if (sources[i] < 0) continue;
                System.arraycopy(images.get(sources[i]).ledger().note(name).values(), own * width, values, i * width, width);
            }
            noted = noted.with(name, new TokenLedger.Note(width, values));
        }
        return noted;
    }
}
