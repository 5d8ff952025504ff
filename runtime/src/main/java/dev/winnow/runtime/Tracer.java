package dev.winnow.runtime;

import dev.winnow.layers.KvCache;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.TokenMap;
import dev.winnow.reduction.Tokens;
import dev.winnow.runtime.models.ImageTextEncoder;
import dev.winnow.runtime.models.LanguageModel;
import dev.winnow.runtime.models.Model;
import dev.winnow.runtime.models.Trace;
import dev.winnow.runtime.models.VisionEncoder;
import dev.winnow.runtime.models.VisionLanguageModel;
import dev.winnow.runtime.models.VisionTransformer;
import dev.winnow.weights.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Runs a model on given tensors and records every intermediate under the names that Hugging Face users know: {@code hidden.embed},
 * {@code hidden.layer.i}, {@code vision.layer.i}, {@code logits}, {@code generated_ids} and so on. Reductions add
 * {@code reduction.k.kept} (for each live token after event k the original token it stands for), {@code reduction.k.sizes}, and for
 * caches {@code reduction.k.slots} [key heads, kept].
 */
public final class Tracer {
    private final Model model;
    private final ReductionPlan plan;
    private final Schedule schedule;
    private final int maxTokens;
    private final Set<Integer> eos;
    private final Trace trace = new Trace();
    private final Workspace workspace = new Workspace();
    private int events;

    /**
     * @param maxTokens tokens to generate after a prompt
     * @param eos       ids that end generation; empty to ignore them
     */
    public Tracer(Model model, ReductionPlan plan, int maxTokens, Set<Integer> eos) {
        this.model = model;
        this.plan = plan;
        this.schedule = plan.schedule(model.shape());
        this.maxTokens = maxTokens;
        this.eos = eos;
    }

    /**
     * Runs the model.
     *
     * @param inputs tensors named {@code input_ids}, {@code attention_mask}, {@code pixel_values} and what else says how these lie;
     *               sequences that the mask pads, on either side, are run without their padding
     * @return everything recorded
     * @throws RequestException when an input is missing or has another shape than the model takes
     */
    public List<Tensor> run(Map<String, Tensor> inputs) {
        switch (model) {
            case LanguageModel m -> language(m, inputs);
            case VisionTransformer m -> vision(m, inputs);
            case ImageTextEncoder m -> imageText(m, inputs);
            case VisionLanguageModel m -> seeing(m, inputs);
        }
        return trace.tensors();
    }

    static Tensor required(Map<String, Tensor> inputs, String name) {
        Tensor t = inputs.get(name);
        if (t == null) throw new RequestException("the inputs have no tensor '" + name + "', which this model needs");
        return t;
    }

    /** Rows of an integer matrix [batch, length]. */
    private static int[][] rows(Tensor t) {
        if (t.shape().length != 2 || t.elements() == 0) {
            throw new RequestException(t.name() + " should have shape [batch, length] but has " + Arrays.toString(t.shape()));
        }
        long[] values = t.toLongs();
        int length = t.dim(1);
        int[][] rows = new int[t.dim(0)][length];
        for (int i = 0; i < values.length; i++) {
            int value = (int) values[i];
            if (value != values[i]) throw new RequestException(t.name() + " holds " + values[i] + ", which is no token id");
            rows[i / length][i % length] = value;
        }
        return rows;
    }

    /** Rows of attention_mask, one for each sequence, or null where there is no mask. */
    private static int[][] mask(Map<String, Tensor> inputs) {
        Tensor t = inputs.get("attention_mask");
        if (t == null) return null;
        Tensor ids = inputs.get("input_ids");
        if (!Arrays.equals(t.shape(), ids.shape())) {
            throw new RequestException("attention_mask has shape " + Arrays.toString(t.shape()) + ", but input_ids has "
                    + Arrays.toString(ids.shape()));
        }
        int[][] rows = rows(t);
        for (int[] row : rows) {
            if (Arrays.stream(row).allMatch(i -> i == 0)) throw new RequestException("attention_mask hides a whole sequence");
        }
        return rows;
    }

    /** Pixels [batch, channels, height, width] of a size that a tower takes. */
    private static float[] pixels(Tensor t, VisionEncoder tower) {
        int size = tower.imageSize();
        int channels = tower.channels();
        boolean fits = t.shape().length == 4 && t.elements() > 0 && t.dim(1) == channels;
        if (!fits || !tower.takes(t.dim(2), t.dim(3))) {
            throw new RequestException("pixel_values should have shape [batch, " + channels + ", " + size + ", " + size + "] but has "
                    + Arrays.toString(t.shape()));
        }
        return PixelInputs.finite(t);
    }

