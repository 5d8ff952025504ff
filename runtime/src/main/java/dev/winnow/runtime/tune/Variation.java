package dev.winnow.runtime.tune;

import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.Methods;
import dev.winnow.reduction.Methods.Family;
import dev.winnow.reduction.Options;
import dev.winnow.reduction.primitives.VisualScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Small changes to compositions: another method in front, one more inside, other layers skipped, attention unmerged, an option turned. */
final class Variation {
    private static final double[] SHARES = {0.5, 0.33, 0.25, 0.15, 0.1, 0.05};
    private static final List<String> LAYER_OPTIONS = List.of("layer", "k");
    /** What a method is told about the prompt and the pictures, or draws by; not what it does. */
    private static final List<String> GIVEN = List.of("seed", "tiles", "directions", "inplace", Part.KEEP);
    private static final int MOST_INNER = 2;

    private final int layers;
    private final SplittableRandom random;
    private final List<MethodType> inner;

    /** @param layers of the language model */
    Variation(int layers, SplittableRandom random) {
        this.layers = layers;
        this.random = random;
        this.inner = innerMethods();
    }

    /** Methods that drop visual tokens in front of one layer that can be chosen. */
    static List<MethodType> innerMethods() {
        return Methods.of(Family.LANGUAGE).stream()
                .filter(t -> t.trainingFree() && Part.of(t).takes(Part.KEEP) && layerOption(Part.of(t)) != null).toList();
    }

    /** The name of the option that says where an inner method acts, or null. */
    static String layerOption(Part part) {
        for (String name : LAYER_OPTIONS) if (part.takes(name)) return name;
        return null;
    }

    /** A method inside the language model that leaves a share of what reaches it. */
    static Part inner(MethodType type, int layer, double keep) {
        Part part = Part.of(type).with(Part.KEEP, share(keep));
        return part.with(layerOption(part), layer + "");
    }

    /**
     * A recipe that differs from one in one respect.
     *
     * @param mate   another good recipe, whose parts may be taken
     * @param fronts methods for the front, the best first
     */
    Recipe of(Recipe recipe, Recipe mate, List<Part> fronts) {
        return switch (random.nextInt(11)) {
            case 0 -> recipe.withFront(oneOfTheFirst(fronts));
            case 1 -> recipe.withFront(mate.front());
            case 2 -> mate.withFront(recipe.front());
            case 3 -> recipe.withSkipped(otherLayers(recipe.skipped()));
            case 4 -> recipe.withInner(moreOrFewer(recipe.inner()));
            case 5, 6 -> innerTurned(recipe);
            case 7 -> recipe.withUnmerged(!recipe.unmerged());
            default -> recipe.withFront(turned(recipe.front(), List.of()));
        };
    }

    /** The square of a uniform number favours those in front. */
    private Part oneOfTheFirst(List<Part> fronts) {
        double u = random.nextDouble();
        return fronts.get((int) (u * u * fronts.size()));
    }

    /** One layer more or less at an edge of those that visual tokens run, or anywhere. */
    private List<Integer> otherLayers(List<Integer> skipped) {
        TreeSet<Integer> run = IntStream.range(0, layers).filter(l -> !skipped.contains(l)).boxed()
                .collect(Collectors.toCollection(TreeSet::new));
        int toggled = switch (random.nextInt(3)) {
            case 0 -> Math.clamp(run.first() - random.nextInt(2), 0, layers - 1);
            case 1 -> Math.clamp(run.last() + random.nextInt(2), 0, layers - 1);
            default -> random.nextInt(layers);
        };
        if (!run.remove(toggled)) run.add(toggled);
        return run.isEmpty() ? skipped : IntStream.range(0, layers).filter(l -> !run.contains(l)).boxed().toList();
    }

