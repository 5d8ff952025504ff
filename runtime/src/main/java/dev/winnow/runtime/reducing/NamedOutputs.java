package dev.winnow.runtime.reducing;

import dev.winnow.weights.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Results by name. What the items of a batch give under one name has one shape and is stacked along a first dimension. */
final class NamedOutputs {
    private record Item(float[] floats, long[] longs, long[] shape) {}

    private final Map<String, List<Item>> items = new LinkedHashMap<>();
    private final boolean singleIsPlain;

    /** @param singleIsPlain whether a batch of one has no dimension for it */
    NamedOutputs(boolean singleIsPlain) {
        this.singleIsPlain = singleIsPlain;
    }

    NamedOutputs floats(String name, float[] values, long... shape) {
        return add(name, new Item(values, null, shape));
    }

    NamedOutputs longs(String name, int[] values, long... shape) {
        return add(name, new Item(null, Arrays.stream(values).asLongStream().toArray(), shape));
    }

    private NamedOutputs add(String name, Item item) {
        items.computeIfAbsent(name, k -> new ArrayList<>()).add(item);
        return this;
    }

    List<Tensor> tensors() {
        List<Tensor> all = new ArrayList<>();
        items.forEach((name, list) -> all.add(stacked(name, list)));
        return all;
    }

    private Tensor stacked(String name, List<Item> list) {
        long[] shape = list.getFirst().shape;
        if (list.size() > 1 || !singleIsPlain) {
            shape = new long[shape.length + 1];
            shape[0] = list.size();
            System.arraycopy(list.getFirst().shape, 0, shape, 1, shape.length - 1);
        }
        if (list.getFirst().longs != null) {
            return Tensor.ofLongs(name, list.stream().flatMapToLong(i -> Arrays.stream(i.longs)).toArray(), shape);
        }
        int each = list.getFirst().floats.length;
        float[] all = new float[each * list.size()];
        for (int b = 0; b < list.size(); b++) System.arraycopy(list.get(b).floats, 0, all, b * each, each);
        return Tensor.ofFloats(name, all, shape);
    }
}
