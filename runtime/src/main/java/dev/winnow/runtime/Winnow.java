package dev.winnow.runtime;

import dev.winnow.layers.Backend;
import dev.winnow.layers.CpuBackend;
import dev.winnow.layers.KvCache;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.BlockInfluence;
import dev.winnow.reduction.FullResolution;
import dev.winnow.reduction.FullResolution.Dropped;
import dev.winnow.reduction.Grid;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.Tokens;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.runtime.images.ImageProcessor;
import dev.winnow.runtime.images.Pixels;
import dev.winnow.runtime.images.Region;
import dev.winnow.runtime.images.RgbImage;
import dev.winnow.runtime.images.TiledImage;
import dev.winnow.runtime.images.Video;
import dev.winnow.runtime.models.ImageTextEncoder;
import dev.winnow.runtime.models.LanguageModel;
import dev.winnow.runtime.models.LoadReport;
import dev.winnow.runtime.models.Model;
import dev.winnow.runtime.models.VisionEncoder;
import dev.winnow.runtime.models.VisionLanguageModel;
import dev.winnow.runtime.models.VisionTransformer;
import dev.winnow.runtime.models.WeightStore;
import dev.winnow.runtime.sampling.GenerationDefaults;
import dev.winnow.runtime.sampling.Sampler;
import dev.winnow.runtime.sampling.TokenChooser;
import dev.winnow.runtime.text.StopStrings;
import dev.winnow.runtime.text.TokenStream;
import dev.winnow.runtime.text.Tokenizer;
import dev.winnow.weights.ModelDirectory;
import dev.winnow.weights.Settings;
import dev.winnow.weights.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A model directory, ready to be asked. Weights are mapped and shared; requests are independent, and any number of threads may ask at
 * once.
 *
 * <pre>{@code
 * try (Winnow model = Winnow.open(Path.of("llava"))) {
 *     Request question = Request.of("What is in the picture?", RgbImage.read(Path.of("cat.jpg")))
 *             .withReduction("visionzip:dominant=54,contextual=10", "snapkv:budget=256");
 *     Answer answer = model.generate(question, System.out::print);
 *     System.out.println(answer.stats());
 * }
 * }</pre>
 */
public final class Winnow implements AutoCloseable {
    private final ModelDirectory directory;
    private final Model model;
    private final WeightStore weights;
    private final String placement;
    private final GenerationDefaults defaults;
    private Prompting prompting;
    private ImageProcessor processor;
    private ImageProcessor filmProcessor;

    private Winnow(ModelDirectory directory, Model model, WeightStore weights, String placement) {
        this.directory = directory;
        this.model = model;
        this.weights = weights;
        this.placement = placement;
        this.defaults = GenerationDefaults.of(directory);
    }

    /**
     * Opens a Hugging Face model directory on the CPU.
     *
     * @throws dev.winnow.weights.CheckpointException for missing, damaged or unsupported files
     */
    public static Winnow open(Path directory) {
        return open(directory, CpuBackend.create());
    }

    /** Opens a model directory on a backend. */
    public static Winnow open(Path directory, Backend backend) {
        return open(directory, LoadOptions.on(backend));
    }

    /**
     * Opens a model directory, rounding its matrices or merging adapters.
     *
     * @throws dev.winnow.weights.CheckpointException for missing, damaged or unsupported files, and for adapters that do not fit
     */
    public static Winnow open(Path directory, LoadOptions options) {
        ModelDirectory files = ModelDirectory.open(directory);
        WeightStore weights = null;
        try {
            weights = WeightStore.open(files, options.quantization(), options.keepQuantized(), options.adapters(), options.progress());
            Model model = Model.load(files.config(), weights.root(), options.backend());
            weights.finish();
            return new Winnow(files, model, weights, options.backend().prepare());
        } catch (RuntimeException e) {
            if (weights != null) weights.close();
            files.close();
            throw e;
        }
    }

    /** The model itself. */
    public Model model() {
        return model;
    }

    public ModelDirectory directory() {
        return directory;
    }

