package dev.winnow.runtime.models;

import dev.winnow.layers.Quantizer;
import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.util.Optional;

/** How matrices get into the blocks that products are computed with: from a file of rounded ones where it has them, else by rounding. */
final class Rounding {
    private final LoadLog log;
    /** Null where nothing is kept in a file. */
    private final QuantizedCache cache;
    private final LoadProgress progress;
    private final long total;
    private long done;

    /** @param total bytes of all that is stored */
    Rounding(LoadLog log, QuantizedCache cache, LoadProgress progress, long total) {
        this.log = log;
        this.cache = cache;
        this.progress = progress;
        this.total = total;
    }

    static Rounding unkept(LoadLog log) {
        return new Rounding(log, null, LoadProgress.NONE, 0);
    }

    LoadLog log() {
        return log;
    }

    /** A matrix as the file has it, if it does. */
    Optional<Tensor> kept(String name, DType blocks, int out, int in) {
        Optional<Tensor> found = find(name, blocks, out, in);
        if (found.isPresent()) log.step(name, "taken as " + blocks + " from " + cache.file().getFileName());
        return found;
    }

    private Optional<Tensor> find(String name, DType blocks, long... shape) {
        boolean sought = blocks != null && cache != null && shape.length == 2 && shape[1] % blocks.blockElements() == 0;
        return sought ? cache.find(name, blocks, shape) : Optional.empty();
    }

    /** A matrix in blocks, unless it is asked for as it is, does not fit, or takes no more room as it is. */
    Tensor rounded(Tensor matrix, DType blocks) {
        if (blocks == null || !Quantizer.fits(matrix) || matrix.data().byteSize() <= blocks.bytes(matrix.elements())) return matrix;
        Optional<Tensor> found = kept(matrix.name(), blocks, matrix.dim(0), matrix.dim(1));
        Tensor copy = found.orElseGet(() -> Quantizer.quantize(matrix, blocks));
        log.grew(matrix.name(), copy.data().byteSize() - matrix.data().byteSize());
        if (found.isPresent()) return copy;
        log.step(matrix.name(), "rounded to " + blocks);
        if (cache != null) cache.add(copy);
        done += matrix.data().byteSize();
        progress.at(Math.min(done, total), total);
        // the stored one is not needed again, or only in a few rows
        if (matrix.data().isMapped()) matrix.data().unload();
        return copy;
    }

    /** Everything has been read: tells whoever watches. */
    void finish() {
        if (done > 0) progress.at(total, total);
    }
}
