package dev.winnow.runtime.cli;

import dev.winnow.layers.Backend;
import dev.winnow.layers.BackendProvider;
import dev.winnow.layers.BackendProvider.Device;
import dev.winnow.layers.BackendProvider.Kind;
import dev.winnow.layers.CpuBackend;
import dev.winnow.runtime.RequestException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;

/** Chooses what computes. */
final class Devices {
    private static final List<String> BACKENDS = List.of("cpu", "tornado", "auto");

    private Devices() {}

    static void requireKnown(String backend) {
        if (BACKENDS.contains(backend)) return;
        throw new UsageException("--backend should be cpu, tornado or auto but is '" + backend + "'");
    }

    /**
     * A backend by its name.
     *
     * @param device     number or part of a name, or null for the first GPU, or else the first device
     * @param oneRequest whether the program ends after one request, and so before the JVM has compiled much
     * @param err        told when the processor computes because TornadoVM could not start
     * @throws RequestException when there is no such device
     */
    static Backend open(String backend, String device, boolean oneRequest, PrintWriter err) {
        requireKnown(backend);
        if (backend.equals("cpu")) {
            if (device != null) throw new UsageException("--device chooses among the devices of --backend tornado, not of cpu");
            return cpu(oneRequest);
        }
        Optional<BackendProvider> found = provider();
        if (backend.equals("auto") && device == null) return found.flatMap(p -> gpu(p, err)).orElseGet(() -> cpu(oneRequest));
        BackendProvider provider = found.orElseThrow(Devices::missing);
        return provider.open(chosen(provider.devices(), device));
    }

    private static Optional<Backend> gpu(BackendProvider provider, PrintWriter err) {
        List<Device> devices;
        try {
            devices = provider.devices();
        } catch (IllegalStateException e) {
            err.println("the processor computes, for " + e.getMessage());
            return Optional.empty();
        }
        return firstGpu(devices).map(provider::open);
    }

    private static Backend cpu(boolean oneRequest) {
        return oneRequest ? CpuBackend.forOneRequest() : CpuBackend.create();
    }

    /** Where the devices come from, in a JVM that was started with TornadoVM. */
    static Optional<BackendProvider> provider() {
        return ServiceLoader.load(BackendProvider.class).findFirst();
    }

    static RequestException missing() {
        return new RequestException("there is no TornadoVM: set TORNADOVM_HOME to its SDK for JDK 25 and start Winnow with ./winnow");
    }

    private static Optional<Device> firstGpu(List<Device> devices) {
        return devices.stream().filter(d -> d.kind() == Kind.GPU).findFirst();
    }

    private static Device chosen(List<Device> devices, String wanted) {
        if (devices.isEmpty()) throw new RequestException("TornadoVM sees no device; is there a driver for it?");
        if (wanted == null) return firstGpu(devices).orElse(devices.getFirst());
        return devices.stream().filter(d -> named(d, wanted)).findFirst().orElseThrow(() -> new RequestException("--device " + wanted
                + " fits none of the " + devices.size() + " that TornadoVM sees; 'winnow devices' lists them"));
    }

    private static boolean named(Device d, String wanted) {
        if (wanted.matches("\\d+")) return wanted.equals(Integer.toString(d.index()));
        return d.name().toLowerCase().contains(wanted.toLowerCase());
    }
}
