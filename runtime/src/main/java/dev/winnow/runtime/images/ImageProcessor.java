package dev.winnow.runtime.images;

import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.ModelDirectory;
import dev.winnow.weights.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Turns pictures into what a vision model takes, as a Hugging Face image processor configuration says and with the numbers that the
 * transformers library computes. The steps, in this order, where the configuration has them: padding to a square with the mean
 * colour, resizing, centre crop (with zeros around pictures smaller than the crop), rescaling, normalising. Safe for use by many
 * threads.
 */
public final class ImageProcessor {
    private static final int CHANNELS = 3;

    private final boolean pads;
    private final int padColour;
    private final Tiling tiling;
    private final Optional<SizeRule> size;
    private final Optional<TargetSize> crop;
    private final Resampling resampling;
    private final boolean fast;
    /** The final value of every sample value, by channel. */
    private final float[][] values;

    private ImageProcessor(Settings config) {
        ProcessorKind kind = ProcessorKind.of(config);
        fast = ProcessorKind.isFast(config);
        double[] mean = colour(config, "image_mean", kind.mean);
        double[] std = colour(config, "image_std", kind.std);
        pads = kind == ProcessorKind.LLAVA && config.flag("do_pad", false);
        padColour = sample(mean[0]) << 16 | sample(mean[1]) << 8 | sample(mean[2]);
        TargetSize usual = kind.shortestEdge ? TargetSize.shortestEdge(kind.size) : TargetSize.square(kind.size);
        size = config.flag("do_resize", true) ? kind.size(config, usual) : Optional.empty();
        tiling = kind.tiling(config, usual);
        boolean crops = kind.crop > 0 && config.flag("do_center_crop", true);
        crop = crops ? Optional.of(TargetSize.read(config, "crop_size", TargetSize.square(kind.crop))) : Optional.empty();
        resampling = config.has("resample") ? Resampling.ofPil(config.integer("resample")) : kind.resampling;
        values = values(config, mean, std);
    }

    /**
     * The processor of a {@code preprocessor_config.json}, or of the {@code image_processor} section of a
     * {@code processor_config.json}.
     *
     * @throws CheckpointException when it names a processor that is not supported, or a value is not usable
     */
    public static ImageProcessor from(Settings config) {
        return new ImageProcessor(config);
    }

    /**
     * The processor of a model directory.
     *
     * @throws CheckpointException when the directory describes none, or one that is not supported
     */
    public static ImageProcessor of(ModelDirectory dir) {
        Settings config = dir.optional("preprocessor_config.json")
                .or(() -> dir.optional("processor_config.json").flatMap(whole -> whole.optionalSection("image_processor")))
                .or(() -> TimmTransform.of(dir.config()))
                .orElseThrow(() -> new CheckpointException(
                        dir.path() + ": holds no preprocessor_config.json, which says how images are prepared"));
        try {
            return from(config);
        } catch (CheckpointException e) {
            throw new CheckpointException(dir.path() + ": " + e.getMessage(), e);
        }
    }

    /**
     * The processor of the frames of films: of {@code video_preprocessor_config.json}, else the one of pictures.
     *
     * @throws CheckpointException as {@link #of}
     */
    public static ImageProcessor ofFrames(ModelDirectory dir) {
        Optional<Settings> config = dir.optional("video_preprocessor_config.json");
        if (config.isEmpty()) return of(dir);
        try {
            return from(config.get());
        } catch (CheckpointException e) {
            throw new CheckpointException(dir.path() + ": " + e.getMessage(), e);
        }
    }

    /** Height of {@link #process}'s output; 0 when it follows the picture's. */
    public int inputHeight() {
        return fixedSize().map(TargetSize::height).orElse(0);
    }

    /** Width of {@link #process}'s output; 0 when it follows the picture's. */
    public int inputWidth() {
        return fixedSize().map(TargetSize::width).orElse(0);
    }

    private Optional<TargetSize> fixedSize() {
        return crop.or(() -> size.filter(TargetSize.class::isInstance).map(TargetSize.class::cast).filter(to -> pads || !to.shortestEdge()));
    }

    /**
     * Prepares one picture, cut into pieces where the model wants it so.
     *
     * @throws ImageException when it is so narrow that keeping its aspect ratio would make it too large
     */
    public TiledImage tiles(RgbImage image) {
        Tiling.Cut cut = tiling.cut(image, resampling);
        List<Pixels> tiles = new ArrayList<>();
        for (Tiling.Piece piece : cut.pieces()) {
            Pixels pixels = process(piece.image());
            tiles.add(cut.rows() == 0 && piece.image() == image ? pixels
                    : new Pixels(pixels.values(), CHANNELS, pixels.height(), pixels.width(), piece.region()));
        }
        return new TiledImage(tiles, cut.rows(), cut.columns(), image.height(), image.width(), cut.whole());
    }