    /** The part that generates text, where there is one. */
    public Optional<LanguageModel> languageModel() {
        return switch (model) {
            case LanguageModel m -> Optional.of(m);
            case VisionLanguageModel m -> Optional.of(m.language());
            default -> Optional.empty();
        };
    }

    /** The part that looks at pictures, where there is one. */
    public Optional<VisionEncoder> visionTower() {
        return switch (model) {
            case LanguageModel m -> Optional.empty();
            case VisionTransformer m -> Optional.of(m.encoder());
            case ImageTextEncoder m -> Optional.of(m.vision());
            case VisionLanguageModel m -> Optional.of(m.vision());
        };
    }

    /** Bytes of the checkpoint, with rounded matrices counted as they are held. */
    public long weightBytes() {
        return weights.bytes();
    }

    /** Which stored tensors the model's parameters come from, and what happened to them on the way. */
    public LoadReport loadReport() {
        return weights.report(model);
    }

    /** What the model takes of a device's memory, in one sentence; empty where it runs on the processor. */
    public String placement() {
        return placement;
    }

    /** What the model's makers say about generating. */
    public GenerationDefaults defaults() {
        return defaults;
    }

    private synchronized ImageProcessor processor() {
        if (processor == null) processor = ImageProcessor.of(directory);
        return processor;
    }

    private synchronized ImageProcessor filmProcessor() {
        if (filmProcessor == null) filmProcessor = ImageProcessor.ofFrames(directory);
        return filmProcessor;
    }

    private synchronized Prompting prompting() {
        if (prompting == null) prompting = Prompting.of(directory);
        return prompting;
    }

    /**
     * Answers a request.
     *
     * @param stream given each piece of text as soon as it is certain; may do nothing
     * @throws RequestException when the model cannot serve the request
     * @throws dev.winnow.reduction.PlanException when the plan does not fit the model
     */
    public Answer generate(Request request, Consumer<String> stream) {
        return generate(request, new Sampler(request.sampling()), stream);
    }

    /**
     * As {@link #generate(Request, Consumer)}, with each token chosen by {@code chooser}, whatever sampling the request asks for: an
     * evaluation looks at the logits on the way, or has the model follow a given text.
     */
    public Answer generate(Request request, TokenChooser chooser, Consumer<String> stream) {
        Schedule schedule = request.plan().schedule(model.shape());
        StatsRecorder counts = new StatsRecorder();
        return switch (model) {
            case LanguageModel m -> {
                if (!request.images().isEmpty()) throw new RequestException("this model (" + m.family() + ") does not take images");
                if (!request.videos().isEmpty()) throw takesNoVideos();
                int[] ids = prompting().ids(request);
                Tokens prompt = m.embed(ids);
                ExplanationRecorder explaining = new ExplanationRecorder(List.of(), 0);
                explaining.prompt(prompt.ledger(), ids, keyHeads(m));
                yield answer(request, chooser, m, prompt, ids, 0, new Workspace(), 0, schedule, counts, explaining, stream);
            }
            case VisionLanguageModel m -> {
                List<TiledImage> cut = request.images().stream().map(processor()::tiles).toList();
                List<VisionLanguageModel.Image> images = new ArrayList<>();
                for (TiledImage image : cut) images.add(image(image, m));
                List<Explanation.Piece> pieces = new ArrayList<>(pieces(cut, m.vision()));
                for (Video video : request.videos()) images.add(film(video, m, pieces));
                int[] ids = prompting().ids(request, m, images);
                long began = System.nanoTime();
                Workspace workspace = new Workspace();
                ExplanationRecorder explaining = new ExplanationRecorder(pieces, m.vision().specialTokens());
                SeenInOrder features = new SeenInOrder(m);
                int tiles = 0;
                int imageTokens = 0;
                for (VisionLanguageModel.Image image : images) {
                    features.add(image.isFilm(),
                            m.look(image, tiles, m.lastBlock() + 1, schedule, workspace, null, both(counts, explaining)));
                    tiles += image.tiles().size();
                    imageTokens += m.places(image).stream().mapToInt(n -> n).sum();
                }
                Tokens prompt = m.merge(ids, features.of(ids), workspace);
                explaining.prompt(prompt.ledger(), Arrays.stream(ids).filter(id -> !m.isPlace(id)).toArray(), keyHeads(m.language()));
                yield answer(request, chooser, m.language(), prompt, ids, imageTokens, workspace, (System.nanoTime() - began) / 1e9,
                        schedule, counts, explaining, stream);
            }
            default -> throw new RequestException("this model (" + model.family() + ") does not generate text");
        };
    }

