package dev.winnow.layers;

/**
 * What crossed between the processor and a device. Weights are counted when they are loaded.
 *
 * @param toDevice bytes of weights, activations, tables and arguments
 * @param toHost   bytes of activations, cache entries, attention rows and choices
 * @param launches how often the device was given something to run
 */
public record Transfers(long toDevice, long toHost, long launches) {
    public static final Transfers NONE = new Transfers(0, 0, 0);

    public Transfers minus(Transfers earlier) {
        return new Transfers(toDevice - earlier.toDevice, toHost - earlier.toHost, launches - earlier.launches);
    }

    public Transfers plus(Transfers more) {
        return new Transfers(toDevice + more.toDevice, toHost + more.toHost, launches + more.launches);
    }
}
