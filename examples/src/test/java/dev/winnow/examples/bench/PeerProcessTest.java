package dev.winnow.examples.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.runtime.bench.CpuClock;
import dev.winnow.runtime.bench.Rounds;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@EnabledOnOs(OS.LINUX)
class PeerProcessTest {
    private static final String ECHO = "echo loading; echo @; while read command; do echo noise; echo \"@ $command 2.5\"; done";
    private static final String BUSY = "echo @; while read n; do i=0; while [ $i -lt $n ]; do i=$((i+1)); done; echo @; done";

    @TempDir
    Path directory;

    private PeerProcess shell(String script) throws IOException {
        return PeerProcess.start("shell", List.of("sh", "-c", script), directory.resolve("log"));
    }

    @Test
    void answersAreTheNumbersOfTheLineThatIsOne() throws IOException {
        try (PeerProcess peer = shell(ECHO)) {
            assertThat(peer.ask("7")).containsExactly(7, 2.5);
            assertThat(peer.ask("-1e-3")).containsExactly(-0.001, 2.5);
        }
    }

    @Test
    void aPeerThatEndsIsNamedWithItsLog() throws IOException {
        assertThatThrownBy(() -> shell("echo broken >&2; exit 3"))
                .hasMessageContaining("shell ended without an answer").hasMessageContaining("log");
        assertThat(Files.readString(directory.resolve("log"))).isEqualTo("broken\n");
    }

    @Test
    void theClockIsThatOfTheProcessThatWorks() throws IOException {
        try (PeerProcess peer = shell(BUSY)) {
            Rounds r = new Rounds().task("peer", () -> peer.ask("200000"), peer::cpuNanos).task("here", () -> peer.ask("200000"));
            r.run(0, 3, 0);
            assertThat(r.medianCpu("peer")).isBetween(0.001, 1.1 * r.medianWall("peer"));
            // whatever this process does meanwhile, it mostly waits
            assertThat(r.bestCpu("here")).isLessThan(r.bestCpu("peer"));
        }
    }

    @Test
    void aProcessReadsItselfAlikeFromOutside() {
        long before = CpuClock.nanos();
        long outside = CpuClock.nanos(ProcessHandle.current().pid());
        assertThat(outside).isBetween(before, CpuClock.nanos());
    }
}