    private Answer answer(Request request, TokenChooser chooser, LanguageModel language, Tokens prompt, int[] ids, int imageTokens,
                          Workspace workspace, double visionSeconds, Schedule schedule, StatsRecorder counts,
                          ExplanationRecorder explaining, Consumer<String> stream) {
        int promptTokens = prompt.count();
        language.requireRoom(promptTokens, 1);
        int room = language.longest() - promptTokens;
        long visionFlops = workspace.work().flops();
        long began = System.nanoTime();
        int most = Math.min(request.maxTokens(), room);
        KvCache cache = language.newCache(0);
        // methods look at caches, and drafts are taken back
        if (request.plan().isEmpty()) cache.forgetUnseen();
        float[] logits = language.prefill(prompt, cache, schedule, workspace, both(counts, explaining));
        long prefilled = System.nanoTime();
        long prefillFlops = workspace.work().flops() - visionFlops;
        long cacheBytes = cache.bytes();

        Continuation next = new Continuation(language, cache, schedule, workspace, chooser, logits);
        TokenStream pieces = new TokenStream(prompting().tokenizer(), true);
        StopStrings stops = new StopStrings(request.stops());
        StringBuilder text = new StringBuilder();
        int[] history = ids;
        int generated = 0;
        Answer.End end = most < request.maxTokens() ? Answer.End.CONTEXT_FULL : Answer.End.TOKEN_LIMIT;
        while (true) {
            if (request.cancelled().getAsBoolean()) {
                end = Answer.End.CANCELLED;
                break;
            }
            int id = next.choose(history, ids.length + generated);
            int length = ids.length + generated++;
            if (length == history.length) history = Arrays.copyOf(history, length + length / 2 + 16);
            history[length] = id;
            if (!request.ignoreEos() && defaults.eosIds().contains(id)) {
                end = Answer.End.END_OF_SEQUENCE;
                break;
            }
            emit(stops.push(pieces.next(id)), text, stream);
            if (stops.stopped()) {
                end = Answer.End.STOP_TEXT;
                break;
            }
            if (generated == most) break;
            next.follow(id, most - generated);
        }
        if (!stops.stopped()) {
            emit(stops.push(pieces.finish()), text, stream);
            emit(stops.flush(), text, stream);
        }
        double decodeSeconds = (System.nanoTime() - prefilled) / 1e9;
        cache.drop();
        Stats stats = new Stats(request.images().size() + request.videos().size(), imageTokens, promptTokens, counts.vision(),
                counts.language(), generated, next.drafted(), next.accepted(), visionFlops, prefillFlops,
                workspace.work().flops() - visionFlops - prefillFlops, cacheBytes, cache.allocatedBytes(), workspace.bytes(), visionSeconds, (prefilled - began) / 1e9, decodeSeconds,
                counts.reductionSeconds());
        return new Answer(text.toString(), Arrays.copyOfRange(history, ids.length, ids.length + generated), end, stats,
                explaining.explanation());
    }

    /**
     * How much each language layer changes the tokens of some prompts, for choosing those that {@code layerdrop} may skip.
     *
     * @throws RequestException when the model has no language model
     */
    public BlockInfluence blockInfluence(List<String> prompts) {
        LanguageModel language = languageModel()
                .orElseThrow(() -> new RequestException("this model (" + model.family() + ") has no language layers"));
        BlockInfluence influence = new BlockInfluence(language.stack().layers());
        for (String prompt : prompts) {
            int[] ids = prompting().ids(Request.of(prompt).withVerbatim(true));
            language.requireRoom(ids.length, 0);
            Tokens tokens = language.embed(ids);
            influence.begin(tokens);
            language.stack().run(tokens, language.stack().layers(), language.newCache(0), ReductionPlan.NONE.schedule(model.shape()),
                    new Workspace(), influence);
        }
        return influence;
    }

