package dev.winnow.runtime.tune;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Questions in two parts that share no picture, with about the same mix of types in both. Each part is in an order whose every prefix is
 * mixed too, so that a plan may be asked a few first.
 */
record QuestionSplit(int[] first, int[] second) {
    /**
     * What a split looks at.
     *
     * @param type     of the question
     * @param pictures it is about; questions that share one stay together
     */
    record Item(String type, Collection<String> pictures) {}

    /**
     * Splits some of the questions.
     *
     * @param numbers of the questions to split
     * @param share   of them that goes to the second part, 0 to 1
     */
    static QuestionSplit of(List<Item> items, int[] numbers, double share, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<List<Integer>> groups = groups(items, numbers);
        shuffle(groups, random);
        Tally tally = new Tally(share);
        List<Integer> first = new ArrayList<>();
        List<Integer> second = new ArrayList<>();
        for (List<Integer> group : groups) {
            (tally.prefersSecond(items, group) ? second : first).addAll(group);
        }
        return new QuestionSplit(mixed(items, first, random), mixed(items, second, random));
    }

    /** Questions that hang together by shared pictures, in the order of their first. */
    private static List<List<Integer>> groups(List<Item> items, int[] numbers) {
        Map<Integer, Integer> leader = new HashMap<>();
        Map<String, Integer> firstOf = new HashMap<>();
        for (int q : numbers) {
            leader.put(q, q);
            for (String picture : items.get(q).pictures()) {
                int other = leader(leader, firstOf.computeIfAbsent(picture, p -> q));
                int own = leader(leader, q);
                leader.put(Math.max(own, other), Math.min(own, other));
            }
        }
        Map<Integer, List<Integer>> groups = new LinkedHashMap<>();
        for (int q : numbers) groups.computeIfAbsent(leader(leader, q), l -> new ArrayList<>()).add(q);
        return new ArrayList<>(groups.values());
    }

    private static int leader(Map<Integer, Integer> leader, int q) {
        while (leader.get(q) != q) q = leader.get(q);
        return q;
    }

    private static <T> void shuffle(List<T> list, SplittableRandom random) {
        for (int i = list.size() - 1; i > 0; i--) list.set(i, list.set(random.nextInt(i + 1), list.get(i)));
    }

    /** Types in turns, in each a drawn order. */
    private static int[] mixed(List<Item> items, List<Integer> questions, SplittableRandom random) {
        Map<String, List<Integer>> byType = new TreeMap<>();
        for (int q : questions) byType.computeIfAbsent(items.get(q).type(), t -> new ArrayList<>()).add(q);
        byType.values().forEach(list -> shuffle(list, random));
        int longest = byType.values().stream().mapToInt(List::size).max().orElse(0);
        return IntStream.range(0, longest).boxed()
                .flatMapToInt(i -> byType.values().stream().filter(list -> i < list.size()).mapToInt(list -> list.get(i))).toArray();
    }

    /** How many of each type the parts have so far. */
    private static final class Tally {
        private final double share;
        private final Map<String, int[]> counts = new HashMap<>();
        private final int[] all = new int[2];

        Tally(double share) {
            this.share = share;
        }

        /** Whether a group keeps the types nearer to the share in the second part; counts it there. */
        boolean prefersSecond(List<Item> items, List<Integer> group) {
            double gain = 0;
            for (int q : group) {
                int[] has = counts.computeIfAbsent(items.get(q).type(), t -> new int[2]);
                gain += lack(has) + lack(all);
            }
            int part = gain > 0 ? 1 : 0;
            for (int q : group) {
                counts.get(items.get(q).type())[part]++;
                all[part]++;
            }
            return part == 1;
        }

        /** How many the second part lacks, with one more to share out: positive when it is its turn. */
        private double lack(int[] has) {
            return share * (has[0] + has[1] + 1) - has[1] - 0.5;
        }
    }
}
