package dev.winnow.runtime.reducing;

import dev.winnow.runtime.RequestException;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.util.Arrays;
import java.util.Map;

/** The tensors that a user brought, checked as they are asked for. */
record TensorInputs(String method, Map<String, Tensor> tensors) {
    /**
     * A batch of equal arrays.
     *
     * @param values row-major
     * @param batch  how many
     * @param shape  of one
     */
    record Batch(String name, float[] values, int batch, int[] shape) {
        /** The array of one item. */
        float[] item(int b) {
            int size = values.length / batch;
            return Arrays.copyOfRange(values, b * size, (b + 1) * size);
        }

        int dim(int i) {
            return shape[i];
        }
    }

    boolean has(String name) {
        return tensors.containsKey(name);
    }

    /** How a shape is written in messages: {@code [batch, tokens, width]}. */
    private RequestException shape(Tensor t, String wanted) {
        return new RequestException(method + ": " + t.name() + " should have shape " + wanted + " but has " + Arrays.toString(t.shape()));
    }

    Tensor required(String name) {
        Tensor t = tensors.get(name);
        if (t == null) throw new RequestException(method + ": the input tensor '" + name + "' is missing");
        if (t.elements() == 0) throw new RequestException(method + ": " + name + " is empty");
        return t;
    }

    /**
     * Finite numbers with a batch dimension in front, which may be left out for a batch of one.
     *
     * @param dims what the dimensions after the batch mean, for messages
     */
    Batch floats(String name, String... dims) {
        Tensor t = required(name);
        int rank = t.shape().length;
        if (rank != dims.length && rank != dims.length + 1) throw shape(t, "[batch, " + String.join(", ", dims) + "]");
        float[] values;
        try {
            values = t.toFloats();
        } catch (CheckpointException e) {
            throw new RequestException(method + ": " + name + ": " + e.getMessage());
        }
        for (int i = 0; i < values.length; i++) {
            if (!Float.isFinite(values[i])) {
                throw new RequestException(method + ": value " + i + " of " + name + " is " + values[i] + "; all should be finite");
            }
        }
        int[] shape = new int[dims.length];
        for (int i = 0; i < shape.length; i++) shape[i] = t.dim(i - shape.length);
        return new Batch(name, values, rank == dims.length ? 1 : t.dim(0), shape);
    }

    /** Whole numbers [batch, count], the batch left out or not. */
    long[][] longs(String name, String dim) {
        Tensor t = required(name);
        if (t.dtype() != DType.I64 && t.dtype() != DType.I32) {
            throw new RequestException(method + ": " + name + " should hold integers but is " + t.dtype());
        }
        int rank = t.shape().length;
        if (rank != 1 && rank != 2) throw shape(t, "[batch, " + dim + "]");
        long[] values = t.toLongs();
        int count = t.dim(-1);
        long[][] rows = new long[values.length / count][];
        for (int b = 0; b < rows.length; b++) rows[b] = Arrays.copyOfRange(values, b * count, (b + 1) * count);
        return rows;
    }

    /** Checks that two inputs agree in a number. */
    void requireEqual(String what, String first, int a, String second, int b) {
        if (a != b) throw new RequestException(method + ": " + first + " has " + a + " " + what + " but " + second + " has " + b);
    }
}
