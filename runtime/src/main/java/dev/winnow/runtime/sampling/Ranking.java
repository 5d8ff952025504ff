package dev.winnow.runtime.sampling;

/**
 * Takes candidates from the most to the least likely, of equals the lower id first. It is a heap made in the candidates' own
 * arrays: vocabularies are large and few tokens are taken, so a full sort would be wasted. What is taken gathers at the end
 * of the arrays.
 */
final class Ranking {
    private final Candidates candidates;
    private int waiting;

    Ranking(Candidates candidates) {
        this.candidates = candidates;
        waiting = candidates.size;
        for (int i = waiting / 2 - 1; i >= 0; i--) sink(i);
    }

    boolean hasNext() {
        return waiting > 0;
    }

    /** The place of the next candidate, good until the candidates change. */
    int next() {
        waiting--;
        swap(0, waiting);
        sink(0);
        return waiting;
    }

    /** Drops the candidates that were not taken and leaves the others from the most to the least likely. */
    void keepTaken() {
        int taken = candidates.size - waiting;
        // the most likely is last: turned around, the taken ones lead in order
        for (int i = 0, j = candidates.size - 1; i < j; i++, j--) swap(i, j);
        candidates.size = taken;
    }

    private void sink(int parent) {
        for (int child; (child = 2 * parent + 1) < waiting; parent = child) {
            if (child + 1 < waiting && before(child + 1, child)) child++;
            if (!before(child, parent)) return;
            swap(child, parent);
        }
    }

    private boolean before(int a, int b) {
        float left = candidates.logits[a];
        float right = candidates.logits[b];
        return left > right || left == right && candidates.ids[a] < candidates.ids[b];
    }

    private void swap(int a, int b) {
        float logit = candidates.logits[a];
        candidates.logits[a] = candidates.logits[b];
        candidates.logits[b] = logit;
        int id = candidates.ids[a];
        candidates.ids[a] = candidates.ids[b];
        candidates.ids[b] = id;
    }
}
