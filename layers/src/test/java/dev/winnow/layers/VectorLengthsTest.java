package dev.winnow.layers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.instruction.ReturnInstruction;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/**
 * Tests of the kernels once more, with vectors of the lengths that this processor does not prefer: in a JVM whose {@code VectorShape},
 * the class that asks for the preferred length, has another answer. What the processor lacks the Vector API does in loops over arrays,
 * slowly and with the same results.
 */
class VectorLengthsTest {
    /** After which a run that hangs is ended, and so fails. */
    private static final int MINUTES = 5;
    private static final String SHAPE = "jdk/incubator/vector/VectorShape.class";

    /** The last stands for all above 512 too, which are to use vectors of 512 bits. */
    static IntStream others() {
        return IntStream.of(128, 256, 1024).filter(bits -> used(bits) != PanamaKernels.F.vectorBitSize());
    }

    private static int used(int preferred) {
        return Math.min(preferred, 512);
    }

    @ParameterizedTest
    @MethodSource("others")
    void kernelsAreRight(int bits, @TempDir Path patch) throws Exception {
        List<String> lines = run(bits, patch, KernelsTest.class, BlockProductsTest.class, ColdKernelsTest.class);
        assertThat(lines.getLast()).as(String.join("\n", lines))
                .matches("PanamaKernels, vectors of " + used(bits) + " bits, [1-9]\\d* tests, 0 failed");
    }

    /** What the Vector API says where there are no vectors, as on a RISC-V without that extension. */
    @Test
    void aProcessorWithoutVectorsHasPlainLoops(@TempDir Path patch) throws Exception {
        List<String> lines = run(64, patch);
        assertThat(lines.getLast()).as(String.join("\n", lines)).startsWith("ScalarKernels");
    }

    /** What tests print in a JVM that prefers such vectors, and last of all its best kernels and how many tests failed. */
    private static List<String> run(int bits, Path patch, Class<?>... tests) throws IOException, InterruptedException {
        patch(bits, patch);
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector", "--patch-module=jdk.incubator.vector=" + patch,
                "--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
        // of the processors with such vectors those of Arm count, which have the tile of eight rows
        if (bits == 128) command.add("-Dos.arch=aarch64");
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Tests.class.getName()));
        for (Class<?> test : tests) command.add(test.getName());
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        CompletableFuture.delayedExecutor(MINUTES, TimeUnit.MINUTES).execute(process::destroyForcibly);
        List<String> lines = process.inputReader().readAllLines();
        process.waitFor();
        return lines;
    }

    /** Writes the JDK's class as it is but for the length, which the method returns that all others ask. */
    private static void patch(int bits, Path patch) throws IOException {
        ClassTransform answer = ClassTransform.transformingMethodBodies(m -> m.methodName().equalsString("getMaxVectorBitSize"),
                (code, element) -> {
                    if (element instanceof ReturnInstruction) code.pop().loadConstant(bits).ireturn();
                    else code.with(element);
                });
        Module module = ModuleLayer.boot().findModule("jdk.incubator.vector").orElseThrow();
        try (InputStream in = module.getResourceAsStream(SHAPE)) {
            byte[] patched = ClassFile.of().transformClass(ClassFile.of().parse(in.readAllBytes()), answer);
            Files.createDirectories(patch.resolve(SHAPE).getParent());
            Files.write(patch.resolve(SHAPE), patched);
        }
    }

    /** Runs tests by the names of their classes. */
    static final class Tests {
        public static void main(String[] names) {
            LauncherDiscoveryRequestBuilder builder = LauncherDiscoveryRequestBuilder.request();
            for (String name : names) builder.selectors(selectClass(name));
            LauncherDiscoveryRequest request = builder.configurationParameter("jqwik.database", "target/jqwik-database-lengths").build();
            SummaryGeneratingListener listener = new SummaryGeneratingListener();
            LauncherFactory.create().execute(request, listener);
            TestExecutionSummary summary = listener.getSummary();
            summary.printFailuresTo(new PrintWriter(System.out, true), 20);
            long found = summary.getTestsFoundCount();
            System.out.println(Kernels.best().getClass().getSimpleName() + ", vectors of " + PanamaKernels.F.vectorBitSize() + " bits, "
                    + found + " tests, " + (found - summary.getTestsSucceededCount()) + " failed");
        }
    }
}
