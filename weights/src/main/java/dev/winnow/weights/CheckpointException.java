package dev.winnow.weights;

/** A model file that is missing, damaged or not what was expected. The message names the file and the tensor or key. */
public final class CheckpointException extends RuntimeException {
    public CheckpointException(String message) {
        super(message);
    }

    public CheckpointException(String message, Throwable cause) {
        super(message, cause);
    }
}
