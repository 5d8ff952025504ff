package dev.winnow.runtime.models;

import dev.winnow.weights.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Named intermediates of one or more forward passes. Values recorded several times under one name (the images of a batch, the
 * sequences of a batch) are stacked along a first dimension; where reduction left them unequal in length, each gets its own name
 * with the number of the item appended.
 */
public final class Trace {
    private record Item(float[] values, long[] shape) {}

    private final Map<String, List<Item>> items = new LinkedHashMap<>();
    private final Map<String, List<Item>> rows = new LinkedHashMap<>();
    private final Map<String, List<int[]>> indices = new LinkedHashMap<>();
    private final Map<String, List<Long>> places = new LinkedHashMap<>();
    private final List<Tensor> ready = new ArrayList<>();

    /** Records a copy of the first values of an array, as one item of the batch. */
    public void item(String name, float[] values, long... shape) {
        int n = 1;
        for (long d : shape) n *= (int) d;
        items.computeIfAbsent(name, k -> new ArrayList<>()).add(new Item(Arrays.copyOf(values, n), shape));
    }

    /** Records rows that go below those recorded under the same name before: [all rows, width]. */
    public void rows(String name, float[] values, int n, int width) {
        rows.computeIfAbsent(name, k -> new ArrayList<>()).add(new Item(Arrays.copyOf(values, n * width), new long[] {n, width}));
    }

    /** Records indices, as one item of the batch. */
    public void indices(String name, int[] values) {
        indices.computeIfAbsent(name, k -> new ArrayList<>()).add(values.clone());
    }

    /** Records places that go on after those recorded under the same name before: they are counted from the number of those. */
    public void places(String name, int[] values) {
        List<Long> all = places.computeIfAbsent(name, k -> new ArrayList<>());
        long before = all.size();
        for (int v : values) all.add(before + v);
    }

    /** Records bounds, ascending from 0, that go on after those recorded under the same name before. */
    public void bounds(String name, int[] values) {
        List<Long> all = places.computeIfAbsent(name, k -> new ArrayList<>(List.of(0L)));
        long before = all.getLast();
        for (int i = 1; i < values.length; i++) all.add(before + values[i]);
    }

    /** Records a finished tensor. */
    public void tensor(Tensor t) {
        ready.add(t);
    }

    /** Everything recorded, as tensors. */
    public List<Tensor> tensors() {
        List<Tensor> all = new ArrayList<>(ready);
        places.forEach((name, list) -> all.add(Tensor.ofLongs(name, list.stream().mapToLong(v -> v).toArray(), list.size())));
        indices.forEach((name, list) -> {
            long[] values = list.stream().flatMapToInt(Arrays::stream).asLongStream().toArray();
            all.add(Tensor.ofLongs(name, values, list.size(), values.length / list.size()));
        });
        rows.forEach((name, list) -> all.add(joined(name, list)));
        items.forEach((name, list) -> {
            boolean equal = list.stream().allMatch(i -> Arrays.equals(i.shape, list.getFirst().shape));
            if (!equal) {
                for (int i = 0; i < list.size(); i++) all.add(stack(name + "." + i, list.subList(i, i + 1)));
            } else {
                all.add(stack(name, list));
            }
        });
        return all;
    }

    private static Tensor joined(String name, List<Item> list) {
        int width = (int) list.getFirst().shape[1];
        int n = 0;
        for (Item i : list) n += (int) i.shape[0];
        float[] values = new float[n * width];
        int at = 0;
        for (Item i : list) {
            System.arraycopy(i.values, 0, values, at, i.values.length);
            at += i.values.length;
        }
        return Tensor.ofFloats(name, values, n, width);
    }

    private static Tensor stack(String name, List<Item> list) {
        Item first = list.getFirst();
        float[] values = new float[first.values.length * list.size()];
        for (int i = 0; i < list.size(); i++) System.arraycopy(list.get(i).values, 0, values, i * first.values.length, first.values.length);
        long[] shape = new long[first.shape.length + 1];
        shape[0] = list.size();
        System.arraycopy(first.shape, 0, shape, 1, first.shape.length);
        return Tensor.ofFloats(name, values, shape);
    }
}
