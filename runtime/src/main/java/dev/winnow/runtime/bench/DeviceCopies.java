package dev.winnow.runtime.bench;

import dev.winnow.layers.Backend;
import dev.winnow.layers.Transfers;
import dev.winnow.runtime.Request;
import dev.winnow.runtime.Winnow;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What crosses between processor and device for each token decoded, on average: bytes there, bytes back, launches. */
public record DeviceCopies(double toDevice, double toHost, double launches) {
    /** Counts over one more run of a request; empty where nothing crosses, or no token is decoded. */
    public static Optional<DeviceCopies> of(Winnow winnow, Request request) {
        Backend backend = winnow.languageModel().orElseThrow().backend();
        List<Transfers> counts = new ArrayList<>();
        // asked between tokens, first when the logits for the first one are there
        winnow.generate(request.withCancelled(() -> {
            counts.add(backend.transfers());
            return false;
        }), piece -> { });
        double tokens = counts.size() - 1;
        if (tokens == 0 || counts.getLast().launches() == 0) return Optional.empty();
        Transfers all = counts.getLast().minus(counts.getFirst());
        return Optional.of(new DeviceCopies(all.toDevice() / tokens, all.toHost() / tokens, all.launches() / tokens));
    }
}
