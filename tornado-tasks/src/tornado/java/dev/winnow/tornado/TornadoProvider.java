package dev.winnow.tornado;

import dev.winnow.layers.Backend;
import dev.winnow.layers.BackendProvider;
import java.util.ArrayList;
import java.util.List;
import uk.ac.manchester.tornado.api.TornadoRuntime;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.runtime.TornadoRuntimeProvider;

/** Finds the devices that TornadoVM sees. */
public final class TornadoProvider implements BackendProvider {
    @Override
    public String name() {
        return "tornado";
    }

    @Override
    public List<Device> devices() {
        List<Device> devices = new ArrayList<>();
        for (TornadoDevice d : found()) devices.add(describe(devices.size(), d));
        return List.copyOf(devices);
    }

    private static List<TornadoDevice> found() {
        try {
            TornadoRuntime runtime = TornadoRuntimeProvider.getTornadoRuntime();
            List<TornadoDevice> devices = new ArrayList<>();
            for (int b = 0; b < runtime.getNumBackends(); b++) {
                var backend = runtime.getBackend(b);
                for (int d = 0; d < backend.getNumDevices(); d++) devices.add(backend.getDevice(d));
            }
            return devices;
        } catch (Exception | LinkageError e) {
            // TornadoVM fails in its static initialisers, with all kinds of errors, where its modules or a driver are missing
            throw new IllegalStateException("TornadoVM could not start: " + reason(e) + "; is TORNADOVM_HOME an SDK for this JDK, and is"
                    + " there an OpenCL, CUDA or Level Zero driver for it?", e);
        }
    }

    private static String reason(Throwable e) {
        Throwable cause = e;
        while (cause.getCause() != null) cause = cause.getCause();
        if (cause.getMessage() == null) return cause.getClass().getSimpleName();
        // TornadoVM colours what it says
        return cause.getMessage().replaceAll("\\u001B\\[[0-9;]*m|\\[WARNING]", "").strip().replaceAll("\\.$", "");
    }

    private static Device describe(int index, TornadoDevice d) {
        Kind kind = switch (d.getDeviceType()) {
            case GPU -> Kind.GPU;
            case CPU -> Kind.CPU;
            default -> Kind.ACCELERATOR;
        };
        return new Device(index, d.getPhysicalDevice().getDeviceName().strip(), kind, d.getTornadoVMBackend().name(),
                d.getMaxGlobalMemory(), d.getMaxAllocMemory());
    }

    @Override
    public Backend open(Device device) {
        return new TornadoBackend(found().get(device.index()), device);
    }
}
