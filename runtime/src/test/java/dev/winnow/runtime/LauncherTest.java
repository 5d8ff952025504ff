package dev.winnow.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassTransform;
import java.lang.constant.ClassDesc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The script {@code winnow}, in a checkout whose jar holds stand-ins: how it keeps classes from one start to the next. */
class LauncherTest {
    private static final String MAIN = "dev.winnow.runtime.Main";

    /** Stands for the program: says what it was asked. */
    static final class Program {
        public static void main(String[] args) {
            System.out.println(String.join("|", args));
        }
    }

    /** Stands for the rehearsal: loads the program. */
    static final class Practice {
        public static void main(String[] args) throws ClassNotFoundException {
            Class.forName(MAIN);
            boolean demo = args.length == 1 && args[0].endsWith("/examples/demo");
            System.exit(!demo || System.getenv("FAIL_REHEARSAL") != null ? 3 : 0);
        }
    }

    private record Run(int code, List<String> out, List<String> err) {}

    @TempDir
    private Path checkout;
    private Path jar;
    private Path cache;

    @BeforeEach
    void checkOut() throws IOException {
        assumeTrue(Files.isExecutable(Path.of("/bin/sh")), "there is no /bin/sh");
        jar = checkout.resolve("runtime/target/winnow.jar");
        cache = checkout.resolve(".winnow/winnow.jsa");
        Files.createDirectories(jar.getParent());
        Files.createDirectories(checkout.resolve(".mvn"));
        Files.copy(Path.of("../.mvn/find-jdk.sh"), checkout.resolve(".mvn/find-jdk.sh"));
        Files.copy(Path.of("../winnow"), checkout.resolve("winnow"));
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
            write(Program.class, MAIN, out);
            write(Practice.class, "dev.winnow.runtime.Rehearsal", out);
        }
        Files.setLastModifiedTime(jar, FileTime.from(Instant.now().minusSeconds(60)));
    }

    private static void write(Class<?> standIn, String name, JarOutputStream out) throws IOException {
        try (InputStream in = LauncherTest.class.getClassLoader().getResourceAsStream(standIn.getName().replace('.', '/') + ".class")) {
            ClassFile classes = ClassFile.of();
            byte[] renamed = classes.transformClass(classes.parse(in.readAllBytes()), ClassDesc.of(name), ClassTransform.ACCEPT_ALL);
            out.putNextEntry(new JarEntry(name.replace('.', '/') + ".class"));
            out.write(renamed);
        }
    }

    private Run run(Map<String, String> environment, String... args) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("/bin/sh", checkout.resolve("winnow").toString()));
        command.addAll(List.of(args));
        Path err = checkout.resolve("err");
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(err.toFile());
        builder.environment().remove("WINNOW_JAVA_OPTS");
        builder.environment().put("WINNOW_JAVA_HOME", System.getProperty("java.home"));
        builder.environment().putAll(environment);
        Process process = builder.start();
        List<String> out = process.inputReader().readAllLines();
        return new Run(process.waitFor(), out, Files.readAllLines(err));
    }

    /** Starts the program; it must do what it does without a cache, and nothing may be said but what is. */
    private void starts(Map<String, String> environment, boolean prepares) throws IOException, InterruptedException {
        Run run = run(environment, "say", "a b", "");
        assertThat(run.code).isZero();
        assertThat(run.out).containsExactly("say|a b|");
        assertThat(run.err).hasSize(prepares ? 2 : 1);
        assertThat(run.err.getLast()).contains("incubator modules");
        if (prepares) assertThat(run.err.getFirst()).contains("preparing quicker starts");
    }

    /** Whether a start takes the program's class from the cache. */
    private boolean usesCache() throws IOException, InterruptedException {
        Path log = checkout.resolve("classes.log");
        starts(Map.of("WINNOW_JAVA_OPTS", "-Xlog:class+load:file=" + log), false);
        String line = Files.readAllLines(log).stream().filter(l -> l.contains(MAIN + " ")).findFirst().orElseThrow();
        return line.contains("shared objects file");
    }

    @Test
    void classesAreKeptForTheNextStart() throws Exception {
        starts(Map.of(), true);
        assertThat(cache).isNotEmptyFile();
        assertThat(usesCache()).isTrue();
        Files.delete(cache);
        starts(Map.of(), true);
        assertThat(usesCache()).isTrue();
        assertThat(checkout.resolve(".winnow")).isDirectoryNotContaining(f -> f.endsWith("winnow.jsa.tmp") || f.endsWith("build.lock"));
    }

    @Test
    void aNewJarOrJdkMakesThemAnew() throws Exception {
        starts(Map.of(), true);
        Files.setLastModifiedTime(jar, FileTime.from(Instant.now().plusSeconds(1)));
        Thread.sleep(1500);
        starts(Map.of(), true);
        assertThat(usesCache()).isTrue();
        Files.writeString(checkout.resolve(".winnow/winnow.jsa.for"), "another JDK");
        starts(Map.of(), true);
        assertThat(usesCache()).isTrue();
    }

    @Test
    void aDamagedCacheIsMadeAnew() throws Exception {
        starts(Map.of(), true);
        byte[] whole = Files.readAllBytes(cache);
        byte[] damaged = whole.clone();
        for (int i = 8192; i < damaged.length; i += 1009) damaged[i] ^= (byte) 0xff;
        for (byte[] other : List.of(damaged, Arrays.copyOf(whole, whole.length / 2))) {
            Thread.sleep(1500);
            Files.write(cache, other);
            starts(Map.of(), true);
            assertThat(usesCache()).isTrue();
        }
    }

    @Test
    void aCacheCutShortUnseenIsLeftAlone() throws Exception {
        starts(Map.of(), true);
        FileTime made = Files.getLastModifiedTime(cache);
        Files.write(cache, Arrays.copyOf(Files.readAllBytes(cache), (int) Files.size(cache) / 2));
        Files.setLastModifiedTime(cache, made);
        assertThat(usesCache()).isFalse();
    }

    @Test
    void whatCannotBeMadeIsNotTriedAgain() throws Exception {
        starts(Map.of("FAIL_REHEARSAL", "yes"), true);
        assertThat(cache).isEmptyFile();
        assertThat(usesCache()).isFalse();
    }

    @Test
    void optionsOfTheUserWin() throws Exception {
        starts(Map.of(), true);
        for (String options : List.of("-XX:AOTMode=off", "-Xshare:off", "-XX:+UseSerialGC -Xmx64m", "-XX:TieredStopAtLevel=1")) {
            starts(Map.of("WINNOW_JAVA_OPTS", options), false);
        }
    }
}
