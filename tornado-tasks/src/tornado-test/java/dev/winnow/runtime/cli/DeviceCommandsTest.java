package dev.winnow.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The command line in a JVM with TornadoVM: what it lists, and what it says where a device cannot be had. */
class DeviceCommandsTest {
    private static final String VLM = "../examples/demo/shapes-vlm";

    private final StringWriter printed = new StringWriter();
    private final StringWriter said = new StringWriter();

    private int run(String... args) {
        return WinnowCommand.run(new PrintWriter(printed), new PrintWriter(said), args);
    }

    @Test
    void devicesListsWhatTornadoVmSees() {
        assertThat(run("devices")).as(said.toString()).isZero();
        assertThat(printed.toString().lines().toList()).hasSizeGreaterThan(1);
        assertThat(printed.toString().lines().skip(1).toList().getFirst()).startsWith("0 ");
        assertThat(said.toString()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"9:9", "99", "no such device"})
    void aDeviceThatIsNotThereIsSaidInOneSentence(String device) {
        assertThat(run("inspect", "--model", VLM, "--backend", "tornado", "--device", device)).isEqualTo(1);
        assertThat(said.toString().strip()).matches("winnow: --device " + device
                + " fits none of the \\d+ that TornadoVM sees; 'winnow devices' lists them");
        assertThat(printed.toString()).isEmpty();
    }
}
