package dev.winnow.reduction;

import dev.winnow.layers.CacheFormat;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A plan laid out over the layers of one model. */
public final class Schedule {
    private final Map<Site, List<ReductionEvent>> events = new HashMap<>();
    private final Map<Stage, BitSet> skipped = new EnumMap<>(Stage.class);
    private final Map<Stage, Boolean> sized = new EnumMap<>(Stage.class);
    private final Map<Stage, Map<Integer, List<ReductionEvent>>> watching = new EnumMap<>(Stage.class);
    private final Map<Integer, CacheFormat> formats = new HashMap<>();
    private boolean steps;
    private Drafting drafting;

    Schedule(List<ReductionMethod> methods, ModelShape shape) {
        for (Stage s : Stage.values()) {
            skipped.put(s, new BitSet());
            sized.put(s, false);
            watching.put(s, new HashMap<>());
        }
        for (ReductionMethod m : methods) {
            for (Stage s : Stage.values()) skipped.get(s).or(m.skippedLayers(s, shape));
        }
        for (ReductionMethod m : methods) {
            for (ReductionEvent e : m.events(shape)) {
                if (e.site().stage() == Stage.VISION && !e.notes() && shape.vision().filter(ModelShape.Vision::whole).isPresent()) {
                    throw new PlanException(m.spec() + ": acts in the vision tower, but this model needs every patch after it");
                }
                add(e);
            }
            m.drafting(shape).ifPresent(d -> {
                if (drafting != null) throw new PlanException(m.spec() + ": another method of the plan drafts tokens already");
                drafting = d;
            });
            for (int l = 0; l < shape.languageLayers(); l++) addFormat(m, l, shape);
        }
        if (drafting != null && steps) {
            throw new PlanException("a plan cannot both draft tokens and act in every decoding step: what a step did could not be"
                    + " taken back");
        }
        for (int l : formats.keySet()) {
            for (ReductionEvent e : at(Stage.LANGUAGE, Site.Moment.CACHE, l)) {
                if (e.steps()) throw new PlanException(e.method() + ": changes the cache in every step, but the plan packs it, and then entries stay");
            }
        }
    }

    private void addFormat(ReductionMethod m, int layer, ModelShape shape) {
        CacheFormat format = m.cacheFormat(layer, shape);
        if (format == null) return;
        CacheFormat other = formats.putIfAbsent(layer, format);
        if (other != null) throw new PlanException(m.spec() + ": the plan packs the cache of layer " + layer + " already");
    }

    private void add(ReductionEvent e) {
        Site site = e.site();
        boolean inside = site.moment() == Site.Moment.CACHE || site.moment() == Site.Moment.AFTER_ATTENTION;
        if (inside && skips(site.stage(), site.layer())) return;
        if (e.watches() >= 0 && skips(site.stage(), e.watches())) {
            throw new PlanException(e.method() + ": watches layer " + e.watches() + ", which the plan skips");
        }
        if (e.watches() >= 0) {
            boolean in = site.layer() == e.watches() && site.moment() != Site.Moment.BEFORE_LAYER;
            boolean next = site.layer() == e.watches() + 1 && site.moment() == Site.Moment.BEFORE_LAYER;
            if (!in && !next) throw new IllegalArgumentException(e.method() + " at " + site + " cannot watch layer " + e.watches());
            watching.get(site.stage()).computeIfAbsent(e.watches(), l -> new ArrayList<>()).add(e);
        }
        steps |= e.steps();
        events.computeIfAbsent(site, s -> new ArrayList<>()).add(e);
        if (e.sized()) sized.put(site.stage(), true);
    }

    /** Events at a site, in the order of the plan. */
    public List<ReductionEvent> at(Stage stage, Site.Moment moment, int layer) {
        return events.isEmpty() ? List.of() : events.getOrDefault(new Site(stage, moment, layer), List.of());
    }

    /** Events that look at the attention of a layer. */
    List<ReductionEvent> watching(Stage stage, int layer) {
        return watching.get(stage).getOrDefault(layer, List.of());
    }

    /** Whether anything acts in or after a layer, or looks at it. */
    boolean actsInside(Stage stage, int layer) {
        return !watching(stage, layer).isEmpty() || Arrays.stream(Site.Moment.values())
                .anyMatch(m -> m != Site.Moment.BEFORE_LAYER && !at(stage, m, layer).isEmpty());
    }

    /** Whether any event acts in decoding steps. */
    boolean steps() {
        return steps;
    }

    /** How generation drafts tokens ahead, if it does. */
    public Optional<Drafting> drafting() {
        return Optional.ofNullable(drafting);
    }

    /** How a layer's cache is held once the prompt has run the layer; null for as it is. */
    CacheFormat cacheFormat(Stage stage, int layer) {
        return stage == Stage.LANGUAGE ? formats.get(layer) : null;
    }

    public boolean skips(Stage stage, int layer) {
        return skipped.get(stage).get(layer);
    }

    /** Whether merged tokens weigh by their size in a stage's attention. */
    boolean weighsSizes(Stage stage) {
        return sized.get(stage);
    }
}
