package dev.winnow.layers;

/**
 * Learned numbers that are added to attention logits by where query and key lie to each other (Bao et al. 2021). Tokens are told apart
 * by their positions, so what reduction keeps takes its rows and columns along.
 *
 * @param tokens  positions there are
 * @param entries numbers of a head
 * @param index   [tokens, tokens], which entry a query and a key get
 * @param table   [heads, entries]
 */
public record RelativePositionBias(int tokens, int entries, int[] index, float[] table) {
    /** Adds to the logits of one query against keys at the given positions, from slot on. */
    void add(int head, int query, int[] keys, int slot, int count, float[] logits, int offset) {
        int row = query * tokens;
        int base = head * entries;
        for (int i = 0; i < count; i++) logits[offset + i] += table[base + index[row + keys[slot + i]]];
    }

    /** Both biases at once; they have the same index. */
    public RelativePositionBias plus(RelativePositionBias other) {
        float[] sum = table.clone();
        for (int i = 0; i < sum.length; i++) sum[i] += other.table[i];
        return new RelativePositionBias(tokens, entries, index, sum);
    }
}
