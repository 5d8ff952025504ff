package dev.winnow.runtime;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.module.ModuleFinder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;

/**
 * Starts the program again in a child JVM with the flags that a jar's manifest cannot carry.
 *
 * <p>{@code java -jar winnow.jar} resolves no incubator module, so the Vector API is missing there; and the modules of TornadoVM, which
 * {@link TornadoSdk} has the flags of. {@code ./winnow} passes the flags itself and pays for one JVM only.
 */
final class Relaunch {
    private static final String VECTOR_MODULE = "jdk.incubator.vector";
    /** Set in the child, so that children can never start children without end. */
    private static final String GUARD = "winnow.relaunched";
    private static final List<String> FLAGS = List.of(
            "--add-modules=" + VECTOR_MODULE,
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-Djava.awt.headless=true");

    private Relaunch() {}

    /**
     * Runs the program in a child JVM when this one lacks the Vector API, and waits for it.
     *
     * @param args the arguments of the program
     * @return the child's exit code, 1 when it cannot be what was asked for and that has been said, or empty when this JVM is to go on: it has the module, or is such a child
     *     already, or no child with the module can be had (the scalar kernels do then)
     */
    static OptionalInt ifNeeded(String[] args) {
        return ifNeeded(Main.class, args);
    }

    static OptionalInt ifNeeded(Class<?> main, String[] args) {
        if (System.getProperty(GUARD) != null) {
            // a parent that is killed outright cannot stop us
            ProcessHandle.current().parent()
                    .ifPresent(parent -> parent.onExit().thenRun(() -> Runtime.getRuntime().halt(143)));
            return OptionalInt.empty();
        }
        Optional<TornadoSdk> sdk;
        try {
            sdk = TornadoSdk.wantedBy(args);
        } catch (IllegalStateException e) {
            System.err.println("winnow: " + e.getMessage());
            return OptionalInt.of(1);
        }
        if (sdk.isEmpty() && ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent()
                || ModuleFinder.ofSystem().find(VECTOR_MODULE).isEmpty()) {
            return OptionalInt.empty();
        }
        Process child;
        try {
            child = new ProcessBuilder(command(main, args, sdk)).inheritIO().start();
        } catch (IOException e) {
            return OptionalInt.empty();
        }
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(child), "winnow-relaunch"));
        while (true) {
            try {
                return OptionalInt.of(child.waitFor());
            } catch (InterruptedException e) {
                child.destroy();
            }
        }
    }

    private static List<String> command(Class<?> main, String[] args, Optional<TornadoSdk> sdk) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command()
                .orElse(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        for (String given : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            // a debugger's port is taken already, by this JVM
            if (!FLAGS.contains(given) && !given.startsWith("-agentlib:jdwp")) {
                command.add(given);
            }
        }
        if (sdk.isPresent()) command.addAll(sdk.get().flags());
        command.addAll(FLAGS);
        command.add("-D" + GUARD + "=true");
        command.add("-cp");
        String classes = System.getProperty("java.class.path");
        command.add(sdk.isPresent() ? sdk.get().with(classes) : classes);
        command.add(main.getName());
        command.addAll(List.of(args));
        return command;
    }

    /** Asks the child to end and, should it not, ends it. */
    private static void stop(Process child) {
        child.destroy();
        try {
            if (!child.waitFor(5, TimeUnit.SECONDS)) {
                child.destroyForcibly();
            }
        } catch (InterruptedException e) {
            child.destroyForcibly();
        }
    }
}