    // ---- vision ----

    /** Every image through the whole tower (or, when a plan stops it earlier, up to there). */
    private void tower(VisionEncoder tower, Map<String, Tensor> inputs, Consumer<Tokens> finish) {
        Tensor t = required(inputs, "pixel_values");
        float[] pixels = pixels(t, tower);
        for (int i = 0; i < t.dim(0); i++) {
            VisionEncoder.Picture picture = new VisionEncoder.Picture(pixels, i * (pixels.length / t.dim(0)), t.dim(2), t.dim(3));
            Tokens tokens = tower.encode(picture, i, tower.layers(), schedule, workspace, new int[0], trace, recorder()).tokens();
            trace.item("vision_last_hidden", tokens.hidden(), tokens.count(), tower.width());
            float[] normed = tower.normed(tokens);
            for (String name : List.of("vision.final_norm", "vision.post_norm")) trace.item(name, normed, tokens.count(), tower.width());
            finish.accept(tokens);
        }
    }

    private void vision(VisionTransformer m, Map<String, Tensor> inputs) {
        tower(m.encoder(), inputs, tokens -> {
            if (m.classifier() != null) {
                float[] logits = m.logits(tokens, workspace, trace);
                trace.item("logits", logits, logits.length);
            }
            if (m.classifier() == null || m.pooler() != null) {
                float[] embedding = m.embedding(tokens, workspace);
                trace.item("pooler_output", embedding, embedding.length);
            }
        });
    }

    private void imageText(ImageTextEncoder m, Map<String, Tensor> inputs) {
        List<float[]> images = new ArrayList<>();
        if (m.text() != null && !inputs.containsKey("pixel_values")) required(inputs, "input_ids");
        if (m.text() == null || inputs.containsKey("pixel_values")) {
            tower(m.vision(), inputs, tokens -> {
                float[] pooled = m.pooled(tokens, workspace);
                for (String name : List.of("vision.post_norm_cls", "vision.head", "image_pooled")) trace.item(name, pooled, pooled.length);
                float[] features = m.imageFeatures(pooled, workspace);
                trace.item("image_features", features, features.length);
                float[] embeds = m.text() == null ? features : ImageTextEncoder.unit(features);
                trace.item("image_embeds", embeds, embeds.length);
                images.add(embeds);
            });
        }
        if (m.text() == null || !inputs.containsKey("input_ids")) return;
        int[][] ids = rows(inputs.get("input_ids"));
        int[][] mask = mask(inputs);
        List<float[]> texts = new ArrayList<>();
        for (int b = 0; b < ids.length; b++) {
            boolean[] visible = null;
            if (mask != null) {
                visible = new boolean[ids[b].length];
                for (int i = 0; i < visible.length; i++) visible[i] = mask[b][i] != 0;
            }
            float[] features = m.textFeatures(ids[b], visible, workspace, trace);
            trace.item("text_features", features, features.length);
            texts.add(ImageTextEncoder.unit(features));
            trace.item("text_embeds", texts.getLast(), features.length);
        }
        if (images.isEmpty()) return;
        for (float[] image : images) trace.item("logits_per_image", logits(m, image, texts), texts.size());
        for (float[] text : texts) trace.item("logits_per_text", logits(m, text, images), images.size());
    }

    private static float[] logits(ImageTextEncoder m, float[] x, List<float[]> others) {
        float scale = (float) Math.exp(m.logitScale());
        float[] logits = new float[others.size()];
        for (int i = 0; i < logits.length; i++) {
            double sum = 0;
            for (int c = 0; c < x.length; c++) sum += x[c] * others.get(i)[c];
            logits[i] = (float) (scale * sum + m.logitBias());
        }
        return logits;
    }

    // ---- language ----

    private void language(LanguageModel m, Map<String, Tensor> inputs) {
        Tensor inputIds = required(inputs, "input_ids");
        int[][] batch = rows(inputIds);
        int[][] mask = mask(inputs);
        List<int[]> generated = new ArrayList<>();
        for (int b = 0; b < batch.length; b++) {
            Padding padding = Padding.of(mask == null ? null : mask[b], batch[b].length);
            int[] ids = padding.tokens(batch[b]);
            m.requireRoom(ids.length, 0);
            Tokens prompt = m.embed(ids);
            record("hidden.embed", padding.spread(prompt.hidden(), m.width()), m.width());
            generated.add(decode(m, prompt, "hidden", padding));
        }
        generated(generated);
    }

