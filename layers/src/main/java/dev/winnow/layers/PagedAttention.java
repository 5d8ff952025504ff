package dev.winnow.layers;

import java.util.Arrays;

/** Attention of one query over the most promising pages of a cache (Quest). */
final class PagedAttention {
    private static final ThreadLocal<float[]> SCRATCH = ThreadLocal.withInitial(() -> new float[0]);

    private PagedAttention() {}

    /** Whether a mode leaves entries out, which otherwise is attention as usual. */
    static boolean leavesOut(AttentionMode.Pages mode, KeyValues kv) {
        for (int h = 0; h < kv.heads(); h++) if (kv.length(h) > (long) mode.most() * mode.size()) return true;
        return false;
    }

    /**
     * As {@link TiledAttention#attend} with one query that sees every entry.
     *
     * @return entries and bounds looked at, summed over heads
     */
    static long attend(Kernels kernels, Workers workers, float[] q, int heads, KeyValues kv, float scale, float softcap,
                       AttentionMode.Pages mode, float[] out) {
        int group = heads / kv.heads();
        PageIndex index = kv.pages(mode.size());
        long[] seen = new long[kv.heads()];
        workers.each(kv.heads(), h -> {
            index.follow(kv, h);
            int pages = (kv.length(h) + mode.size() - 1) / mode.size();
            float[] bounds = new float[pages];
            for (int head = h * group; head < (h + 1) * group; head++) {
                index.bounds(kernels, h, q, head * kv.headDim(), kv.headDim(), bounds);
                seen[h] += pages + attend(kernels, q, head * kv.headDim(), h, kv, scale, softcap, mode.size(), chosen(bounds, mode.most()),
                        out);
            }
        });
        return Arrays.stream(seen).sum();
    }

    /** The last page and those with the highest bounds, equal ones by the lower number, ascending. */
    static int[] chosen(float[] bounds, int most) {
        int last = bounds.length - 1;
        if (most >= bounds.length) {
            int[] all = new int[bounds.length];
            Arrays.setAll(all, p -> p);
            return all;
        }
        long[] ranked = new long[last];
        for (int p = 0; p < last; p++) {
            int raw = Float.floatToIntBits(bounds[p] + 0f);
            // ascending as numbers; inverted, so that the highest comes first
            int ordered = raw ^ (raw >> 31 & 0x7fffffff);
            ranked[p] = ((long) ~ordered << 32) | p;
        }
        Arrays.sort(ranked);
        int[] chosen = new int[most];
        for (int i = 0; i < most - 1; i++) chosen[i] = (int) ranked[i];
        chosen[most - 1] = last;
        Arrays.sort(chosen);
        return chosen;
    }

    private static int attend(Kernels kernels, float[] q, int at, int h, KeyValues kv, float scale, float softcap, int size,
                              int[] pages, float[] out) {
        int dim = kv.headDim();
        int length = kv.length(h);
        float[] scratch = SCRATCH.get();
        int most = pages.length * size;
        if (scratch.length < most + size * dim) SCRATCH.set(scratch = new float[most + size * dim]);
        float[] bias = kv.bias(h);
        int count = 0;
        for (int p : pages) {
            int to = Math.min(length, (p + 1) * size);
            float[] keys = kv.packed() ? scratch : kv.keys();
            int first = kv.packed() ? most : kv.offset(h) + p * size * dim;
            if (kv.packed()) kv.readKeys(h, p * size, to, scratch, most, dim);
            for (int i = p * size; i < to; i++, first += dim) {
                scratch[count++] = kernels.dot(q, at, keys, first, dim) * scale;
            }
        }
        Softcap.apply(kernels, scratch, 0, count, softcap);
        if (bias != null) addBias(kernels, scratch, bias, size, pages, length);
        float sum = kernels.expMinus(scratch, 0, count, kernels.max(scratch, 0, count));
        Arrays.fill(out, at, at + dim, 0f);
        int next = 0;
        for (int p : pages) {
            int to = Math.min(length, (p + 1) * size);
            float[] values = kv.packed() ? scratch : kv.values();
            int first = kv.packed() ? most : kv.offset(h) + p * size * dim;
            if (kv.packed()) kv.readValues(h, p * size, to, scratch, most, dim);
            for (int i = p * size; i < to; i++, first += dim) kernels.addScaled(out, at, values, first, dim, scratch[next++]);
        }
        if (sum != 0) kernels.scale(out, at, dim, 1 / sum);
        return count;
    }

    private static void addBias(Kernels kernels, float[] logits, float[] bias, int size, int[] pages, int length) {
        int next = 0;
        for (int p : pages) {
            int n = Math.min(length, (p + 1) * size) - p * size;
            kernels.addScaled(logits, next, bias, p * size, n, 1f);
            next += n;
        }
    }
}
