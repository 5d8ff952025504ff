package dev.winnow.runtime;

/** A request that a model cannot serve; the message says why in one sentence. */
public final class RequestException extends RuntimeException {
    public RequestException(String message) {
        super(message);
    }
}
