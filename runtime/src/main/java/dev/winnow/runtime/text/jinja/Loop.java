package dev.winnow.runtime.text.jinja;

import java.util.List;

/** The variable {@code loop}. */
final class Loop {
    private final List<Object> items;
    private int index0;
    private Object lastChecked = this;

    Loop(List<Object> items) {
        this.items = items;
    }

    void at(int place) {
        index0 = place;
    }

    Object attribute(String name) {
        int size = items.size();
        return switch (name) {
            case "index" -> index0 + 1L;
            case "index0" -> (long) index0;
            case "revindex" -> (long) size - index0;
            case "revindex0" -> size - index0 - 1L;
            case "first" -> index0 == 0;
            case "last" -> index0 == size - 1;
            case "length" -> (long) size;
            // only recursive loops, which are not supported, go deeper
            case "depth" -> 1L;
            case "depth0" -> 0L;
            case "previtem" ->
                    index0 > 0 ? items.get(index0 - 1) : new Undefined("the first round of a loop has no previous item");
            case "nextitem" ->
                    index0 < size - 1 ? items.get(index0 + 1) : new Undefined("the last round of a loop has no next item");
            case "cycle" -> (Callable) given -> {
                if (given.positional().isEmpty()) throw new JinjaException("there is nothing to cycle through");
                return given.get(index0 % given.positional().size());
            };
            case "changed" -> (Callable) given -> {
                Object now = given.positional();
                boolean changed = lastChecked == this || !Values.equal(lastChecked, now);
                lastChecked = now;
                return changed;
            };
            default -> new Undefined("'loop' has no '" + name + "'");
        };
    }
}
