package dev.winnow.examples.bench;

import dev.winnow.runtime.bench.CpuClock;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Another engine in a process of its own, so that its threads, heap and options are its own. It reads a command per line and, once that
 * is done, answers in a line that starts with {@code @}; whatever else it prints is passed over. The first answer means it is ready. Wall
 * and processor time are taken here, with the clocks that Winnow itself is measured with.
 */
final class PeerProcess implements AutoCloseable {
    private final String name;
    private final Process process;
    private final Writer commands;
    private final BufferedReader answers;

    private PeerProcess(String name, Process process) {
        this.name = name;
        this.process = process;
        this.commands = process.outputWriter(StandardCharsets.UTF_8);
        this.answers = process.inputReader(StandardCharsets.UTF_8);
        // an interrupted benchmark must not leave a long computation behind
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
    }

    /** @param log gets what the process writes to its error stream */
    static PeerProcess start(String name, List<String> command, Path log) throws IOException {
        PeerProcess peer = new PeerProcess(name, new ProcessBuilder(command).redirectError(log.toFile()).start());
        try {
            peer.answer();
            return peer;
        } catch (RuntimeException e) {
            peer.close();
            throw new IllegalStateException(e.getMessage() + "; its messages are in " + log, e);
        }
    }

    /** A JVM on a program of the package of peers, with its options in front. */
    static List<String> java(Path peers, String program, String... options) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("--enable-native-access=ALL-UNNAMED");
        command.addAll(List.of(options));
        String libraries = peers.resolve("jars") + File.separator + "*";
        command.addAll(List.of("-cp", libraries + File.pathSeparator + System.getProperty("java.class.path"),
                "dev.winnow.examples.peers." + program));
        return command;
    }

    /** libtorch, by the program's arguments; its native code is unpacked among the peers. */
    static PeerProcess libtorch(Path peers, int threads, String... arguments) throws IOException {
        List<String> command = java(peers, "Libtorch", "-Dai.djl.offline=true", "-Dai.djl.pytorch.num_threads=" + threads,
                "-DDJL_CACHE_DIR=" + peers.resolve("djl"));
        command.addAll(List.of(arguments));
        return start("libtorch", command, peers.resolve("libtorch-" + threads + ".log"));
    }

    String name() {
        return name;
    }

    /** Sends a command and waits for the numbers of its answer. */
    double[] ask(String command) {
        try {
            commands.write(command + "\n");
            commands.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(name + " does not listen any more", e);
        }
        return answer();
    }

    private double[] answer() {
        try {
            String line = answers.readLine();
            while (line != null && !line.startsWith("@")) line = answers.readLine();
            if (line == null) throw new IllegalStateException(name + " ended without an answer");
            return Arrays.stream(line.substring(1).split(" ")).filter(s -> !s.isEmpty()).mapToDouble(Double::parseDouble).toArray();
        } catch (IOException e) {
            throw new UncheckedIOException(name + " cannot be read from", e);
        }
    }

    long cpuNanos() {
        return CpuClock.nanos(process.pid());
    }

    /** Ends the process, which stops when its commands end. */
    @Override
    public void close() {
        try {
            commands.close();
            if (!process.waitFor(Duration.ofSeconds(20))) process.destroyForcibly();
        } catch (IOException e) {
            process.destroyForcibly();
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
