package dev.winnow.runtime;

import dev.winnow.reduction.Grid;
import dev.winnow.runtime.models.VisionEncoder;
import dev.winnow.runtime.models.VisionLanguageModel;
import dev.winnow.runtime.models.VisionLanguageModel.Image;
import dev.winnow.weights.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/**
 * The pictures of tensors as processors of transformers make them: {@code pixel_values} [pictures, channels, height, width]; or [batch,
 * pieces, channels, height, width] with {@code image_sizes} or a {@code pixel_attention_mask}; or patches [patches, channels * frames *
 * patch * patch] with {@code image_grid_thw}.
 */
record PixelInputs(VisionLanguageModel model, Map<String, Tensor> inputs) {
    private static final int MOST_SIDE = 4096;

    /** The tensors of pictures. */
    static Map<String, Tensor> of(VisionLanguageModel model, List<Image> images) {
        if (model.vision().joinsSquares()) return cut(model, images);
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

    private static Map<String, Tensor> cut(VisionLanguageModel model, List<Image> images) {
        VisionEncoder tower = model.vision();
        List<float[]> parts = images.stream().map(i -> tower.cut(i.tiles().getFirst())).toList();
        float[] all = new float[parts.stream().mapToInt(p -> p.length).sum()];
        int at = 0;
        for (float[] part : parts) {
            System.arraycopy(part, 0, all, at, part.length);
            at += part.length;
        }
        long[] grids = images.stream().map(i -> i.tiles().getFirst()).map(p -> tower.grid(p.height(), p.width()))
                .flatMapToLong(g -> LongStream.of(1, g.height(), g.width())).toArray();
        int inner = tower.patches().in();
        return Map.of("pixel_values", Tensor.ofFloats("pixel_values", all, all.length / inner, inner),
                "image_grid_thw", Tensor.ofLongs("image_grid_thw", grids, images.size(), 3));
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
        if (inputs.containsKey("image_grid_thw")) return cut(t);
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

    /** Pictures that are cut into patches already. */
    private List<Image> cut(Tensor t) {
        VisionEncoder tower = model.vision();
        int inner = tower.patches().in();
        if (t.shape().length != 2 || t.dim(1) != inner) {
            throw new RequestException("pixel_values should have shape [patches, " + inner + "] but has " + Arrays.toString(t.shape()));
        }
        float[] pixels = finite(t);
        int[][] grids = table("image_grid_thw", -1, 3);
        List<Image> images = new ArrayList<>();
        int patches = 0;
        for (int[] grid : grids) {
            if (grid[0] != 1) {
                throw new RequestException("image_grid_thw holds " + grid[0] + " points in time; only pictures are supported");
            }
            int height = grid[1] * tower.patchSize();
            int width = grid[2] * tower.patchSize();
            int next = patches + grid[1] * grid[2];
            if (!tower.takes(height, width) || next > t.dim(0)) {
                throw new RequestException("image_grid_thw has a picture of " + grid[1] + "x" + grid[2] + " patches, which pixel_values of "
                        + t.dim(0) + " patches do not hold or the model cannot join");
            }
            images.add(Image.whole(new VisionEncoder.Picture(pixels, patches * inner, height, width, null, true)));
            patches = next;
        }
        if (patches != t.dim(0)) {
            throw new RequestException("pixel_values holds " + t.dim(0) + " patches, but image_grid_thw accounts for " + patches);
        }
        return images;
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
