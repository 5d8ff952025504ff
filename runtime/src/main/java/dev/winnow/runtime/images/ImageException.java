package dev.winnow.runtime.images;

/** An image that cannot be read, written or used. The message is one sentence that names the file. */
public final class ImageException extends RuntimeException {
    public ImageException(String message) {
        super(message);
    }

    public ImageException(String message, Throwable cause) {
        super(message, cause);
    }
}