    private List<Part> moreOrFewer(List<Part> parts) {
        List<Part> changed = new ArrayList<>(parts);
        if (!parts.isEmpty() && (parts.size() == MOST_INNER || random.nextBoolean())) {
            changed.remove(random.nextInt(parts.size()));
        } else if (!inner.isEmpty() && layers > 1) {
            MethodType type = inner.get(random.nextInt(inner.size()));
            changed.add(inner(type, 1 + random.nextInt(layers - 1), SHARES[random.nextInt(SHARES.length)]));
            changed.sort((a, b) -> Integer.compare(layerOf(a), layerOf(b)));
        }
        return changed;
    }

    private static int layerOf(Part part) {
        return Integer.parseInt(part.values().get(layerOption(part)));
    }

    /** An inner method with another share, layer, option or kind; one is added where there is none. */
    private Recipe innerTurned(Recipe recipe) {
        if (recipe.inner().isEmpty()) return recipe.withInner(moreOrFewer(recipe.inner()));
        List<Part> changed = new ArrayList<>(recipe.inner());
        int i = random.nextInt(changed.size());
        Part part = changed.get(i);
        changed.set(i, switch (random.nextInt(4)) {
            case 0 -> part.with(layerOption(part), Math.clamp(layerOf(part) + (random.nextBoolean() ? 1 : -1), 0, layers - 1) + "");
            case 1 -> part.with(Part.KEEP, share(Math.min(1, Double.parseDouble(part.values().get(Part.KEEP)) * factor())));
            case 2 -> inner(inner.get(random.nextInt(inner.size())), layerOf(part), Double.parseDouble(part.values().get(Part.KEEP)));
            default -> turned(part, LAYER_OPTIONS);
        });
        changed.sort((a, b) -> Integer.compare(layerOf(a), layerOf(b)));
        return recipe.withInner(changed);
    }

    /** A part with one of its options changed, by the look of the option's value; the part itself where it has none to change. */
    private Part turned(Part part, List<String> fixed) {
        List<Options.Option> options = part.type().options().stream().filter(o -> o != VisualScope.START && o != VisualScope.LENGTH
                && !GIVEN.contains(o.name()) && !fixed.contains(o.name())).toList();
        if (options.isEmpty()) return part;
        Options.Option option = options.get(random.nextInt(options.size()));
        String value = part.value(option);
        String changed = value.isEmpty() ? guessed(option) : changed(value);
        return changed.isEmpty() || changed.equals(value) ? part : part.with(option.name(), changed);
    }

    /** A value for an option that goes by the depth when it has none. */
    private String guessed(Options.Option option) {
        return switch (option.name()) {
            case "layer", "k", "exit" -> 1 + random.nextInt(Math.max(1, layers - 1)) + "";
            case "layers" -> random.ints(1 + random.nextInt(4), 0, layers).distinct().sorted().mapToObj(l -> l + "")
                    .collect(Collectors.joining("/"));
            default -> "";
        };
    }

    private String changed(String value) {
        if (value.contains("/")) {
            String[] parts = value.split("/");
            int i = random.nextInt(parts.length);
            parts[i] = changed(parts[i]);
            return String.join("/", parts);
        }
        if (value.equals("true")) return "false";
        if (value.equals("false")) return "true";
        if (value.matches("\\d{1,6}")) {
            int n = Integer.parseInt(value);
            int[] others = {n + 1, Math.max(0, n - 1), 2 * n, n / 2};
            return others[random.nextInt(others.length)] + "";
        }
        if (value.matches("-?\\d*\\.\\d+(?:[eE]-?\\d+)?")) {
            double x = Double.parseDouble(value);
            // shares stay shares; what is zero moves away from it
            return share(x == 0 ? 0.1 : x > 0 && x <= 1 ? Math.min(1, x * factor()) : x * factor());
        }
        return value;
    }

    private double factor() {
        return Math.pow(2, 2 * random.nextDouble() - 1);
    }

    private static String share(double x) {
        return String.format(Locale.ROOT, "%.4f", x);
    }
}
