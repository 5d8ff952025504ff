package dev.winnow.tornado;

/**
 * What crossed between host and device since the counts were last taken. Weights are counted when they are loaded.
 *
 * @param toDevice bytes of weights, activations, tables and arguments
 * @param toHost   bytes of activations, cache entries and attention rows
 * @param launches task graphs executed
 */
public record Transfers(long toDevice, long toHost, long launches) {
    public static final Transfers NONE = new Transfers(0, 0, 0);

    public Transfers minus(Transfers earlier) {
        return new Transfers(toDevice - earlier.toDevice, toHost - earlier.toHost, launches - earlier.launches);
    }

    Transfers plus(Transfers more) {
        return new Transfers(toDevice + more.toDevice, toHost + more.toHost, launches + more.launches);
    }
}
