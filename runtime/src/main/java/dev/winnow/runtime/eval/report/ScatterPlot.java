package dev.winnow.runtime.eval.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;

/** What plans keep against what they cost, as SVG, with the points that no other point beats joined by a line. */
final class ScatterPlot {
    private static final int WIDTH = 380;
    private static final int HEIGHT = 270;
    private static final int LEFT = 46;
    private static final int RIGHT = 24;
    private static final int TOP = 12;
    private static final int BOTTOM = 42;

    private static final double DOT = 5;
    private static final double LABEL_WIDTH = 16;
    private static final double LABEL_HEIGHT = 13;
    /** Where a label may stand beside its point, from the middle of one to that of the other, the best places first. */
    private static final double[][] BESIDE = {{13, -9}, {-13, -9}, {13, 10}, {-13, 10}, {0, -15}, {0, 15}, {18, 0}, {-18, 0}, {26, -14}, {-26, -14},
        {26, 14}, {-26, 14}, {0, -27}, {0, 27}};

    /**
     * One plan.
     *
     * @param plan its place among the plans, 0 for dense
     * @param low  lower end of the interval of y, and {@code high} the upper; both y where there is none
     * @param hint what a reader who points at it is told
     */
    record Point(int plan, double x, double y, double low, double high, String hint) {}

    /** Title, and how numbers of the axis are written. */
    record Scale(String title, DoubleFunction<String> text) {}

    private final List<Point> points;
    private final Scale across;
    private final Scale up;
    private final boolean moreIsBetter;
    private final Axis x;
    private final Axis y;
    /** Middles of the labels placed so far. */
    private final List<double[]> labels = new ArrayList<>();

    /** @param moreIsBetter whether a higher y is better; a lower x always is */
    ScatterPlot(List<Point> points, Scale across, Scale up, boolean moreIsBetter) {
        this.points = points;
        this.across = across;
        this.up = up;
        this.moreIsBetter = moreIsBetter;
        this.x = Axis.over(points.stream().map(Point::x).toList(), 0, LEFT, WIDTH - RIGHT, 5);
        List<Double> heights = new ArrayList<>();
        for (Point p : points) heights.addAll(List.of(p.low, p.high));
        this.y = Axis.over(heights, 0, HEIGHT - BOTTOM, TOP, 5);
    }

    String svg() {
        StringBuilder svg = new StringBuilder();
        svg.append(format("<svg class=\"plot\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">", WIDTH, HEIGHT,
                Html.text(up.title + " against " + across.title)));
        for (double tick : y.ticks()) {
            svg.append(format("<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT, WIDTH - RIGHT, y.at(tick), y.at(tick)));
            svg.append(label("end", LEFT - 6, y.at(tick) + 4, up.text.apply(tick)));
        }
        for (double tick : x.ticks()) {
            svg.append(format("<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>", x.at(tick), x.at(tick), TOP, HEIGHT - BOTTOM));
            svg.append(label("middle", x.at(tick), HEIGHT - BOTTOM + 16, across.text.apply(tick)));
        }
        svg.append(format("<text class=\"axis\" text-anchor=\"middle\" x=\"%.1f\" y=\"%d\">%s</text>", (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 6,
                Html.text(across.title)));
        svg.append(frontLine());
        for (Point p : points) svg.append(whisker(p));
        for (Point p : points) svg.append(mark(p));
        return svg.append("</svg>").toString();
    }

    private static String label(String anchor, double atX, double atY, String text) {
        return format("<text class=\"tick\" text-anchor=\"%s\" x=\"%.1f\" y=\"%.1f\">%s</text>", anchor, atX, atY, Html.text(text));
    }

    private String frontLine() {
        StringBuilder path = new StringBuilder();
        for (Point p : front()) path.append(path.isEmpty() ? "M" : "L").append(format("%.1f %.1f", x.at(p.x), y.at(p.y)));
        return "<path class=\"front\" d=\"" + path + "\"/>";
    }

    /** The points that no other is at least as good as in both ways, from the cheapest to the best. */
    List<Point> front() {
        List<Point> front = new ArrayList<>();
        Comparator<Point> worth = Comparator.comparingDouble(p -> moreIsBetter ? -p.y : p.y);
        for (Point p : points.stream().sorted(Comparator.comparingDouble(Point::x).thenComparing(worth)).toList()) {
            if (front.isEmpty() || worth.compare(p, front.getLast()) < 0) front.add(p);
        }
        return front;
    }

    private String whisker(Point p) {
        if (p.low == p.high) return "";
        return format("<line class=\"whisker\" data-plan=\"%d\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", p.plan, x.at(p.x), x.at(p.x),
                y.at(p.low), y.at(p.high));
    }

    private String mark(Point p) {
        double cx = x.at(p.x);
        double cy = y.at(p.y);
        double[] label = label(cx, cy);
        labels.add(label);
        String shape = p.plan == 0 ? format("<rect x=\"%.1f\" y=\"%.1f\" width=\"11\" height=\"11\" rx=\"2\"/>", cx - 5.5, cy - 5.5)
                : format("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"/>", cx, cy, DOT);
        return format("<g class=\"mark%s\" data-plan=\"%d\" tabindex=\"0\"><title>%s</title><circle class=\"near\" cx=\"%.1f\" cy=\"%.1f\" r=\"14\"/>%s"
                + "<text text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">%s</text></g>", p.plan == 0 ? " dense" : "", p.plan, Html.text(p.hint), cx, cy,
                shape, label[0], label[1] + 4, p.plan == 0 ? "dense" : p.plan);
    }

    /** The first place beside a point that is free, or the one that hides the least. */
    private double[] label(double cx, double cy) {
        double[] best = null;
        double least = Double.MAX_VALUE;
        for (double[] offset : BESIDE) {
            double[] place = {cx + offset[0], cy + offset[1]};
            double hidden = hidden(place);
            if (hidden < least) {
                least = hidden;
                best = place;
            }
        }
        return best;
    }

    /** How much a label would hide of others and of points, and of what is outside the plot. */
    private double hidden(double[] place) {
        double sum = place[0] < LEFT + 8 || place[0] > WIDTH - 8 || place[1] < 8 || place[1] > HEIGHT - BOTTOM - 6 ? LABEL_WIDTH * LABEL_HEIGHT : 0;
        for (double[] other : labels) sum += overlap(place, other, LABEL_WIDTH, LABEL_HEIGHT);
        for (Point p : points) sum += overlap(place, new double[] {x.at(p.x), y.at(p.y)}, LABEL_WIDTH / 2 + DOT, LABEL_HEIGHT / 2 + DOT);
        return sum;
    }

    private static double overlap(double[] a, double[] b, double width, double height) {
        return Math.max(0, width - Math.abs(a[0] - b[0])) * Math.max(0, height - Math.abs(a[1] - b[1]));
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