    private void seeing(VisionLanguageModel m, Map<String, Tensor> inputs) {
        int[][] batch = rows(required(inputs, "input_ids"));
        int[][] mask = mask(inputs);
        PixelInputs pixels = new PixelInputs(m, inputs);
        List<VisionLanguageModel.Image> seen = new ArrayList<>(pixels.images());
        seen.addAll(pixels.films());
        // a plan for the tower ends at the features; dense, the whole tower is recorded
        int blocks = plan.isEmpty() ? m.vision().layers() : m.lastBlock() + 1;
        SeenInOrder features = new SeenInOrder(m);
        List<Long> packed = new ArrayList<>();
        int tiles = 0;
        for (VisionLanguageModel.Image image : seen) {
            List<VisionLanguageModel.ImageFeatures> own = m.look(image, tiles, blocks, schedule, workspace, trace, recorder());
            tiles += image.tiles().size();
            own.forEach(f -> packed.add((long) f.ledger().count()));
            features.add(image.isFilm(), own);
        }
        if (!packed.isEmpty()) {
            trace.tensor(Tensor.ofLongs("packed_lengths", packed.stream().mapToLong(n -> n).toArray(), packed.size()));
        }
        List<int[]> generated = new ArrayList<>();
        List<int[][]> places = new ArrayList<>();
        for (int b = 0; b < batch.length; b++) {
            Padding padding = Padding.of(mask == null ? null : mask[b], batch[b].length);
            int[] ids = padding.tokens(batch[b]);
            Tokens prompt = m.merge(ids, features.of(ids), workspace);
            // counted from the end of the row, padding included
            if (workspace.places() != null) {
                places.add(workspace.places().at());
                trace.indices("rope_deltas", new int[] {workspace.places().next() - prompt.count() + ids.length - padding.length()});
            }
            m.language().requireRoom(prompt.count(), 0);
            float[] merged = Arrays.copyOf(prompt.hidden(), prompt.count() * prompt.width());
            record("text.merged_embeds", padding.spread(merged, prompt.width()), prompt.width());
            generated.add(decode(m.language(), prompt, "text", padding));
        }
        features.requireEnd();
        if (!places.isEmpty()) placed(places, mask, batch[0].length);
        generated(generated);
    }

    /** Coordinates of all tokens, [axes, batch, length]; those of padding are 1. */
    private void placed(List<int[][]> rows, int[][] mask, int length) {
        int axes = rows.getFirst().length;
        long[] all = new long[axes * rows.size() * length];
        Arrays.fill(all, 1);
        for (int b = 0; b < rows.size(); b++) {
            int[] at = Padding.of(mask == null ? null : mask[b], length).places();
            for (int a = 0; a < axes; a++) {
                int[] places = rows.get(b)[a];
                // a plan for the tower leaves fewer tokens than the prompt has
                for (int i = 0; i < Math.min(at.length, places.length); i++) all[(a * rows.size() + b) * length + at[i]] = places[i];
            }
        }
        trace.tensor(Tensor.ofLongs("position_ids", all, axes, rows.size(), length));
    }

    /** Prompt pass with everything recorded, then greedy decoding. Returns the new ids. */
    private int[] decode(LanguageModel m, Tokens prompt, String prefix, Padding padding) {
        int width = m.width();
        int promptTokens = prompt.count();
        KvCache cache = m.newCache(0);
        if (plan.isEmpty()) cache.forgetUnseen();
        StackListener recorder = recorder();
        m.stack().run(prompt, m.stack().layers(), cache, schedule, workspace, new StackListener() {
            @Override
            public void layer(Stage stage, int layer, Tokens tokens) {
                float[] live = Arrays.copyOf(tokens.hidden(), tokens.count() * width);
                record(prefix + ".layer." + layer, padding.spread(live, width), width);
            }

            @Override
            public void acted(ReductionEvent event, Outcome outcome, Tokens tokens, long nanos) {
                recorder.acted(event, outcome, tokens, nanos);
            }

            @Override
            public void reported(ReductionEvent event, String name, float[] values, int[] shape) {
                recorder.reported(event, name, values, shape);
            }
        });
        float[] normed = m.finalNorm(prompt.hidden(), 0, prompt.count());
        record(prefix + ".final_norm", padding.spread(normed, width), width);
        float[] logits = m.logits(normed, prompt.count(), workspace);
        record("logits", padding.spread(logits, m.vocabulary()), m.vocabulary());

        int most = Math.min(maxTokens, m.longest() - promptTokens);
        int[] ids = new int[16];
        List<float[]> chosen = new ArrayList<>();
        float[] last = Arrays.copyOfRange(logits, logits.length - m.vocabulary(), logits.length);
        int n = 0;
        while (n < most) {
            chosen.add(last);
            int best = 0;
            for (int i = 1; i < last.length; i++) if (last[i] > last[best]) best = i;
            if (n == ids.length) ids = Arrays.copyOf(ids, 2 * n);
            ids[n++] = best;
            if (eos.contains(best) || n == most) break;
            last = m.step(best, cache, schedule, workspace).clone();
        }
        cache.drop();
        if (n > 0) record("generated_logits", joined(chosen), m.vocabulary());
        return Arrays.copyOf(ids, n);
    }

