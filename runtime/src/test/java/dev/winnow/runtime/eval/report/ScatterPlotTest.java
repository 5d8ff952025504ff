package dev.winnow.runtime.eval.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import org.junit.jupiter.api.Test;

class ScatterPlotTest {
    private static final ScatterPlot.Scale SCALE = new ScatterPlot.Scale("a < b", Double::toString);

    private static ScatterPlot.Point point(int plan, double x, double y) {
        return new ScatterPlot.Point(plan, x, y, y, y, "plan <" + plan + ">");
    }

    @Test
    void theFrontHoldsWhatNothingBeats() {
        List<ScatterPlot.Point> points = List.of(point(0, 144, 0.8), point(1, 36, 0.7), point(2, 36, 0.6), point(3, 72, 0.7), point(4, 16, 0.5),
                point(5, 20, 0.4));
        assertThat(new ScatterPlot(points, SCALE, SCALE, true).front()).extracting(ScatterPlot.Point::plan).containsExactly(4, 1, 0);
        assertThat(new ScatterPlot(points, SCALE, SCALE, false).front()).extracting(ScatterPlot.Point::plan).containsExactly(4, 5);
    }

    @Test
    void textIsEscaped() {
        String svg = new ScatterPlot(List.of(point(0, 1, 1), point(1, 2, 2)), SCALE, SCALE, true).svg();
        assertThat(svg).contains("a &lt; b").contains("plan &lt;1&gt;").doesNotContain("<1>");
    }

    @Test
    void onePointIsAPlotToo() {
        assertThat(new ScatterPlot(List.of(point(0, 0, 0)), SCALE, SCALE, true).svg()).doesNotContain("NaN").doesNotContain("Infinity");
    }

    @Property(tries = 300)
    void axesHoldTheirValues(@ForAll @DoubleRange(max = 1e12) double a, @ForAll @DoubleRange(max = 1e12) double b) {
        Axis axis = Axis.over(List.of(a, b), 0, 40, 360, 4);
        for (double v : List.of(a, b)) assertThat(axis.at(v)).isBetween(39.999, 360.001);
        assertThat(axis.ticks().size()).isBetween(2, 9);
        assertThat(axis.ticks().getFirst()).isEqualTo(axis.from());
    }
}
