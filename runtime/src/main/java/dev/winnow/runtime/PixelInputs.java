package dev.winnow.runtime;

import dev.winnow.reduction.Grid;
import dev.winnow.runtime.models.Films;
import dev.winnow.runtime.models.VisionEncoder;
import dev.winnow.runtime.models.VisionLanguageModel;
import dev.winnow.runtime.models.VisionLanguageModel.Image;
import dev.winnow.weights.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/**
 * The pictures of tensors as processors of transformers make them: {@code pixel_values} [pictures, channels, height, width]; or [batch,
 * pieces, channels, height, width] with {@code image_sizes} or a {@code pixel_attention_mask}; or patches [patches, channels * frames *
 * patch * patch] with {@code image_grid_thw}. Films: {@code pixel_values_videos} [films, frames, channels, height, width]; or patches with
 * {@code video_grid_thw} and, for models that know time, {@code second_per_grid_ts} [films].
 */
record PixelInputs(VisionLanguageModel model, Map<String, Tensor> inputs) {
    private static final int MOST_SIDE = 4096;
    private static final String PATCHES = "pixel_values";
    private static final String GRIDS = "image_grid_thw";
    private static final String FILM_PATCHES = "pixel_values_videos";
    private static final String FILM_GRIDS = "video_grid_thw";
    private static final String SECONDS = "second_per_grid_ts";

    /** The tensors of pictures and films. */
    static Map<String, Tensor> of(VisionLanguageModel model, List<Image> seen) {
        Map<String, Tensor> tensors = new HashMap<>();
        List<Image> pictures = seen.stream().filter(image -> !image.isFilm()).toList();
        List<Image> films = seen.stream().filter(Image::isFilm).toList();
        boolean squares = model.vision().joinsSquares();
        if (!pictures.isEmpty()) tensors.putAll(squares ? cut(model, pictures, PATCHES, GRIDS) : pictures(model, pictures));
        if (films.isEmpty()) return tensors;
        if (squares) {
            tensors.putAll(cut(model, films, FILM_PATCHES, FILM_GRIDS));
            float[] seconds = new float[films.size()];
            for (int i = 0; i < seconds.length; i++) seconds[i] = (float) films.get(i).secondsPerMoment();
            tensors.put(SECONDS, Tensor.ofFloats(SECONDS, seconds, seconds.length));
        } else {
            tensors.put(FILM_PATCHES, frames(films));
        }
        return tensors;
    }

    /** Films of the same number of frames, one under the other. */
    private static Tensor frames(List<Image> films) {
        int moments = films.getFirst().tiles().size();
        if (films.stream().anyMatch(film -> film.tiles().size() != moments)) {
            throw new RequestException("videos of different lengths make no one tensor " + FILM_PATCHES);
        }
        int height = films.getFirst().height();
        int width = films.getFirst().width();
        int each = 3 * height * width;
        float[] all = new float[Math.multiplyExact(films.size() * moments, each)];
        int next = 0;
        for (Image film : films) {
            for (VisionEncoder.Picture frame : film.tiles()) System.arraycopy(frame.pixels(), frame.offset(), all, next++ * each, each);
        }
        return Tensor.ofFloats(FILM_PATCHES, all, films.size(), moments, 3, height, width);
    }

    private static Map<String, Tensor> pictures(VisionLanguageModel model, List<Image> images) {
        VisionEncoder.Picture first = images.getFirst().tiles().getFirst();
        int most = images.stream().mapToInt(i -> i.tiles().size()).max().orElseThrow();
        boolean pieces = model.packing().mostTiles().isPresent();
        int total = pieces ? images.size() * most : images.stream().mapToInt(i -> i.tiles().size()).sum();
        int each = 3 * first.height() * first.width();
        float[] pixels = new float[Math.multiplyExact(total, each)];
        int next = 0;
        for (Image image : images) {
            for (VisionEncoder.Picture tile : image.tiles()) System.arraycopy(tile.pixels(), tile.offset(), pixels, next++ * each, each);
            if (pieces) next += most - image.tiles().size();
        }
        if (!pieces) return Map.of("pixel_values", Tensor.ofFloats("pixel_values", pixels, total, 3, first.height(), first.width()));
        long[] sizes = images.stream().flatMapToLong(i -> LongStream.of(i.height(), i.width())).toArray();
        return Map.of("pixel_values", Tensor.ofFloats("pixel_values", pixels, images.size(), most, 3, first.height(), first.width()),
                "image_sizes", Tensor.ofLongs("image_sizes", sizes, images.size(), 2));
    }

    private static Map<String, Tensor> cut(VisionLanguageModel model, List<Image> images, String patches, String grids) {
        VisionEncoder tower = model.vision();
        List<float[]> parts = images.stream().flatMap(i -> i.tiles().stream()).map(tower::cut).toList();
        float[] all = new float[parts.stream().mapToInt(p -> p.length).reduce(0, Math::addExact)];
        int at = 0;
        for (float[] part : parts) {
            System.arraycopy(part, 0, all, at, part.length);
            at += part.length;
        }
        long[] sizes = images.stream().flatMapToLong(i -> {
            Grid grid = tower.grid(i.tiles().getFirst().height(), i.tiles().getFirst().width());
            return LongStream.of(i.tiles().size(), grid.height(), grid.width());
        }).toArray();
        int inner = tower.patches().in();
        return Map.of(patches, Tensor.ofFloats(patches, all, all.length / inner, inner),
                grids, Tensor.ofLongs(grids, sizes, images.size(), 3));
    }

