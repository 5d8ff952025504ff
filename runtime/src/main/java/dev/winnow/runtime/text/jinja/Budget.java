package dev.winnow.runtime.text.jinja;

import java.util.List;
import java.util.function.Supplier;

/**
 * What one rendering may use. Templates come with downloaded models, and a few loops inside each other, or a text doubled in
 * a loop, would take all time and memory. Every step costs one and every text or list that is made costs its length. The
 * budget belongs to the thread while it renders, so that each helper can spend from it.
 */
final class Budget {
    private static final long BASE = 5_000_000;
    /** For each character of input: real templates copy a message a few times and look at it a few times more. */
    private static final long PER_CHARACTER = 50;

    private static final ScopedValue<Budget> CURRENT = ScopedValue.newInstance();

    private long left;

    private Budget(long inputLength) {
        left = BASE + PER_CHARACTER * inputLength;
    }

    static <T> T within(long inputLength, Supplier<T> work) {
        return ScopedValue.where(CURRENT, new Budget(inputLength)).call(work::get);
    }

    /** @throws JinjaException when the rendering has used up what it may */
    static void spend(long cost) {
        Budget budget = CURRENT.get();
        budget.left -= cost;
        if (budget.left < 0) throw new JinjaException("the template does too much work");
    }

    /** Spends the length of something to be made of parts, before memory is taken for it. */
    static void spend(long parts, long lengthOfPart) {
        boolean beyond = lengthOfPart > 0 && parts > Long.MAX_VALUE / 2 / lengthOfPart;
        spend(beyond ? Long.MAX_VALUE / 2 : Math.max(0, parts * lengthOfPart));
    }

    /** Spends the length of a value just made. */
    static <T> T made(T value) {
        spend(value instanceof String text ? text.length() : value instanceof List<?> list ? list.size() : 1);
        return value;
    }
}
