package dev.winnow.layers;

import java.util.List;

/**
 * A backend that may or may not be there, found with {@link java.util.ServiceLoader}. What is missing (a driver, a device) is said in
 * one sentence, the message of an {@link IllegalStateException}.
 */
public interface BackendProvider {
    /** The name that users choose it by: "tornado". */
    String name();

    /**
     * Devices in a fixed order, by whose places users choose one; may be empty.
     *
     * @throws IllegalStateException when they cannot be listed
     */
    List<Device> devices();

    /**
     * A backend on a device.
     *
     * @param device one of {@link #devices}
     */
    Backend open(Device device);

    /** What kind of thing a device is. */
    enum Kind { GPU, CPU, ACCELERATOR }

    /**
     * A device.
     *
     * @param index      its place in the list
     * @param driver     what it is driven by: "OpenCL", "PTX", "SPIR-V"
     * @param memory     bytes, all of it
     * @param allocation the most bytes of one allocation
     */
    record Device(int index, String name, Kind kind, String driver, long memory, long allocation) {}
}