    private static float[] joined(List<float[]> rows) {
        int width = rows.getFirst().length;
        float[] all = new float[Math.multiplyExact(rows.size(), width)];
        for (int i = 0; i < rows.size(); i++) System.arraycopy(rows.get(i), 0, all, i * width, width);
        return all;
    }

    private void generated(List<int[]> rows) {
        if (maxTokens == 0) return;
        boolean equal = rows.stream().allMatch(r -> r.length == rows.getFirst().length);
        for (int b = 0; b < rows.size(); b++) {
            if (!equal) trace.tensor(Tensor.ofLongs("generated_ids." + b, longs(rows.get(b)), 1, rows.get(b).length));
        }
        if (!equal) return;
        int length = rows.getFirst().length;
        long[] all = new long[rows.size() * length];
        for (int i = 0; i < all.length; i++) all[i] = rows.get(i / length)[i % length];
        trace.tensor(Tensor.ofLongs("generated_ids", all, rows.size(), length));
    }

    private static long[] longs(int[] values) {
        return Arrays.stream(values).asLongStream().toArray();
    }

    private void record(String name, float[] values, int width) {
        trace.item(name, values, values.length / width, width);
    }

    /** Records what reductions leave and what they rest on. */
    private StackListener recorder() {
        return new StackListener() {
            @Override
            public void reported(ReductionEvent event, String name, float[] values, int[] shape) {
                trace.tensor(Tensor.ofFloats("reduction." + events + "." + name, values.clone(),
                        Arrays.stream(shape).asLongStream().toArray()));
            }

            @Override
            public void acted(ReductionEvent event, Outcome outcome, Tokens tokens, long nanos) {
                outcome("reduction." + events++, outcome, tokens.ledger());
            }
        };
    }

    private void outcome(String name, Outcome outcome, TokenLedger ledger) {
        switch (outcome) {
            case Outcome.Compact(int[][] keep) -> slots(name, keep);
            case Outcome.MergeCache(List<TokenMap> maps) -> slots(name,
                    maps.stream().map(m -> IntStream.range(0, m.rows()).map(m::anchor).toArray()).toArray(int[][]::new));
            case Outcome.Route r -> trace.tensor(Tensor.ofLongs(name + ".run", longs(r.run()), r.run().length));
            case Outcome.All(List<Outcome> outcomes) -> outcomes.forEach(o -> outcome(name, o, ledger));
            case Outcome.Annotate a -> { }
            case Outcome.Rewrite r -> { }
            case Outcome.Narrow n -> { }
            case Outcome.Attend a -> { }
            case Outcome.Threshold t -> { }
            case Outcome.ReplaceMlp m -> { }
            case Outcome.Reposition r -> { }
            case Outcome.Supply s -> { }
            default -> {
                int n = ledger.count();
                long[] kept = new long[n];
                for (int i = 0; i < n; i++) kept[i] = ledger.origin().anchor(i);
                trace.tensor(Tensor.ofLongs(name + ".kept", kept, n));
                trace.tensor(Tensor.ofFloats(name + ".sizes", ledger.sizes(), n));
            }
        }
    }

    /** Slots kept of a cache; where heads keep different numbers, one after another with their numbers. */
    private void slots(String name, int[][] keep) {
        long[] slots = Arrays.stream(keep).flatMapToInt(Arrays::stream).asLongStream().toArray();
        if (Arrays.stream(keep).allMatch(k -> k.length == keep[0].length)) {
            trace.tensor(Tensor.ofLongs(name + ".slots", slots, keep.length, keep[0].length));
            return;
        }
        trace.tensor(Tensor.ofLongs(name + ".slots", slots, slots.length));
        trace.tensor(Tensor.ofLongs(name + ".lengths", Arrays.stream(keep).mapToLong(k -> k.length).toArray(), keep.length));
    }
}
