package dev.winnow.weights;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** A directory as model hubs lay it out: {@code config.json}, further settings, and the weights. Safe for use by many threads. */
public final class ModelDirectory implements AutoCloseable {
    private final Path path;
    private final Settings config;
    private Checkpoint checkpoint;
    private boolean closed;

    private ModelDirectory(Path path, Settings config) {
        this.path = path;
        this.config = config;
    }

    /**
     * Opens a directory and reads its {@code config.json}; the weights wait until they are asked for.
     *
     * @throws CheckpointException when the directory or its config is missing or not readable
     */
    public static ModelDirectory open(Path dir) {
        if (!Files.exists(dir)) throw new CheckpointException(dir + ": no such directory");
        if (!Files.isDirectory(dir)) throw new CheckpointException(dir + ": not a directory");
        Path config = dir.resolve("config.json");
        if (!Files.exists(config)) throw new CheckpointException(dir + ": holds no config.json");
        return new ModelDirectory(dir, Settings.read(config));
    }

    public Path path() {
        return path;
    }

    /** The contents of {@code config.json}. */
    public Settings config() {
        return config;
    }

    /**
     * The contents of another JSON file of this directory, when there is one.
     *
     * @param fileName a plain name such as {@code generation_config.json}
     * @throws CheckpointException when the file is there and does not hold a JSON object
     */
    public Optional<Settings> optional(String fileName) {
        Path file = path.resolve(fileName);
        return Files.exists(file) ? Optional.of(Settings.read(file)) : Optional.empty();
    }

    /**
     * The weights, opened on the first call and closed with this directory.
     *
     * @throws CheckpointException   when they are missing or not valid
     * @throws IllegalStateException when this directory is closed
     */
    public synchronized Checkpoint checkpoint() {
        if (closed) throw new IllegalStateException(path + " is closed");
        if (checkpoint == null) checkpoint = Checkpoint.open(path);
        return checkpoint;
    }

    /** Closes the weights if they were opened. Closing again does nothing. */
    @Override
    public synchronized void close() {
        closed = true;
        if (checkpoint != null) checkpoint.close();
    }
}
