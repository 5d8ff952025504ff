package dev.winnow.runtime.tune;

import dev.winnow.reduction.ReductionPlan;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Shares of the visual tokens that each language layer sees, never rising, by any schedule: what the published searches look for. In front
 * of every layer the tokens are ranked by the attention that the last prompt token would give them there, as in PyramidDrop.
 *
 * @param shares one for each layer, 0 to 1
 */
record KeepCurve(double[] shares) {
    /**
     * The falling sigmoid of P-Sigmoid (Zhao et al. 2024, arXiv 2412.00556): top / (1 + exp(steepness (x - centre))), where x runs from
     * 0 at the first layer to 1 at the last.
     */
    static KeepCurve sigmoid(int layers, double top, double steepness, double centre) {
        return new KeepCurve(IntStream.range(0, layers)
                .mapToDouble(l -> top / (1 + Math.exp(steepness * ((double) l / Math.max(1, layers - 1) - centre)))).toArray());
    }

    static KeepCurve all(int layers) {
        double[] shares = new double[layers];
        Arrays.fill(shares, 1);
        return new KeepCurve(shares);
    }

    /** This curve with a layer at a share and deeper ones nowhere above it. */
    KeepCurve from(int layer, double share) {
        double[] lower = shares.clone();
        for (int l = layer; l < lower.length; l++) lower[l] = Math.min(lower[l], share);
        return new KeepCurve(lower);
    }

    KeepCurve times(double factor) {
        return new KeepCurve(Arrays.stream(shares).map(s -> Math.min(1, s * factor)).toArray());
    }

    ReductionPlan plan() {
        return ReductionPlan.parse(List.of("pyramiddrop:layers=" + IntStream.range(0, shares.length).mapToObj(l -> l + "")
                .collect(Collectors.joining("/")) + ",ratios=" + Arrays.stream(shares).mapToObj(s -> String.format(Locale.ROOT, "%.4f", s))
                .collect(Collectors.joining("/"))));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof KeepCurve c && Arrays.equals(shares, c.shares);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(shares);
    }
}
