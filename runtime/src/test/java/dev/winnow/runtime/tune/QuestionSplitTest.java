package dev.winnow.runtime.tune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.runtime.tune.QuestionSplit.Item;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class QuestionSplitTest {
    private static final String[] TYPES = {"colour", "count", "place"};

    /** Questions about one to two of some pictures. */
    private static List<Item> items(int questions, int pictures, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<Item> items = new ArrayList<>();
        for (int q = 0; q < questions; q++) {
            items.add(new Item(TYPES[random.nextInt(TYPES.length)],
                    random.ints(1 + random.nextInt(2), 0, pictures).mapToObj(p -> "picture" + p).toList()));
        }
        return items;
    }

    private static int[] all(List<Item> items) {
        return IntStream.range(0, items.size()).toArray();
    }

    @Property(tries = 200)
    void everyQuestionIsOnOneSideAndNoPictureOnBoth(@ForAll @IntRange(min = 1, max = 120) int questions,
                                                    @ForAll @IntRange(min = 1, max = 200) int pictures,
                                                    @ForAll @DoubleRange(min = 0.05, max = 0.95) double share, @ForAll long seed) {
        List<Item> items = items(questions, pictures, seed);
        QuestionSplit split = QuestionSplit.of(items, all(items), share, seed);
        int[] both = IntStream.concat(Arrays.stream(split.first()), Arrays.stream(split.second())).sorted().toArray();
        assertThat(both).containsExactly(all(items));
        Set<String> seen = new HashSet<>();
        for (int q : split.first()) seen.addAll(items.get(q).pictures());
        for (int q : split.second()) assertThat(items.get(q).pictures()).noneMatch(seen::contains);
    }

    @Property(tries = 100)
    void theSameSeedSplitsAlike(@ForAll long seed) {
        List<Item> items = items(60, 40, 3);
        QuestionSplit once = QuestionSplit.of(items, all(items), 0.5, seed);
        QuestionSplit again = QuestionSplit.of(items, all(items), 0.5, seed);
        assertThat(once.first()).containsExactly(again.first());
        assertThat(once.second()).containsExactly(again.second());
    }

    @Property(tries = 100)
    void bothSidesHaveTheSameMixOfTypes(@ForAll long seed, @ForAll @DoubleRange(min = 0.2, max = 0.8) double share) {
        List<Item> items = IntStream.range(0, 300).mapToObj(q -> new Item(TYPES[q % 3], List.of("p" + q / 2))).toList();
        QuestionSplit split = QuestionSplit.of(items, all(items), share, seed);
        assertThat((double) split.second().length).isCloseTo(300 * share, within(4.0));
        for (String type : TYPES) {
            double held = Arrays.stream(split.second()).filter(q -> items.get(q).type().equals(type)).count();
            assertThat(held).as(type).isCloseTo(100 * share, within(4.0));
        }
    }

    @Test
    void everyPrefixIsMixed() {
        List<Item> items = IntStream.range(0, 90).mapToObj(q -> new Item(TYPES[q / 30], List.of("p" + q))).toList();
        int[] first = QuestionSplit.of(items, all(items), 0.5, 7).first();
        for (int n = 3; n < 36; n += 3) {
            for (String type : TYPES) {
                assertThat(Arrays.stream(first).limit(n).filter(q -> items.get(q).type().equals(type)).count()).isEqualTo(n / 3);
            }
        }
    }
}
