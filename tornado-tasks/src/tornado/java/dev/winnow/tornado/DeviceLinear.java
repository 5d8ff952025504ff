package dev.winnow.tornado;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Transfers;
import dev.winnow.tornado.WeightStore.Place;
import java.util.List;
import uk.ac.manchester.tornado.api.common.TornadoDevice;

/**
 * A map on a device that belongs to no layer: patch embedding, projector, vocabulary. Rows of x go there and rows of y come back, a
 * number at a time that is chosen when the map first runs.
 */
final class DeviceLinear implements AutoCloseable {
    private static final int ARGUMENTS = 16;

    private final Linear linear;
    private final Place place;
    private final DevicePlan plan;
    private final int rows;
    private Program few;
    private Program many;
    private int fewTask;
    private int manyTask;

    /** @param rows at a time, of as many as fit an array */
    DeviceLinear(TornadoDevice device, Linear linear, Activation f, int rows) {
        this.linear = linear;
        this.rows = rows;
        WeightStore weights = new WeightStore(linear.weight().dtype());
        this.place = weights.add(List.of(linear));
        this.plan = new DevicePlan(device, rows * (linear.in() + linear.out()) + 1, List.of(weights));
        DevicePlan.Weights w = plan.weights(0);
        plan.begin(linear.in(), p -> {
            few = p.add("few", 1, ARGUMENTS, g -> fewTask = LayerPrograms.product(p, g, true, w, linear.in(), f));
            many = p.add("many", 1, ARGUMENTS, g -> manyTask = LayerPrograms.product(p, g, false, w, linear.in(), f));
        });
    }

    /** Bytes that a map takes on the device. */
    static long bytes(Linear linear, int rows) {
        WeightStore weights = new WeightStore(linear.weight().dtype());
        weights.add(List.of(linear));
        return weights.size() + (long) Float.BYTES * rows * (linear.in() + linear.out());
    }

    void apply(float[] x, int n, float[] y) {
        int in = linear.in();
        int out = linear.out();
        int to = rows * in;
        for (int i = 0; i < n; i += rows) {
            int some = Math.min(rows, n - i);
            boolean one = some <= LayerPrograms.FEW;
            plan.upload(0, x, i * in, some * in);
            Program p = one ? few : many;
            LayerPrograms.setProduct(p, one ? fewTask : manyTask, one, some, 0, in, to, out, place, 0);
            plan.run(p);
            plan.download(to, y, i * out, some * out);
        }
    }

    long bytes() {
        return plan.bytes();
    }

    Transfers transfers() {
        return plan.transfers();
    }

    @Override
    public void close() {
        plan.close();
    }
}
