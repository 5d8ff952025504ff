package dev.winnow.weights;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** A model file that is missing, damaged or not what was expected. The message names the file and the tensor or key. */
public final class CheckpointException extends RuntimeException {
    public CheckpointException(String message) {
        super(message);
    }

    public CheckpointException(String message, Throwable cause) {
        super(message, cause);
    }

    static CheckpointException cannotRead(Path file, IOException cause) {
        return new CheckpointException("cannot read " + file + ": " + reason(cause), cause);
    }

    static CheckpointException cannotWrite(Path file, IOException cause) {
        return new CheckpointException("cannot write " + file + ": " + reason(cause), cause);
    }

    // the message of a FileSystemException is often the bare file name, which says nothing about what went wrong
    private static String reason(IOException e) {
        if (e instanceof NoSuchFileException missing) return "no such file: " + missing.getFile();
        if (e instanceof AccessDeniedException) return "access denied";
        if (e instanceof FileSystemException system && system.getReason() != null) return system.getReason();
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }
}