    /**
     * Prepares one picture as a whole.
     *
     * @throws ImageException when it is so narrow that keeping its aspect ratio would make it too large
     */
    public Pixels process(RgbImage image) {
        RgbImage picture = image;
        double left = 0;
        double top = 0;
        if (pads && image.width() != image.height()) {
            int side = Math.max(image.width(), image.height());
            int x = (side - image.width()) / 2;
            int y = (side - image.height()) / 2;
            checkSize("padded", side, side, image);
            picture = Canvas.place(image, side, side, x, y, padColour);
            left = -x;
            top = -y;
        }
        double columnsPerPixel = 1;
        double rowsPerPixel = 1;
        if (size.isPresent()) {
            long width = size.get().widthOf(picture.width(), picture.height());
            long height = size.get().heightOf(picture.width(), picture.height());
            checkSize("resized", width, height, image);
            columnsPerPixel = (double) picture.width() / width;
            rowsPerPixel = (double) picture.height() / height;
            picture = PilResize.resize(picture, (int) width, (int) height, resampling);
        }
        if (crop.isPresent()) {
            int x = cropStart(picture.width(), crop.get().width());
            int y = cropStart(picture.height(), crop.get().height());
            picture = Canvas.place(picture, crop.get().width(), crop.get().height(), -x, -y, 0);
            left += x * columnsPerPixel;
            top += y * rowsPerPixel;
        }
        Region region = new Region(left, top, picture.width() * columnsPerPixel, picture.height() * rowsPerPixel);
        return new Pixels(planes(picture), CHANNELS, picture.height(), picture.width(), region);
    }

    private static void checkSize(String step, long width, long height, RgbImage image) {
        if (width * height <= RgbImage.LARGEST_PIXELS) return;
        throw new ImageException(String.format(Locale.ROOT, "an image of %d x %d pixels would be %s to %d x %d pixels, "
                + "which is over the limit of %d million", image.width(), image.height(), step, width, height,
                RgbImage.LARGEST_PIXELS / 1_000_000));
    }

    /** First column or row of the crop; negative when the picture is smaller. */
    private int cropStart(int picture, int crop) {
        int spare = picture - crop;
        if (!fast) return Math.floorDiv(spare, 2);
        return spare >= 0 ? (int) Math.rint(spare / 2.0) : spare / 2;
    }

    private float[] planes(RgbImage picture) {
        byte[] rgb = picture.rgb();
        int plane = picture.width() * picture.height();
        float[] out = new float[CHANNELS * plane];
        for (int channel = 0; channel < CHANNELS; channel++) {
            float[] table = values[channel];
            for (int i = 0; i < plane; i++) out[channel * plane + i] = table[rgb[CHANNELS * i + channel] & 255];
        }
        return out;
    }

    private static float[][] values(Settings config, double[] mean, double[] std) {
        boolean rescales = config.flag("do_rescale", true);
        boolean normalises = config.flag("do_normalize", true);
        double factor = config.number("rescale_factor", 1 / 255.0);
        float[][] values = new float[CHANNELS][256];
        for (int channel = 0; channel < CHANNELS; channel++) {
            for (int sample = 0; sample < 256; sample++) {
                // each step is rounded to a float, as in the library
                float value = rescales ? (float) (sample * factor) : sample;
                values[channel][sample] = normalises ? (value - (float) mean[channel]) / (float) std[channel] : value;
                if (!Float.isFinite(values[channel][sample])) {
                    throw new CheckpointException(
                            "image processor rescale_factor, image_mean or image_std gives values that are not finite");
                }
            }
        }
        return values;
    }

    /** One number for each channel; a single number is for all of them. */
    private static double[] colour(Settings config, String key, double[] otherwise) {
        if (!config.has(key)) return otherwise;
        if (config.type(key).equals("number")) {
            double all = config.number(key);
            return new double[] {all, all, all};
        }
        double[] numbers = config.numbers(key).stream().mapToDouble(Double::doubleValue).toArray();
        if (numbers.length == CHANNELS) return numbers;
        throw new CheckpointException("image processor " + key + " should hold 3 numbers but holds " + numbers.length);
    }

    private static int sample(double unit) {
        return (int) (unit * 255) & 255;
    }
}
