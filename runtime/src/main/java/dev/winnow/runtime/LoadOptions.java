package dev.winnow.runtime;

import dev.winnow.layers.Backend;
import dev.winnow.layers.CpuBackend;
import dev.winnow.runtime.models.LoadProgress;
import dev.winnow.runtime.models.Quantization;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * How a model is opened.
 *
 * @param backend       what computes
 * @param quantization  what matrices are rounded to
 * @param keepQuantized whether rounded matrices are kept in a file beside the model, {@code winnow-q8.safetensors} or
 *                      {@code winnow-q4.safetensors}; later openings with the same rounding and adapters map it instead of rounding
 *                      again, whether they ask for keeping or not, as long as the model's files are unchanged
 * @param adapters      directories of LoRA adapters in PEFT's layout, merged in this order
 * @param progress      told how far rounding has come
 */
public record LoadOptions(Backend backend, Quantization quantization, boolean keepQuantized, List<Path> adapters, LoadProgress progress) {
    public LoadOptions {
        adapters = List.copyOf(adapters);
    }

    /** On the CPU, as stored. */
    public static LoadOptions defaults() {
        return on(CpuBackend.create());
    }

    /** On a backend, as stored. */
    public static LoadOptions on(Backend backend) {
        return new LoadOptions(backend, Quantization.NONE, false, List.of(), LoadProgress.NONE);
    }

    public LoadOptions withQuantization(Quantization other) {
        return new LoadOptions(backend, other, keepQuantized, adapters, progress);
    }

    public LoadOptions withKeptQuantization(boolean keep) {
        return new LoadOptions(backend, quantization, keep, adapters, progress);
    }

    /** One more adapter. */
    public LoadOptions withAdapter(Path directory) {
        List<Path> more = new ArrayList<>(adapters);
        more.add(directory);
        return new LoadOptions(backend, quantization, keepQuantized, more, progress);
    }

    public LoadOptions withProgress(LoadProgress other) {
        return new LoadOptions(backend, quantization, keepQuantized, adapters, other);
    }
}