    private static void emit(String piece, StringBuilder text, Consumer<String> stream) {
        if (piece.isEmpty()) return;
        text.append(piece);
        stream.accept(piece);
    }

    private VisionEncoder.Picture picture(RgbImage image, VisionEncoder tower) {
        return picture(whole(image, tower), tower);
    }

    private Pixels whole(RgbImage image, VisionEncoder tower) {
        if (tower.channels() != 3) {
            throw new RequestException("this model takes pictures of " + tower.channels() + " colour channels, not 3");
        }
        return processor().tiles(image).whole();
    }

    private static int[] keyHeads(LanguageModel m) {
        return m.stack().descriptions().stream().mapToInt(layer -> layer.attention().kvHeads()).toArray();
    }

    /** All pieces of some pictures, with the patches that a tower sees. */
    private static List<Explanation.Piece> pieces(List<TiledImage> images, VisionEncoder tower) {
        List<Explanation.Piece> pieces = new ArrayList<>();
        for (int i = 0; i < images.size(); i++) {
            for (Pixels tile : images.get(i).tiles()) {
                pieces.add(new Explanation.Piece(i, tower.grid(tile.height(), tile.width()), tile.region()));
            }
        }
        return pieces;
    }

    private VisionLanguageModel.Image image(RgbImage image, VisionLanguageModel m) {
        return image(processor().tiles(image), m);
    }

    /** A picture in the pieces that a model takes. */
    private VisionLanguageModel.Image image(TiledImage tiles, VisionLanguageModel m) {
        List<VisionEncoder.Picture> pieces = tiles.tiles().stream().map(t -> picture(t, m.vision())).toList();
        return new VisionLanguageModel.Image(pieces, tiles.height(), tiles.width(), tiles.rows(), tiles.columns());
    }

    private RequestException takesNoVideos() {
        return new RequestException("this model (" + model.family() + ") takes no videos; those of Qwen2-VL, Qwen2.5-VL and LLaVA-OneVision"
                + " do");
    }

    /**
     * A film in the moments that a model takes; the last frame stands still where one is lacking.
     *
     * @param pieces where to add the part of the first frame of each moment
     */
    private VisionLanguageModel.Image film(Video video, VisionLanguageModel m, List<Explanation.Piece> pieces) {
        if (m.films() == null) throw takesNoVideos();
        int images = pieces.stream().mapToInt(Explanation.Piece::image).max().orElse(-1) + 1;
        List<Pixels> frames = video.frames().stream().map(filmProcessor()::process).toList();
        Pixels first = frames.getFirst();
        List<VisionEncoder.Picture> moments = new ArrayList<>();
        for (int at = 0; at < frames.size(); at += m.films().frames()) {
            List<VisionEncoder.Picture> moment = new ArrayList<>();
            for (int f = at; f < at + m.films().frames(); f++) {
                Pixels frame = frames.get(Math.min(f, frames.size() - 1));
                if (frame.height() != first.height() || frame.width() != first.width()) {
                    throw new RequestException("the frames of a video should be of one size, but become " + first.width() + "x"
                            + first.height() + " and " + frame.width() + "x" + frame.height() + " pixels");
                }
                moment.add(picture(frame, m.vision()));
            }
            moments.add(m.vision().moment(moment));
            pieces.add(new Explanation.Piece(images + moments.size() - 1, m.vision().grid(first.height(), first.width()),
                    frames.get(at).region()));
        }
        return VisionLanguageModel.Image.film(moments, m.films().frames() / video.fps());
    }

    /** The frames of a video that stand for what the model looks at as one, for pictures of what a plan did. */
    public List<RgbImage> moments(Video video) {
        if (!(model instanceof VisionLanguageModel m) || m.films() == null) throw takesNoVideos();
        List<RgbImage> moments = new ArrayList<>();
        for (int at = 0; at < video.frames().size(); at += m.films().frames()) moments.add(video.frames().get(at));
        return moments;
    }

