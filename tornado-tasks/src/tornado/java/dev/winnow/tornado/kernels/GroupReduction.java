package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;

/**
 * Sums and maxima over the work-items of a group, by halving in local memory. All work-items of the group call these, and all get the
 * result; the scratch may be used again at once.
 */
final class GroupReduction {
    private GroupReduction() {}

    /**
     * The sum of a value over the lanes.
     *
     * @param scratch as many elements as lanes
     * @param lanes   a power of two
     */
    static float sum(KernelContext context, float[] scratch, int lane, int lanes, float value) {
        scratch[lane] = value;
        context.localBarrier();
        for (int stride = lanes / 2; stride > 0; stride = stride / 2) {
            if (lane < stride) scratch[lane] = scratch[lane] + scratch[lane + stride];
            context.localBarrier();
        }
        float total = scratch[0];
        context.localBarrier();
        return total;
    }

    /** The largest of a value over the lanes. */
    static float max(KernelContext context, float[] scratch, int lane, int lanes, float value) {
        scratch[lane] = value;
        context.localBarrier();
        for (int stride = lanes / 2; stride > 0; stride = stride / 2) {
            if (lane < stride) {
                float other = scratch[lane + stride];
                if (other > scratch[lane]) scratch[lane] = other;
            }
            context.localBarrier();
        }
        float most = scratch[0];
        context.localBarrier();
        return most;
    }

    /**
     * Leaves in element 0 the largest value and the lowest index that has it.
     *
     * @param values  holds a value of each lane
     * @param indices holds its index
     */
    static void best(KernelContext context, float[] values, int[] indices, int lane, int lanes) {
        context.localBarrier();
        for (int stride = lanes / 2; stride > 0; stride = stride / 2) {
            if (lane < stride) {
                float other = values[lane + stride];
                int index = indices[lane + stride];
                if (other > values[lane] || (other == values[lane] && index < indices[lane])) {
                    values[lane] = other;
                    indices[lane] = index;
                }
            }
            context.localBarrier();
        }
    }
}