    /** Floating-point numbers, all of them finite. */
    static float[] finite(Tensor t) {
        switch (t.dtype()) {
            case F64, F32, F16, BF16 -> { }
            default -> throw new RequestException(t.name() + " should hold floating-point numbers but is " + t.dtype());
        }
        float[] values = t.toFloats();
        for (float p : values) {
            if (!Float.isFinite(p)) throw new RequestException(t.name() + " holds " + p + "; all values should be finite");
        }
        return values;
    }

    List<Image> images() {
        Tensor t = inputs.get("pixel_values");
        if (t == null) return List.of();
        if (inputs.containsKey(GRIDS)) return cut(t, GRIDS, false);
        VisionEncoder tower = model.vision();
        int rank = t.shape().length;
        boolean fits = (rank == 4 || rank == 5) && t.elements() > 0 && t.dim(rank - 3) == tower.channels();
        if (!fits || !tower.takes(t.dim(rank - 2), t.dim(rank - 1))) {
            throw new RequestException("pixel_values should have shape [batch, " + tower.channels() + ", " + tower.imageSize() + ", "
                    + tower.imageSize() + "], perhaps with pieces after the batch, but has " + Arrays.toString(t.shape()));
        }
        return rank == 4 ? whole(t) : inputs.containsKey("image_sizes") ? pieces(t) : squares(t);
    }

    private static List<Image> whole(Tensor t) {
        float[] pixels = finite(t);
        List<Image> images = new ArrayList<>();
        for (int i = 0; i < t.dim(0); i++) images.add(Image.whole(picture(pixels, i, t, null)));
        return images;
    }

    private static VisionEncoder.Picture picture(float[] pixels, int i, Tensor t, Grid seen) {
        int rank = t.shape().length;
        int height = t.dim(rank - 2);
        int width = t.dim(rank - 1);
        return new VisionEncoder.Picture(pixels, i * t.dim(rank - 3) * height * width, height, width, seen, false);
    }

    /** Pieces of pictures of known sizes; what fills up the batch is left out. */
    private List<Image> pieces(Tensor t) {
        float[] pixels = finite(t);
        int[][] sizes = table("image_sizes", t.dim(0), 2);
        List<Image> images = new ArrayList<>();
        for (int i = 0; i < sizes.length; i++) {
            int known = model.packing().tiles(sizes[i][0], sizes[i][1]);
            int count = known == 0 ? t.dim(1) : known;
            if (count > t.dim(1)) {
                throw new RequestException("a picture of " + sizes[i][1] + "x" + sizes[i][0] + " pixels is cut into " + count
                        + " pieces, but pixel_values has " + t.dim(1));
            }
            List<VisionEncoder.Picture> tiles = new ArrayList<>();
            for (int p = 0; p < count; p++) tiles.add(picture(pixels, i * t.dim(1) + p, t, null));
            images.add(new Image(tiles, sizes[i][0], sizes[i][1]));
        }
        return images;
    }

    /** Pieces that stand apart, with their padding; those that are nothing but zeros fill up the batch. */
    private List<Image> squares(Tensor t) {
        float[] pixels = finite(t);
        Tensor mask = inputs.get("pixel_attention_mask");
        if (mask != null && !Arrays.equals(mask.shape(), new long[] {t.dim(0), t.dim(1), t.dim(3), t.dim(4)})) {
            throw new RequestException("pixel_attention_mask has shape " + Arrays.toString(mask.shape()) + ", but pixel_values has "
                    + Arrays.toString(t.shape()));
        }
        long[] visible = mask == null ? null : mask.toLongs();
        int each = t.dim(2) * t.dim(3) * t.dim(4);
        List<Image> images = new ArrayList<>();
        for (int i = 0; i < t.dim(0) * t.dim(1); i++) {
            boolean empty = true;
            for (int k = i * each; k < (i + 1) * each && empty; k++) empty = pixels[k] == 0;
            if (!empty) images.add(Image.whole(picture(pixels, i, t, visible == null ? null : seen(visible, i, t.dim(3), t.dim(4)))));
        }
        return images;
    }

    /** The patches from the top left corner that have a visible pixel. */
    private Grid seen(long[] mask, int tile, int height, int width) {
        int patch = model.vision().patchSize();
        int from = tile * height * width;
        int rows = 0;
        int columns = 0;
        for (int i = 0; i < height * width; i++) {
            if (mask[from + i] == 0) continue;
            rows = Math.max(rows, i / width / patch + 1);
            columns = Math.max(columns, i % width / patch + 1);
        }
        for (int i = 0; i < height * width; i++) {
            boolean corner = i / width % patch == 0 && i % width % patch == 0 && i / width / patch < rows && i % width / patch < columns;
            if (corner && mask[from + i] == 0) {
                throw new RequestException("pixel_attention_mask should show a rectangle at the top left of a picture");
            }
        }
        if (rows == 0) throw new RequestException("pixel_attention_mask hides a whole picture");
        return new Grid(rows, columns);
    }