    private static VisionEncoder.Picture picture(Pixels pixels, VisionEncoder tower) {
        if (!tower.takes(pixels.height(), pixels.width())) {
            throw new RequestException("the image processor makes " + pixels.width() + "x" + pixels.height()
                    + " pictures, but the model looks at " + tower.imageSize() + "x" + tower.imageSize());
        }
        return new VisionEncoder.Picture(pixels.values(), 0, pixels.height(), pixels.width());
    }

    /**
     * The tensors that a prompt and pictures become, for {@link Tracer}: {@code input_ids} and {@code pixel_values} where the model
     * takes them.
     *
     * @param prompt may be null for a model that takes pictures only
     */
    public Map<String, Tensor> inputs(String prompt, List<RgbImage> images, boolean verbatim) {
        return inputs(prompt, images, List.of(), verbatim);
    }

    /** As {@link #inputs(String, List, boolean)}, about films too. */
    public Map<String, Tensor> inputs(String prompt, List<RgbImage> images, List<Video> videos, boolean verbatim) {
        Map<String, Tensor> inputs = new HashMap<>();
        VisionEncoder tower = visionTower().orElse(null);
        if (tower == null && !images.isEmpty()) throw new RequestException("this model (" + model.family() + ") does not take images");
        List<VisionLanguageModel.Image> seen = new ArrayList<>();
        if (model instanceof VisionLanguageModel m) {
            for (RgbImage image : images) seen.add(image(image, m));
            for (Video video : videos) seen.add(film(video, m, new ArrayList<>()));
            inputs.putAll(PixelInputs.of(m, seen));
        } else if (!videos.isEmpty()) {
            throw takesNoVideos();
        } else if (!images.isEmpty()) {
            List<VisionEncoder.Picture> pictures = images.stream().map(image -> picture(image, tower)).toList();
            VisionEncoder.Picture first = pictures.getFirst();
            int each = first.pixels().length;
            float[] pixels = new float[images.size() * each];
            for (int i = 0; i < images.size(); i++) {
                VisionEncoder.Picture p = pictures.get(i);
                if (p.height() != first.height() || p.width() != first.width()) {
                    throw new RequestException("the image processor makes pictures of different sizes, which are no one tensor");
                }
                System.arraycopy(p.pixels(), 0, pixels, i * each, each);
            }
            inputs.put("pixel_values", Tensor.ofFloats("pixel_values", pixels, images.size(), 3, first.height(), first.width()));
        }
        if (prompt == null && !(model instanceof VisionTransformer || model instanceof ImageTextEncoder)) {
            throw new RequestException("this model (" + model.family() + ") needs a prompt");
        }
        if (prompt != null) {
            int[] ids = switch (model) {
                case VisionLanguageModel m -> prompting().ids(Request.of(prompt).withVerbatim(verbatim), m, seen);
                case ImageTextEncoder m when m.text() != null -> m.text().padded(textIds(prompt));
                case LanguageModel m -> prompting().ids(Request.of(prompt).withVerbatim(verbatim));
                case VisionTransformer m -> throw takesNoPrompt(m);
                case ImageTextEncoder m -> throw takesNoPrompt(m);
            };
            inputs.put("input_ids", Tensor.ofLongs("input_ids", Arrays.stream(ids).asLongStream().toArray(), 1, ids.length));
        }
        return inputs;
    }

    private static RequestException takesNoPrompt(Model m) {
        return new RequestException("this model (" + m.family() + ") takes no prompt");
    }

    /** Tokens as text, one by one and special ones too; of ids below 0, which are none, the empty text. */
    public List<String> words(int[] ids) {
        if (ids.length == 0) return List.of();
        Tokenizer tokenizer = prompting().tokenizer();
        return Arrays.stream(ids).mapToObj(id -> id < 0 ? "" : tokenizer.decode(new int[] {id}, false)).toList();
    }

    /** In how many pieces the model looks at a picture. */
    public int pieces(RgbImage image) {
        return processor().tiles(image).tiles().size();
    }

    /** The part of a picture, in its own pixels, that the model sees. */
    public Region seen(RgbImage image) {
        return processor().tiles(image).whole().region();
    }

