package dev.winnow.reduction;

import dev.winnow.layers.CompiledLayer;
import java.util.Arrays;

/**
 * How live tokens are made of earlier ones: a sparse matrix [rows, sources] whose row i says with which weights which old tokens
 * make new token i. Pruning is a selection, merging an average, pooling a block average, clustering a partition. Rows need not sum
 * to one (some methods add a sum to a token). Maps compose, so that any final token can be traced to source patches.
 */
public final class TokenMap {
    private final int sources;
    private final int[] start;
    private final int[] index;
    private final float[] weight;
    /** Given anchors, or null to go by weights. */
    private final int[] anchors;

    private TokenMap(int sources, int[] start, int[] index, float[] weight, int[] anchors) {
        this.sources = sources;
        this.start = start;
        this.index = index;
        this.weight = weight;
        this.anchors = anchors;
    }

    /**
     * The same map with given anchors, for methods where a new token takes the place of one that does not weigh most.
     *
     * @param anchors for each row one of the old tokens
     */
    public TokenMap anchoredAt(int[] anchors) {
        if (anchors.length != rows()) throw new IllegalArgumentException(anchors.length + " anchors for " + rows() + " rows");
        return new TokenMap(sources, start, index, weight, anchors.clone());
    }

    /** Every token stays as it is. */
    public static TokenMap identity(int n) {
        int[] all = new int[n];
        Arrays.setAll(all, i -> i);
        return select(all, n);
    }

    /** New token i is old token keep[i]. */
    public static TokenMap select(int[] keep, int sources) {
        int[] start = new int[keep.length + 1];
        Arrays.setAll(start, i -> i);
        float[] weight = new float[keep.length];
        Arrays.fill(weight, 1f);
        for (int k : keep) {
            if (k < 0 || k >= sources) throw new IllegalArgumentException("token " + k + " does not exist among " + sources);
        }
        return new TokenMap(sources, start, keep.clone(), weight, null);
    }

    /**
     * A map row by row.
     *
     * @param index  for each new token the old ones it is made of
     * @param weight their weights, same shape
     */
    public static TokenMap of(int sources, int[][] index, float[][] weight) {
        int[] start = new int[index.length + 1];
        for (int i = 0; i < index.length; i++) start[i + 1] = start[i] + index[i].length;
        int[] allIndex = new int[start[index.length]];
        float[] allWeight = new float[allIndex.length];
        for (int i = 0; i < index.length; i++) {
            if (index[i].length == 0) throw new IllegalArgumentException("row " + i + ": made of no token");
            if (index[i].length != weight[i].length) throw new IllegalArgumentException("row " + i + ": indices and weights differ in number");
            System.arraycopy(index[i], 0, allIndex, start[i], index[i].length);
            System.arraycopy(weight[i], 0, allWeight, start[i], index[i].length);
        }
        for (int k : allIndex) {
            if (k < 0 || k >= sources) throw new IllegalArgumentException("token " + k + " does not exist among " + sources);
        }
        return new TokenMap(sources, start, allIndex, allWeight, null);
    }

    /** New tokens. */
    public int rows() {
        return start.length - 1;
    }

    /** Old tokens. */
    public int sources() {
        return sources;
    }

    /** The old tokens in row i. */
    public int[] sourcesOf(int row) {
        return Arrays.copyOfRange(index, start[row], start[row + 1]);
    }

    /** Their weights. */
    public float[] weightsOf(int row) {
        return Arrays.copyOfRange(weight, start[row], start[row + 1]);
    }

    /** The token whose place the new one takes: unless given, the source with the largest weight in a row, the lowest of equals. */
    public int anchor(int row) {
        if (anchors != null) return anchors[row];
        int best = start[row];
        for (int e = start[row] + 1; e < start[row + 1]; e++) {
            if (weight[e] > weight[best] || weight[e] == weight[best] && index[e] < index[best]) best = e;
        }
        return index[best];
    }

