package dev.winnow.runtime;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * An installed TornadoVM, as far as starting a JVM with it goes. {@code ./winnow} does the same in its own words.
 *
 * @param argfile its flags for the JVM
 * @param backend the jar with Winnow's part of it
 */
record TornadoSdk(Path argfile, Path backend) {
    private static final String HOME = "TORNADOVM_HOME";
    private static final String JAR = "winnow-tornado.jar";
    private static final String MODULE = "tornado.runtime";
    /** Kernels that fail fail, and sums are those of the source code: no fused operations, no relaxed arithmetic. */
    private static final List<String> STRICT = List.of("-Dtornado.recover.bailout=False", "-Dtornado.enable.fma=False",
            "-Dtornado.opencl.compiler.flags=-w");

    /**
     * The SDK that this environment names, if the program was asked for something that needs it and runs without.
     *
     * @throws IllegalStateException when it names none, or Winnow's part for it is missing
     */
    static Optional<TornadoSdk> wantedBy(String[] args) {
        String home = System.getenv(HOME);
        if (home == null || home.isEmpty() || !wanted(args) || ModuleLayer.boot().findModule(MODULE).isPresent()) return Optional.empty();
        Path argfile = Path.of(home, "tornado-argfile");
        if (!Files.isReadable(argfile)) {
            throw new IllegalStateException(HOME + " is " + home + ", which has no tornado-argfile and so is no TornadoVM SDK");
        }
        return Optional.of(new TornadoSdk(argfile, builtBackend().orElseThrow(() -> new IllegalStateException(
                JAR + " is not beside the program's jar; './winnow devices' builds it when " + HOME + " is set"))));
    }

    static boolean wanted(String[] args) {
        if (args.length > 0 && args[0].equals("devices")) return true;
        for (int i = 0; i < args.length; i++) {
            String value = args[i].startsWith("--backend=") ? args[i].substring("--backend=".length())
                    : args[i].equals("--backend") && i + 1 < args.length ? args[i + 1] : "";
            if (value.equals("tornado") || value.equals("auto")) return true;
        }
        return false;
    }

    /** {@code winnow-tornado.jar} beside the program's jar, or where the build leaves it. */
    private static Optional<Path> builtBackend() {
        Path jar = Path.of(System.getProperty("java.class.path").split(File.pathSeparator)[0]).toAbsolutePath();
        Path build = Path.of("..", "..", "tornado-tasks", "target");
        return Stream.of(Path.of(""), build).map(place -> jar.resolveSibling(place).resolve(JAR).normalize())
                .filter(Files::isReadable).findFirst();
    }

    /** The flags, without the working directory on the module path: a jar there would keep the JVM from starting. */
    List<String> flags() throws IOException {
        Path copy = Files.createTempFile("winnow-tornado", ".args");
        copy.toFile().deleteOnExit();
        Files.writeString(copy, Files.readString(argfile).replace("--module-path .:", "--module-path "));
        return Stream.concat(Stream.of("@" + copy), STRICT.stream()).toList();
    }

    String with(String classes) {
        return classes + File.pathSeparator + backend;
    }
}
