package dev.winnow.runtime.cli;

/** Options that do not make sense together. */
final class UsageException extends RuntimeException {
    UsageException(String message) {
        super(message);
    }
}
