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
    private final List<Tensor> ready = new ArrayList<>();

    /** Records a copy of the first values of an array, as one item of the batch. */
    public void item(String name, float[] values, long... shape) {
        int n = 1;
        for (long d : shape) n *= (int) d;
        items.computeIfAbsent(name, k -> new ArrayList<>()).add(new Item(Arrays.copyOf(values, n), shape));
    }

    /** Records a finished tensor. */
    public void tensor(Tensor t) {
        ready.add(t);
    }

    /** Everything recorded, as tensors. */
    public List<Tensor> tensors() {
        List<Tensor> all = new ArrayList<>(ready);
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