    private static StackListener both(StackListener a, StackListener b) {
        return new StackListener() {
            @Override
            public void layer(Stage stage, int layer, Tokens tokens) {
                a.layer(stage, layer, tokens);
                b.layer(stage, layer, tokens);
            }

            @Override
            public void ran(Stage stage, int layer, int count) {
                a.ran(stage, layer, count);
                b.ran(stage, layer, count);
            }

            @Override
            public void acted(ReductionEvent event, Outcome outcome, Tokens tokens, long nanos) {
                a.acted(event, outcome, tokens, nanos);
                b.acted(event, outcome, tokens, nanos);
            }

            @Override
            public void reported(ReductionEvent event, String name, float[] values, int[] shape) {
                a.reported(event, name, values, shape);
                b.reported(event, name, values, shape);
            }

            @Override
            public boolean hears() {
                return a.hears() || b.hears();
            }
        };
    }

    /**
     * Labels an image.
     *
     * @throws RequestException when the model is no classifier
     */
    public Classification classify(RgbImage image, ReductionPlan plan) {
        if (!(model instanceof VisionTransformer vit) || vit.classifier() == null) {
            throw new RequestException("this model (" + model.family() + ") has no classifier");
        }
        Tower run = look(image, vit.encoder(), plan);
        float[] logits = vit.logits(run.encoded.tokens(), run.workspace, null);
        double[] probabilities = softmax(logits);
        List<Classification.Label> labels = new ArrayList<>();
        List<String> names = labelNames();
        for (int i = 0; i < logits.length; i++) labels.add(new Classification.Label(i, label(i, names), probabilities[i]));
        labels.sort((x, y) -> Double.compare(y.probability(), x.probability()));
        return new Classification(labels, run.stats(), run.explaining.explanation());
    }

    /** The names that a configuration of timm's gives its labels in order; none where there is another table, or none. */
    private List<String> labelNames() {
        Settings config = directory.config();
        return !config.has("id2label") && config.has("label_names") ? config.strings("label_names") : List.of();
    }

    private String label(int i, List<String> names) {
        if (i < names.size()) return names.get(i);
        return directory.config().optionalSection("id2label").map(s -> s.string(Integer.toString(i), "LABEL_" + i)).orElse("LABEL_" + i);
    }

    private static double[] softmax(float[] logits) {
        double max = Double.NEGATIVE_INFINITY;
        for (float l : logits) max = Math.max(max, l);
        double sum = 0;
        double[] p = new double[logits.length];
        for (int i = 0; i < p.length; i++) sum += p[i] = Math.exp(logits[i] - max);
        for (int i = 0; i < p.length; i++) p[i] /= sum;
        return p;
    }

    /**
     * An image as a vector: CLIP's projected embedding, the pooler's output, or the class token after the final norm. CLIP's with a
     * text tower has length 1.
     */
    public float[] embedImage(RgbImage image, ReductionPlan plan) {
        return switch (model) {
            case VisionTransformer vit -> {
                Tower run = look(image, vit.encoder(), plan);
                yield vit.embedding(run.encoded.tokens(), run.workspace);
            }
            case ImageTextEncoder m -> {
                Tower run = look(image, m.vision(), plan);
                yield m.imageEmbedding(run.encoded.tokens(), run.workspace);
            }
            default -> throw new RequestException("this model (" + model.family() + ") does not embed images");
        };
    }

    /** Features of every patch of an image; dropped patches get zeros. See {@link #features(RgbImage, ReductionPlan, Dropped)}. */
    public DenseFeatures features(RgbImage image, ReductionPlan plan) {
        return features(image, plan, Dropped.ZERO);
    }

