package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;

/** Prefix sums over the work-items of a group (Hillis and Steele 1986). All work-items of the group call this. */
final class GroupScan {
    private GroupScan() {}

    /**
     * The sum of a value over this lane and those before it.
     *
     * @param scratch as many elements as lanes; the last one is the sum over all lanes until the next call
     */
    static int inclusive(KernelContext context, int[] scratch, int lane, int lanes, int value) {
        context.localBarrier();
        scratch[lane] = value;
        context.localBarrier();
        for (int stride = 1; stride < lanes; stride = stride * 2) {
            int before = 0;
            if (lane >= stride) before = scratch[lane - stride];
            context.localBarrier();
            scratch[lane] = scratch[lane] + before;
            context.localBarrier();
        }
        return scratch[lane];
    }
}
