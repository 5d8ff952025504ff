package dev.winnow.weights;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * The tensors of a model, mapped into memory: opening copies nothing, and a page is read from disk when first touched. Safe for
 * use by many threads. {@link #close} unmaps the files, after which the tensors' data throws {@link IllegalStateException}; a
 * file must not be cut short by somebody else while it is open.
 */
public final class Checkpoint implements AutoCloseable {
    private static final String SINGLE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";

    private final Path path;
    private final Arena arena;
    private final Map<String, Shard> shards = new LinkedHashMap<>();
    private final SortedMap<String, Shard> homes = new TreeMap<>();
    private boolean closed;

    private record Shard(Path file, FileTime changed, MemorySegment bytes, SafetensorsHeader header) {}

    private Checkpoint(Path path, Arena arena) {
        this.path = path;
        this.arena = arena;
    }

    /**
     * Opens a safetensors file, or a directory holding {@code model.safetensors} or, in several files,
     * {@code model.safetensors.index.json} and what it lists. Where a directory has both, the single file is taken, as the
     * libraries that write these directories do.
     *
     * @throws CheckpointException when a file is missing, unreadable or not valid, naming it
     */
    public static Checkpoint open(Path fileOrDirectory) {
        Arena arena = Arena.ofShared();
        try {
            Checkpoint opened = new Checkpoint(fileOrDirectory, arena);
            opened.load();
            return opened;
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    private void load() {
        if (!Files.isDirectory(path)) {
            loadSingle(path);
        } else if (Files.exists(path.resolve(SINGLE))) {
            loadSingle(path.resolve(SINGLE));
        } else if (Files.exists(path.resolve(INDEX))) {
            loadIndexed(path.resolve(INDEX));
        } else {
            throw new CheckpointException(path + ": holds neither " + SINGLE + " nor " + INDEX);
        }
    }

    private void loadSingle(Path file) {
        Shard shard = map(file);
        shards.put(file.toString(), shard);
        for (String name : shard.header.entries().keySet()) homes.put(name, shard);
    }

    private void loadIndexed(Path index) {
        Settings map = Settings.read(index).section("weight_map");
        for (String tensor : map.keys()) {
            String file = map.string(tensor);
            Shard shard = shards.computeIfAbsent(file, f -> map(shardPath(index, f)));
            if (!shard.header.entries().containsKey(tensor)) {
                throw new CheckpointException(index + ": tensor " + Quoted.name(tensor) + " is not in " + file);
            }
            homes.put(tensor, shard);
        }
    }

    // an index comes with the model from elsewhere, and must not point at other files of this machine
    private static Path shardPath(Path index, String file) {
        boolean plain = !file.isBlank() && !file.equals(".") && !file.equals("..") && Quoted.encodable(file)
                && file.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || Character.isISOControl(c));
        if (!plain) throw new CheckpointException(index + ": the shard " + Quoted.name(file) + " is not a plain file name");
        Path shard = index.resolveSibling(file);
        if (!Files.exists(shard)) throw new CheckpointException(index + ": the shard " + Quoted.name(file) + " is missing");
        return shard;
    }

    private Shard map(Path file) {
        if (!Files.exists(file)) throw new CheckpointException(file + ": no such file");
        if (!Files.isRegularFile(file)) throw new CheckpointException(file + ": not a regular file");
        MemorySegment bytes;
        FileTime changed;
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            changed = Files.getLastModifiedTime(file);
            bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
        } catch (IOException e) {
            throw CheckpointException.cannotRead(file, e);
        }
        return new Shard(file, changed, bytes, SafetensorsHeader.parse(bytes, file.toString()));
    }

    /** Names of all tensors, sorted. */
    public Set<String> names() {
        return Collections.unmodifiableSet(homes.keySet());
    }

    public boolean has(String name) {
        return homes.containsKey(name);
    }

    /**
     * A view of the named tensor.
     *
     * @throws CheckpointException   when there is none of that name
     * @throws IllegalStateException when this checkpoint is closed
     */
    public Tensor tensor(String name) {
        if (!arena.scope().isAlive()) throw new IllegalStateException(path + " is closed");
        Shard home = homes.get(name);
        if (home == null) throw new CheckpointException(path + ": tensor " + Quoted.name(name) + " is missing");
        return home.header.tensor(name, home.bytes);
    }

    /**
     * Name of the file that holds a tensor.
     *
     * @throws CheckpointException when there is none of that name
     */
    public String file(String tensor) {
        Shard home = homes.get(tensor);
        if (home == null) throw new CheckpointException(path + ": tensor " + Quoted.name(tensor) + " is missing");
        return String.valueOf(home.file.getFileName());
    }

    /**
     * A text that changes when a file is replaced or written to: a digest of the names, sizes, times and tables of contents of all files.
     * The data is not read.
     */
    public String fingerprint() {
        MessageDigest digest = sha256();
        for (Shard s : shards.values()) {
            String facts = s.file.getFileName() + "\n" + s.bytes.byteSize() + "\n" + s.changed.to(TimeUnit.MICROSECONDS) + "\n";
            digest.update(facts.getBytes(StandardCharsets.UTF_8));
            digest.update(s.bytes.asSlice(0, s.header.dataStart()).asByteBuffer());
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /** The files' free-form metadata; where shards disagree on a key, the one listed first counts. */
    public Map<String, String> metadata() {
        Map<String, String> all = new LinkedHashMap<>();
        for (Shard s : shards.values()) s.header.metadata().forEach(all::putIfAbsent);
        return Collections.unmodifiableMap(all);
    }

    /** Size of the mapped files, in bytes. */
    public long bytes() {
        long sum = 0;
        for (Shard s : shards.values()) sum += s.bytes.byteSize();
        return sum;
    }

    /** The path it was opened with. */
    public Path path() {
        return path;
    }

    /** Unmaps the files. Closing again does nothing. */
    @Override
    public synchronized void close() {
        if (closed) return;
        arena.close();
        closed = true;
    }
}
