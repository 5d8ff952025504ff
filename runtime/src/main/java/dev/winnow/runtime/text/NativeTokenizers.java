package dev.winnow.runtime.text;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLConnection;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;

/**
 * Loads Hugging Face's Rust tokenizers, the native half of DJL's binding, out of the jar.
 *
 * <p>DJL has a loader of its own. It is passed by because it reports each start to a server when it runs on EC2, asks the
 * system for CUDA devices, downloads another build of the library when it finds one, and logs all of this. Here nothing
 * leaves the machine: the library is copied once to {@code $XDG_CACHE_HOME/winnow} (else {@code ~/.cache/winnow}), or, where
 * that cannot be written, to a private temporary directory for the life of this process.
 */
final class NativeTokenizers {
    /** That of the library in the jar, as it says itself; known here so that a start need not open the jar. */
    static final String VERSION = "0.21.0-0.34.0";
    private static final String RESOURCES = "native/lib/";

    private NativeTokenizers() {}

    private static final class Loaded {
        static {
            load();
        }

        static final TokenizersLibrary LIBRARY = TokenizersLibrary.LIB;
    }

    /**
     * The native calls, loaded on first use.
     *
     * @throws IllegalStateException when there is no build for this machine or it cannot be loaded
     */
    static TokenizersLibrary library() {
        try {
            return Loaded.LIBRARY;
        } catch (ExceptionInInitializerError e) {
            if (e.getCause() instanceof IllegalStateException known) throw known;
            throw e;
        } catch (NoClassDefFoundError e) {
            throw new IllegalStateException("the native tokenizer library failed to load earlier in this process", e);
        }
    }

    @SuppressWarnings("restricted")
    private static void load() {
        String platform = platform(System.getProperty("os.name"), System.getProperty("os.arch"));
        Path cache = cacheHome().resolve("tokenizers-" + VERSION + "-" + platform);
        for (String name : libraries()) {
            try {
                Path copy = noted(cache, name) ? cache.resolve(name) : copied(resource(platform, name), cache, name);
                System.load(copy.toAbsolutePath().toString());
            } catch (IOException | UnsatisfiedLinkError e) {
                throw new IllegalStateException("the native tokenizer library cannot be loaded: " + e.getMessage(), e);
            }
        }
    }

    /** The name of the build for a machine, as the jar spells it. */
    static String platform(String osName, String osArch) {
        String os = osName.toLowerCase(Locale.ROOT);
        String system = os.startsWith("windows") ? "win" : os.startsWith("mac") ? "osx" : "linux";
        String arch = switch (osArch) {
            case "amd64", "x86_64" -> "x86_64";
            case "aarch64", "arm64" -> "aarch64";
            default -> osArch;
        };
        return system + "-" + arch;
    }

    // in the order in which they depend on each other
    private static List<String> libraries() {
        String name = System.mapLibraryName("tokenizers");
        return name.endsWith(".dll")
                ? List.of("libwinpthread-1.dll", "libgcc_s_seh-1.dll", "libstdc++-6.dll", name)
                : List.of(name);
    }

    private static URL resource(String platform, String name) {
        URL resource = TokenizersLibrary.class.getClassLoader().getResource(RESOURCES + platform + "/cpu/" + name);
        if (resource == null) throw new IllegalStateException("there is no native tokenizer library for " + platform);
        return resource;
    }

    private static Path cacheHome() {
        String configured = System.getenv("XDG_CACHE_HOME");
        Path home = configured != null && Path.of(configured).isAbsolute()
                ? Path.of(configured)
                : Path.of(System.getProperty("user.home"), ".cache");
        return home.resolve("winnow");
    }

    private static Path copied(URL resource, Path cache, String name) throws IOException {
        try {
            return copiedTo(cache, resource, name);
        } catch (IOException | SecurityException notWritable) {
            Path own = Files.createTempDirectory("winnow-tokenizers");
            own.toFile().deleteOnExit();
            Path copy = copiedTo(own, resource, name);
            copy.toFile().deleteOnExit();
            return copy;
        }
    }

    /** Whether an earlier copy is there, as long as was noted beside it. */
    static boolean noted(Path directory, String name) throws IOException {
        Path note = note(directory, name);
        return Files.isRegularFile(note) && Files.isRegularFile(directory.resolve(name))
                && Files.readString(note).equals(Long.toString(Files.size(directory.resolve(name))));
    }

    private static Path note(Path directory, String name) {
        return directory.resolve(name + ".size");
    }

    /** The file in {@code directory}, copied there unless a whole copy is present; its length is noted beside it. */
    static Path copiedTo(Path directory, URL resource, String name) throws IOException {
        Path target = directory.resolve(name);
        URLConnection connection = resource.openConnection();
        // a connection that keeps the jar open would leave it locked on Windows
        connection.setUseCaches(false);
        try (InputStream in = connection.getInputStream()) {
            if (!Files.isRegularFile(target) || Files.size(target) != connection.getContentLengthLong()) replace(target, in);
            byte[] length = Long.toString(connection.getContentLengthLong()).getBytes(StandardCharsets.US_ASCII);
            replace(note(directory, name), new ByteArrayInputStream(length));
        }
        return target;
    }

    private static void replace(Path target, InputStream in) throws IOException {
        Files.createDirectories(target.getParent());
        // another process may be copying too: each writes its own file and the last rename wins, whole either way
        Path partial = Files.createTempFile(target.getParent(), target.getFileName().toString(), ".partial");
        try {
            Files.copy(in, partial, StandardCopyOption.REPLACE_EXISTING);
            Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(partial);
        }
    }
}
