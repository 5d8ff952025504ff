package dev.winnow.tornado;

import java.util.Map;
import java.util.TreeMap;

/** Places in an array of a fixed size, the first that fits; neighbours that are given back become one again. */
final class Heap {
    /** Places begin at multiples of this: 128 bytes of floats. */
    static final int UNIT = 32;
    static final int NONE = -1;

    private final int size;
    /** Free places: where they begin, and how long they are. */
    private final TreeMap<Integer, Integer> free = new TreeMap<>();
    private final Map<Integer, Integer> taken = new TreeMap<>();

    Heap(int size) {
        this.size = size / UNIT * UNIT;
        if (this.size > 0) free.put(0, this.size);
    }

    /** Where so many elements have a place now, or {@link #NONE} when there is none. */
    int take(long elements) {
        long wanted = Math.max(UNIT, (elements + UNIT - 1) / UNIT * UNIT);
        for (Map.Entry<Integer, Integer> place : free.entrySet()) {
            if (place.getValue() < wanted) continue;
            int at = place.getKey();
            int rest = place.getValue() - (int) wanted;
            free.remove(at);
            if (rest > 0) free.put(at + (int) wanted, rest);
            taken.put(at, (int) wanted);
            return at;
        }
        return NONE;
    }

    /** Gives a place back. */
    void give(int at) {
        Integer length = taken.remove(at);
        if (length == null) throw new IllegalStateException("no place was taken at " + at);
        Map.Entry<Integer, Integer> before = free.lowerEntry(at);
        if (before != null && before.getKey() + before.getValue() == at) {
            free.remove(before.getKey());
            at = before.getKey();
            length += before.getValue();
        }
        Integer after = free.remove(at + length);
        free.put(at, after == null ? length : length + after);
    }

    int size() {
        return size;
    }

    /** Elements of all places taken. */
    long used() {
        return taken.values().stream().mapToLong(Integer::longValue).sum();
    }
}