    /** For each old token the row in which it weighs most, the lowest of equals; -1 for one that is in none. */
    public int[] owners() {
        int[] owner = new int[sources];
        float[] most = new float[sources];
        Arrays.fill(owner, -1);
        for (int i = 0; i < rows(); i++) {
            for (int e = start[i]; e < start[i + 1]; e++) {
                if (owner[index[e]] >= 0 && weight[e] <= most[index[e]]) continue;
                owner[index[e]] = i;
                most[index[e]] = weight[e];
            }
        }
        return owner;
    }

    public boolean isIdentity() {
        if (rows() != sources) return false;
        for (int i = 0; i < sources; i++) {
            if (start[i + 1] != i + 1 || index[i] != i || weight[i] != 1f) return false;
        }
        return true;
    }

    /** y = map * x for x [sources, width] and y [rows, width]; y must not be x. */
    public void apply(float[] x, int width, float[] y) {
        for (int i = 0; i < rows(); i++) {
            int e = start[i];
            int to = i * width;
            if (start[i + 1] - e == 1 && weight[e] == 1f) {
                System.arraycopy(x, index[e] * width, y, to, width);
                continue;
            }
            Arrays.fill(y, to, to + width, 0f);
            for (; e < start[i + 1]; e++) {
                int from = index[e] * width;
                float w = weight[e];
                for (int c = 0; c < width; c++) y[to + c] += w * x[from + c];
            }
        }
    }

    /** {@link #apply} where a layer let x stay; whether that was done. */
    boolean apply(CompiledLayer where, float[] x, float[] y) {
        return where.combine(x, sources, start, index, weight, y);
    }

    /** For each new token the plain sum of a quantity that its sources bring along whole, such as their sizes or attention received. */
    public float[] total(float[] perSource, int offset) {
        float[] t = new float[rows()];
        for (int i = 0; i < t.length; i++) {
            for (int e = start[i]; e < start[i + 1]; e++) t[i] += perSource[offset + index[e]];
        }
        return t;
    }

    /** First this map, then next: a map from this one's sources to next's rows. */
    public TokenMap then(TokenMap next) {
        if (next.sources != rows()) throw new IllegalArgumentException("a map of " + next.sources + " tokens cannot follow one that leaves " + rows());
        int[][] newIndex = new int[next.rows()][];
        float[][] newWeight = new float[next.rows()][];
        float[] sum = new float[sources];
        boolean[] seen = new boolean[sources];
        int[] touched = new int[sources];
        for (int i = 0; i < next.rows(); i++) {
            int count = 0;
            for (int e = next.start[i]; e < next.start[i + 1]; e++) {
                for (int f = start[next.index[e]]; f < start[next.index[e] + 1]; f++) {
                    int s = index[f];
                    if (!seen[s]) {
                        seen[s] = true;
                        touched[count++] = s;
                    }
                    sum[s] += next.weight[e] * weight[f];
                }
            }
            newIndex[i] = Arrays.copyOf(touched, count);
            newWeight[i] = new float[count];
            for (int t = 0; t < count; t++) {
                int s = touched[t];
                newWeight[i][t] = sum[s];
                sum[s] = 0;
                seen[s] = false;
            }
        }
        TokenMap composed = of(sources, newIndex, newWeight);
        if (anchors == null && next.anchors == null) return composed;
        int[] composedAnchors = new int[next.rows()];
        Arrays.setAll(composedAnchors, i -> anchor(next.anchor(i)));
        return composed.anchoredAt(composedAnchors);
    }

    /**
     * Undoes a merge for dense prediction: each old token gets the value of the new token it went into (the mean of them if several);
     * dropped tokens get zeros.
     *
     * @param y [rows, width]
     * @return [sources, width]
     */
    public float[] expand(float[] y, int width) {
        float[] x = new float[sources * width];
        int[] parts = new int[sources];
        for (int i = 0; i < rows(); i++) {
            for (int e = start[i]; e < start[i + 1]; e++) {
                int s = index[e];
                parts[s]++;
                for (int c = 0; c < width; c++) x[s * width + c] += (y[i * width + c] - x[s * width + c]) / parts[s];
            }
        }
        return x;
    }
}
