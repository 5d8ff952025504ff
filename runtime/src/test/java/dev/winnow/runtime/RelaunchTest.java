package dev.winnow.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RelaunchTest {
    private static final String CLASSES = System.getProperty("java.class.path");

    /** Stands for the program: says what it sees, ends with 7 or waits. */
    static final class Program {
        public static void main(String[] args) throws InterruptedException {
            var code = Relaunch.ifNeeded(Program.class, args);
            if (code.isPresent()) {
                System.exit(code.getAsInt());
            }
            System.out.println(ProcessHandle.current().pid());
            System.out.println(ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent());
            System.out.println(Runtime.getRuntime().maxMemory() >> 20);
            System.out.println(String.join("|", args));
            if (args.length > 0 && args[0].equals("wait")) {
                Thread.sleep(60_000);
            }
            System.exit(7);
        }
    }

    @Test
    void aJvmWithoutTheModuleStartsOneThatHasIt() throws Exception {
        Process process = start(List.of("-Xmx96m", "-XX:+UseSerialGC"), "a b", "", "--c=\"d\"");
        List<String> lines = process.inputReader().readAllLines();
        assertThat(process.waitFor()).isEqualTo(7);
        assertThat(Long.parseLong(lines.get(0))).isNotEqualTo(process.pid());
        assertThat(lines.get(1)).isEqualTo("true");
        assertThat(Integer.parseInt(lines.get(2))).isBetween(80, 96);
        assertThat(lines.get(3)).isEqualTo("a b||--c=\"d\"");
    }

    @Test
    void aJvmWithTheModuleGoesOnItself() throws Exception {
        Process process = start(List.of("--add-modules", "jdk.incubator.vector"));
        List<String> lines = process.inputReader().readAllLines();
        assertThat(process.waitFor()).isEqualTo(7);
        assertThat(Long.parseLong(lines.get(0))).isEqualTo(process.pid());
        assertThat(lines.get(1)).isEqualTo("true");
    }

    @Test
    void anSdkThatIsNoneIsSaidInOneSentence(@TempDir Path empty) throws Exception {
        assertThat(said(empty, "generate", "--backend", "tornado")).isEqualTo("winnow: TORNADOVM_HOME is " + empty
                + ", which has no tornado-argfile and so is no TornadoVM SDK");
    }

    /** As {@code java -jar winnow.jar} where the jar was copied without the one that lies beside it. */
    @ParameterizedTest
    @ValueSource(strings = {"devices", "generate --backend=auto", "generate --backend tornado --device 9:9"})
    void aJarThatIsNotThereIsSaidInOneSentence(String asked, @TempDir Path home) throws Exception {
        Files.createFile(home.resolve("tornado-argfile"));
        assertThat(said(home, asked.split(" "))).isEqualTo("winnow: winnow-tornado.jar is not beside the program's jar; './winnow devices'"
                + " builds it when TORNADOVM_HOME is set");
    }

    @Test
    void theProcessorNeedsNoSdk(@TempDir Path empty) throws Exception {
        ProcessBuilder builder = builder(List.of(), "generate", "--backend", "cpu");
        builder.environment().put("TORNADOVM_HOME", empty.toString());
        assertThat(builder.redirectErrorStream(true).start().waitFor()).isEqualTo(7);
    }

    /** The one line that a program says before it ends with 1. */
    private static String said(Path home, String... args) throws Exception {
        ProcessBuilder builder = builder(List.of(), args);
        // what comes first is taken for the program's jar
        builder.command().replaceAll(c -> c.equals(CLASSES) ? home + File.pathSeparator + c : c);
        builder.environment().put("TORNADOVM_HOME", home.toString());
        Process process = builder.redirectErrorStream(true).start();
        List<String> lines = process.inputReader().readAllLines();
        assertThat(process.waitFor()).isEqualTo(1);
        assertThat(lines).hasSize(1);
        return lines.getFirst();
    }

    @Test
    void endingTheParentEndsTheChild() throws Exception {
        assertChildEndsAfter(Process::destroy);
    }

    @Test
    void killingTheParentEndsTheChild() throws Exception {
        assertChildEndsAfter(Process::destroyForcibly);
    }

    private static void assertChildEndsAfter(Consumer<Process> end) throws Exception {
        Process process = start(List.of(), "wait");
        try (BufferedReader out = process.inputReader()) {
            var child = ProcessHandle.of(Long.parseLong(out.readLine())).orElseThrow();
            try {
                assertThat(out.readLine()).isEqualTo("true");
                end.accept(process);
                child.onExit().get(20, TimeUnit.SECONDS);
            } finally {
                child.destroyForcibly();
                process.destroyForcibly();
            }
        }
    }

    private static Process start(List<String> flags, String... args) throws IOException {
        return builder(flags, args).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    }

    private static ProcessBuilder builder(List<String> flags, String... args) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(flags);
        command.addAll(List.of("-cp", CLASSES, Program.class.getName()));
        command.addAll(List.of(args));
        return new ProcessBuilder(command);
    }
}