    /** The films, whose moments are pictures of one size. */
    List<Image> films() {
        Tensor t = inputs.get(FILM_PATCHES);
        if (t == null) return List.of();
        Films films = model.films();
        if (films == null) {
            throw new RequestException("the inputs have " + FILM_PATCHES + ", but this model (" + model.family() + ") takes no videos");
        }
        if (model.vision().joinsSquares()) return cut(t, FILM_GRIDS, true);
        VisionEncoder tower = model.vision();
        int side = tower.imageSize();
        boolean fits = t.shape().length == 5 && t.elements() > 0 && t.dim(2) == tower.channels() && t.dim(3) == side && t.dim(4) == side;
        if (!fits) {
            throw new RequestException(FILM_PATCHES + " should have shape [videos, frames, " + tower.channels() + ", " + side + ", " + side
                    + "] but has " + Arrays.toString(t.shape()));
        }
        float[] pixels = finite(t);
        List<Image> read = new ArrayList<>();
        for (int i = 0; i < t.dim(0); i++) {
            List<VisionEncoder.Picture> frames = new ArrayList<>();
            for (int f = 0; f < t.dim(1); f++) frames.add(picture(pixels, i * t.dim(1) + f, t, null));
            read.add(Image.film(frames, 1));
        }
        return read;
    }

    /** Pictures or films that are cut into patches already. */
    private List<Image> cut(Tensor t, String gridsName, boolean films) {
        VisionEncoder tower = model.vision();
        int inner = tower.patches().in();
        if (t.shape().length != 2 || t.dim(1) != inner) {
            throw new RequestException(t.name() + " should have shape [patches, " + inner + "] but has " + Arrays.toString(t.shape()));
        }
        float[] pixels = finite(t);
        int[][] grids = table(gridsName, -1, 3);
        float[] seconds = films ? seconds(grids.length) : null;
        List<Image> images = new ArrayList<>();
        int patches = 0;
        for (int[] grid : grids) {
            if (grid[0] != 1 && !films) {
                throw new RequestException(gridsName + " holds " + grid[0] + " points in time, but a picture has one; films are "
                        + FILM_PATCHES);
            }
            int height = grid[1] * tower.patchSize();
            int width = grid[2] * tower.patchSize();
            long next = patches + (long) grid[0] * grid[1] * grid[2];
            if (!tower.takes(height, width) || next > t.dim(0)) {
                throw new RequestException(gridsName + " has a picture of " + grid[1] + "x" + grid[2] + " patches, which " + t.name()
                        + " of " + t.dim(0) + " patches do not hold or the model cannot join");
            }
            List<VisionEncoder.Picture> moments = new ArrayList<>();
            for (; patches < next; patches += grid[1] * grid[2]) {
                moments.add(new VisionEncoder.Picture(pixels, patches * inner, height, width, null, true));
            }
            images.add(films ? Image.film(moments, seconds[images.size()]) : Image.whole(moments.getFirst()));
        }
        if (patches != t.dim(0)) {
            throw new RequestException(t.name() + " holds " + t.dim(0) + " patches, but " + gridsName + " accounts for " + patches);
        }
        return images;
    }

    /** How long a moment of each film lasts; a second where nothing is said. */
    private float[] seconds(int films) {
        float[] seconds = new float[films];
        Arrays.fill(seconds, 1);
        Tensor t = inputs.get(SECONDS);
        if (t == null) return seconds;
        float[] given = finite(t);
        if (given.length != films) throw new RequestException(SECONDS + " should hold " + films + " numbers but holds " + given.length);
        for (float s : given) {
            if (!(s > 0 && s < 1e6)) throw new RequestException(SECONDS + " holds " + s + "; a moment lasts above 0 seconds");
        }
        return given;
    }

    /** Small positive numbers [rows, columns]. */
    private int[][] table(String name, int rows, int columns) {
        Tensor t = Tracer.required(inputs, name);
        if (t.shape().length != 2 || rows >= 0 && t.dim(0) != rows || t.dim(1) != columns) {
            throw new RequestException(name + " should have shape [" + (rows < 0 ? "pictures" : rows) + ", " + columns + "] but has "
                    + Arrays.toString(t.shape()));
        }
        long[] values = t.toLongs();
        int[][] table = new int[t.dim(0)][columns];
        for (int i = 0; i < values.length; i++) {
            if (values[i] < 1 || values[i] > MOST_SIDE) {
                throw new RequestException(name + " holds " + values[i] + "; sizes are 1 to " + MOST_SIDE);
            }
            table[i / columns][i % columns] = (int) values[i];
        }
        return table;
    }
}
