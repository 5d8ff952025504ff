package dev.winnow.tornado;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Backend;
import dev.winnow.layers.BackendProvider.Device;
import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.CompiledVocabulary;
import dev.winnow.layers.CpuBackend;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Norm;
import dev.winnow.layers.Transfers;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.layers.Vocabulary;
import dev.winnow.layers.Work;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import uk.ac.manchester.tornado.api.common.TornadoDevice;

/**
 * Runs layers on a device through TornadoVM. Weights go there once, keys and values stay there, hidden states come home when someone
 * looks at them. Layers without kernels run on the processor.
 *
 * <p>Requests may come from several threads; one at a time uses the device.
 */
public final class TornadoBackend implements Backend, AutoCloseable {
    /** Maps beside the layers that are kept on the device; those least used go first. */
    private static final int MAPS = 32;
    /** The share of a device's memory that Winnow takes at most. */
    private static final double SHARE = 0.95;
    /** Rows of a map that belongs to no layer which are computed at a time, at most. */
    private static final int ROWS = 1024;

    private final TornadoDevice device;
    private final Device description;
    private final CpuBackend cpu = CpuBackend.create();
    private final List<Bank> banks = new ArrayList<>();
    private final Map<Map.Entry<Linear, Activation>, DeviceLinear> maps = new LinkedHashMap<>(16, 0.75f, true);
    private final List<DeviceVocabulary> vocabularies = new ArrayList<>();
    /** Of the layer that was compiled last, or null where that has none. */
    private Bank latest;
    private Transfers closed = Transfers.NONE;
    private int onDevice;
    private int onProcessor;

    TornadoBackend(TornadoDevice device, Device description) {
        this.device = device;
        this.description = description;
    }

    @Override
    public String name() {
        return "tornado";
    }

    /** The device that layers run on. */
    public Device device() {
        return description;
    }

    @Override
    public synchronized CompiledLayer compile(TransformerLayer layer) {
        CompiledLayer here = cpu.compile(layer);
        Optional<LayerShape> shape = LayerShape.of(layer);
        if (shape.isEmpty()) {
            onProcessor++;
            latest = null;
            return new ProcessorLayer(this, here);
        }
        onDevice++;
        Bank bank = bank(shape.get());
        latest = bank;
        return new TornadoLayer(this, here, bank, bank.add(layer));
    }

    private Bank bank(LayerShape shape) {
        for (Bank b : banks) if (b.shape().equals(shape) && b.hasRoom()) return b;
        Bank bank = new Bank(this, device, shape, description.allocation());
        banks.add(bank);
        return bank;
    }

    @Override
    public synchronized Optional<CompiledVocabulary> compile(Vocabulary data) {
        if (latest == null || latest.surrounded() || data.norm() == null || !WeightStore.holds(data.head().weight().dtype())) {
            return Optional.empty();
        }
        DeviceVocabulary vocabulary = new DeviceVocabulary(this, latest, data);
        long most = Math.min(description.allocation(), Integer.MAX_VALUE);
        if (vocabulary.stores().stream().anyMatch(s -> s.largest() > most)) return Optional.empty();
        latest.surround(vocabulary);
        vocabularies.add(vocabulary);
        return Optional.of(vocabulary);
    }

    @Override
    public synchronized String prepare() {
        long needed = bytes();
        long most = (long) (SHARE * description.memory());
        if (needed > most) {
            throw new IllegalStateException("the layers need " + megabytes(needed) + " of device " + description.index() + " ("
                    + description.name() + "), which has " + megabytes(most) + " for them: " + megabytes(needed - most) + " are missing");
        }
        return onDevice + " of " + (onDevice + onProcessor) + " layers on device " + description.index() + " (" + description.name() + ", "
                + description.driver() + "): " + megabytes(needed) + " of " + megabytes(description.memory())
                + " for weights, activations and cache";
    }

    private static String megabytes(long bytes) {
        return String.format(Locale.ROOT, "%.1f MB", bytes / 1e6);
    }

    /** Bytes that are in use on the device, or will be once all layers have run. */
    public synchronized long bytes() {
        return banks.stream().mapToLong(Bank::bytes).sum() + maps.values().stream().mapToLong(DeviceLinear::bytes).sum();
    }

    /** Floats of the arenas that something has a place in now. */
    public synchronized long used() {
        return banks.stream().mapToLong(Bank::used).sum();
    }

    @Override
    public synchronized Transfers transfers() {
        Transfers all = closed;
        for (Bank b : banks) all = all.plus(b.transfers());
        for (DeviceLinear l : maps.values()) all = all.plus(l.transfers());
        return all;
    }

    @Override
    public void linear(Linear linear, float[] x, int rows, float[] y, Activation f, Work work) {
        if (rows <= 0) return;
        if (!WeightStore.holds(linear.weight().dtype())) {
            cpu.linear(linear, x, rows, y, f, work);
            return;
        }
        synchronized (this) {
            Optional<DeviceVocabulary> head = vocabularies.stream().filter(v -> v.isHead(linear, f)).findFirst();
            if (head.isPresent()) head.get().logits(x, rows, y);
            else map(linear, f, rows).apply(x, rows, y);
        }
        work.product(rows, linear.out(), linear.in());
    }

    private DeviceLinear map(Linear linear, Activation f, int rows) {
        Map.Entry<Linear, Activation> key = Map.entry(linear, f);
        DeviceLinear map = maps.get(key);
        if (map != null) return map;
        if (maps.size() == MAPS) close(maps.remove(maps.keySet().iterator().next()));
        long perRow = linear.in() + linear.out();
        long room = Math.min(description.allocation(), Integer.MAX_VALUE) / Float.BYTES / perRow - 1;
        int atATime = Math.clamp(room, 1, Math.clamp(rows, 16, ROWS));
        long missing = bytes() + DeviceLinear.bytes(linear, atATime) - (long) (SHARE * description.memory());
        if (missing > 0) {
            throw new IllegalStateException("tensor " + linear.weight().name() + " does not fit beside the layers on device "
                    + description.index() + " (" + description.name() + "): " + megabytes(missing) + " are missing");
        }
        map = new DeviceLinear(device, linear, f, atATime);
        maps.put(key, map);
        return map;
    }

    private void close(DeviceLinear map) {
        closed = closed.plus(map.transfers());
        map.close();
    }

    /** Rows of a norm are few operations for each byte: they stay where they are. */
    @Override
    public void normalise(Norm norm, float[] x, int rows, int width, float[] y) {
        cpu.normalise(norm, x, rows, width, y);
    }

    /** Brings hidden states home, wherever they are. */
    synchronized void home(float[] x) {
        for (Bank b : banks) if (b.holds(x)) b.home(x);
    }

    /** Shows an array rows of the hidden states that layers left on the device. */
    synchronized void look(float[] x, int from, int to) {
        for (Bank b : banks) b.look(x, from, to);
    }

    /** Lets hidden states that nobody will look at again go, wherever they are. */
    synchronized void forget(float[] x) {
        for (Bank b : banks) b.forget(x);
    }

    /** Brings them home unless they are in this bank. */
    void homeUnlessIn(Bank bank, float[] x) {
        if (!bank.holds(x)) home(x);
    }

    /** Gives the device's memory back; no layer may run any more. */
    @Override
    public synchronized void close() {
        maps.values().forEach(this::close);
        maps.clear();
        banks.forEach(Bank::close);
    }
}