    /**
     * Features of every patch of an image, for dense prediction: of a ViT after the final norm, of a CLIP tower what its last layer puts
     * out, of a LLaVA model what its projector reads. Whatever the plan did in the tower is undone: a merged patch gets the features of
     * the token it went into, the mean of them if several; a method that reconstructs, such as expedit, has brought patches back itself.
     *
     * @param dropped what patches get that the plan dropped
     * @throws RequestException when the model has no vision tower
     * @throws dev.winnow.reduction.PlanException when the plan does not fit the model
     */
    public DenseFeatures features(RgbImage image, ReductionPlan plan, Dropped dropped) {
        return switch (model) {
            case VisionTransformer vit -> {
                Tower run = look(image, vit.encoder(), plan, vit.encoder().layers(), new int[0]);
                yield dense(run, vit.encoder().normed(run.encoded.tokens()), vit.encoder().width(), dropped);
            }
            case ImageTextEncoder clip -> {
                Tower run = look(image, clip.vision(), plan, clip.vision().layers(), new int[0]);
                yield dense(run, run.encoded.tokens().hidden(), clip.vision().width(), dropped);
            }
            case VisionLanguageModel llava -> {
                Tower run = look(image, llava.vision(), plan, llava.lastBlock() + 1,
                        llava.read().blocks().stream().mapToInt(b -> b).toArray());
                int width = llava.vision().width() * llava.read().blocks().size();
                yield dense(run, llava.features(run.encoded), width, dropped);
            }
            default -> throw new RequestException("this model (" + model.family() + ") does not look at images");
        };
    }

    private static DenseFeatures dense(Tower run, float[] values, int width, Dropped dropped) {
        TokenLedger ledger = run.encoded.tokens().ledger();
        return new DenseFeatures(run.grid.height(), run.grid.width(), width, FullResolution.patches(ledger, values, width, dropped),
                FullResolution.classToken(ledger, values, width), run.stats());
    }

    /** Ids of a text, with what the tokenizer puts around a sequence or without. */
    public int[] tokens(String text, boolean addSpecialTokens) {
        return prompting().tokenizer().encode(text, addSpecialTokens);
    }

    /** A text as a vector of length 1 in CLIP's shared space. */
    public float[] embedText(String text) {
        if (!(model instanceof ImageTextEncoder m) || m.text() == null) {
            throw new RequestException("this model (" + model.family() + ") does not embed text");
        }
        return ImageTextEncoder.unit(m.textFeatures(m.text().padded(textIds(text)), null, new Workspace(), null));
    }

    private int[] textIds(String text) {
        if (text.isBlank()) throw new RequestException("the text is empty");
        return prompting().tokenizer().encode(text, true);
    }

    /** One image through a tower to its end. */
    private Tower look(RgbImage image, VisionEncoder tower, ReductionPlan plan) {
        return look(image, tower, plan, tower.layers(), new int[0]);
    }

    /** One image through the first blocks of a tower, with the outputs of some of them. */
    private Tower look(RgbImage image, VisionEncoder tower, ReductionPlan plan, int blocks, int[] capture) {
        Schedule schedule = plan.schedule(model.shape());
        Pixels pixels = whole(image, tower);
        VisionEncoder.Picture picture = picture(pixels, tower);
        Grid grid = tower.grid(picture.height(), picture.width());
        List<Explanation.Piece> piece = List.of(new Explanation.Piece(0, grid, pixels.region()));
        Tower run = new Tower(new StatsRecorder(), new ExplanationRecorder(piece, tower.specialTokens()), new Workspace());
        run.grid = grid;
        long began = System.nanoTime();
        run.encoded = tower.encode(picture, 0, blocks, schedule, run.workspace, capture, null, both(run.counts, run.explaining));
        run.seconds = (System.nanoTime() - began) / 1e9;
        return run;
    }

    private static final class Tower {
        final StatsRecorder counts;
        final ExplanationRecorder explaining;
        final Workspace workspace;
        VisionEncoder.Encoded encoded;
        double seconds;
        Grid grid;

        Tower(StatsRecorder counts, ExplanationRecorder explaining, Workspace workspace) {
            this.counts = counts;
            this.explaining = explaining;
            this.workspace = workspace;
        }

        Stats stats() {
            return new Stats(1, grid.cells(), 0, counts.vision(), List.of(), 0, 0, 0, workspace.work().flops(), 0, 0, 0, 0,
                    workspace.bytes(), seconds, 0, 0, counts.reductionSeconds());
        }
    }

    @Override
    public synchronized void close() {
        if (prompting != null) prompting.tokenizer().close();
        weights.close();
        directory.close();
    }
}
