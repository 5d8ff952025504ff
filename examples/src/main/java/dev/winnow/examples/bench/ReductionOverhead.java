package dev.winnow.examples.bench;

import dev.winnow.layers.KvCache;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.Methods;
import dev.winnow.reduction.Methods.Family;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.Tokens;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.models.VisionEncoder;
import dev.winnow.runtime.models.VisionLanguageModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What the methods themselves cost (scoring, selection, merging) beside the prompt pass they save, at LLaVA-1.5 shapes with one picture
 * (576 visual tokens) and five (2880, as LLaVA-NeXT makes of one). The model has fewer language layers than the real one, to fit; as
 * the layers are alike, what is saved is also given for all 32. Arguments: model directory, pictures, rounds, methods (default: every
 * method with a budget of visual tokens).
 */
public final class ReductionOverhead {
    private static final List<Family> VISUAL = List.of(Family.TOWER, Family.PROJECTOR, Family.LANGUAGE, Family.VIDEO, Family.DEPTH);
    private static final int TEXT = 40;
    private static final int REAL_LAYERS = 32;
    private static final String KEEP = "25%";

    private final VisionLanguageModel model;
    private final int pictures;
    private final float[] pixels;
    private final int[] ids;

    private ReductionOverhead(VisionLanguageModel model, int pictures) {
        this.model = model;
        this.pictures = pictures;
        this.pixels = Machine.randoms(3 * model.vision().imageSize() * model.vision().imageSize() * pictures, 1);
        int visual = pictures * model.tokensPerImage();
        this.ids = new int[TEXT + visual];
        Arrays.setAll(ids, i -> i < 5 || i >= 5 + visual ? 100 + i : model.imageToken());
    }

    public static void main(String[] args) {
        int rounds = args.length > 2 ? Integer.parseInt(args[2]) : 2;
        List<String> methods = args.length > 3 ? List.of(args).subList(3, args.length) : Methods.all().stream()
                .filter(m -> VISUAL.contains(Methods.familyOf(m)) && m.options().stream().anyMatch(o -> o.name().equals("keep")))
                .map(MethodType::name).toList();
        System.out.println(Machine.describe());
        try (Winnow opened = Winnow.open(Path.of(args[0]))) {
            int pictures = args.length > 1 ? Integer.parseInt(args[1]) : 1;
            new ReductionOverhead((VisionLanguageModel) opened.model(), pictures).table(methods, rounds);
        }
    }

    /** Best times of a plan, in seconds. */
    private record Times(int prompt, double vision, double prefill, double method) {}

    private void table(List<String> methods, int rounds) {
        // the first pass of all compiles the kernels
        Times dense = measure(ReductionPlan.NONE, rounds + 1);
        int layers = model.language().stack().layers();
        System.out.printf("%n%d visual tokens, keep %s, %d language layers, best of %d. Dense: tower %.2f s, prompt pass %.2f s.%n%n",
                pictures * model.tokensPerImage(), KEEP, layers, rounds, dense.vision(), dense.prefill());
        System.out.printf("| method | prompt | in the method, ms | prompt pass saved, s | cost / saved | cost / saved with %d layers |%n|---|---|---|---|---|---|%n",
                REAL_LAYERS);
        for (String name : methods) {
            try {
                Times t = measure(ReductionPlan.parse(List.of(name + ":keep=" + KEEP)), rounds);
                // the method's own time is part of what was measured; what it saves is without it
                double saved = dense.prefill() + dense.vision() - t.prefill() - t.vision() + t.method();
                double savedHere = dense.prefill() - t.prefill() + t.method();
                double savedReal = saved + savedHere * (REAL_LAYERS - layers) / layers;
                System.out.printf("| `%s` | %d | %.1f | %.2f | %.1f%% | %.2f%% |%n", name, t.prompt(), 1000 * t.method(), saved,
                        100 * t.method() / saved, 100 * t.method() / savedReal);
            } catch (PlanException e) {
                System.out.printf("| `%s` | %s |%n", name, e.getMessage());
            }
        }
    }

    private VisionLanguageModel.Image picture(int i) {
        int side = model.vision().imageSize();
        return VisionLanguageModel.Image.whole(new VisionEncoder.Picture(pixels, i * (pixels.length / pictures), side, side));
    }

    private Times measure(ReductionPlan plan, int rounds) {
        Schedule schedule = plan.schedule(model.shape());
        double vision = Double.MAX_VALUE;
        double prefill = Double.MAX_VALUE;
        double method = Double.MAX_VALUE;
        int prompt = 0;
        for (int r = 0; r < rounds; r++) {
            Workspace workspace = new Workspace();
            Clock clock = new Clock();
            long began = System.nanoTime();
            List<VisionLanguageModel.ImageFeatures> features = new ArrayList<>();
            for (int i = 0; i < pictures; i++) {
                features.addAll(model.look(picture(i), i, model.lastBlock() + 1, schedule, workspace, null, clock));
            }
            long looked = System.nanoTime();
            Tokens tokens = model.merge(ids, features, workspace);
            prompt = tokens.count();
            KvCache cache = model.language().newCache(prompt);
            model.language().prefill(tokens, cache, schedule, workspace, clock);
            vision = Math.min(vision, (looked - began) / 1e9);
            prefill = Math.min(prefill, (System.nanoTime() - looked) / 1e9);
            method = Math.min(method, clock.nanos / 1e9);
        }
        return new Times(prompt, vision, prefill, method);
    }

    /** Adds up the time inside methods. */
    private static final class Clock implements StackListener {
        private long nanos;

        @Override
        public void acted(ReductionEvent event, Outcome outcome, Tokens tokens, long nanos) {
            this.nanos += nanos;
        }
    }
}
