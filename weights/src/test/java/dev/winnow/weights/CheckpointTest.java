package dev.winnow.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {
    private static final String INDEX = "model.safetensors.index.json";

    @TempDir
    Path dir;

    @Test
    void singleFileGivenDirectlyOrByItsDirectory() {
        write("model.safetensors", "w");
        for (Path path : List.of(dir, dir.resolve("model.safetensors"))) {
            try (Checkpoint c = Checkpoint.open(path)) {
                assertThat(c.path()).isEqualTo(path);
                assertThat(c.names()).containsExactly("w");
                assertThat(c.has("w")).isTrue();
                assertThat(c.has("v")).isFalse();
                assertThat(c.tensor("w").toLongs()).containsExactly('w');
                assertThat(c.metadata()).isEqualTo(Map.of("file", "model.safetensors"));
            }
        }
    }

    @Test
    void shardsOfAnIndex() throws IOException {
        write("one.safetensors", "b", "stray");
        write("two.safetensors", "a", "c");
        index("{'metadata':{'total_size':24},"
                + "'weight_map':{'c':'two.safetensors','b':'one.safetensors','a':'two.safetensors'}}");
        try (Checkpoint c = Checkpoint.open(dir)) {
            assertThat(c.names()).containsExactly("a", "b", "c");
            for (String name : c.names()) assertThat(c.tensor(name).toLongs()).containsExactly(name.charAt(0));
            assertThat(c.has("stray")).isFalse();
            assertThat(c.metadata()).isEqualTo(Map.of("file", "two.safetensors"));
            long size = Files.size(dir.resolve("one.safetensors")) + Files.size(dir.resolve("two.safetensors"));
            assertThat(c.bytes()).isEqualTo(size);
        }
    }

    @Test
    void singleFileComesBeforeAnIndex() throws IOException {
        write("model.safetensors", "w");
        index("{'weight_map':{'v':'gone.safetensors'}}");
        try (Checkpoint c = Checkpoint.open(dir)) {
            assertThat(c.names()).containsExactly("w");
        }
    }

    @Test
    void missingShard() throws IOException {
        index("{'weight_map':{'w':'gone.safetensors'}}");
        refused(this::open, INDEX, "the shard 'gone.safetensors' is missing");
    }

    @Test
    void tensorThatIsNotInItsShard() throws IOException {
        write("one.safetensors", "w");
        index("{'weight_map':{'w':'one.safetensors','v':'one.safetensors'}}");
        refused(this::open, INDEX, "tensor 'v' is not in one.safetensors");
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "../one.safetensors", "sub/one.safetensors", "..", ".", "", " ", "/etc/hostname", "..\\\\one.safetensors",
        "c:one.safetensors", "one\\u0000.safetensors", "\\ud800"
    })
    void shardOutsideTheDirectory(String shard) throws IOException {
        index("{'weight_map':{'w':'" + shard + "'}}");
        refused(this::open, INDEX, "is not a plain file name");
    }

    @Test
    void damagedIndex() throws IOException {
        index("{'weight_map':{'w':7}}");
        refused(this::open, INDEX, "key 'weight_map.w' should be a string but is 7");
        index("{}");
        refused(this::open, INDEX, "key 'weight_map' is missing");
        index("{'weight_map':{'w':'a','w':'b'}}");
        refused(this::open, INDEX, "Duplicate field 'w'");
        index("[]");
        refused(this::open, INDEX, "does not hold a JSON object");
    }

    @Test
    void damagedShard() throws IOException {
        write("one.safetensors", "w");
        byte[] whole = Files.readAllBytes(dir.resolve("one.safetensors"));
        Files.write(dir.resolve("one.safetensors"), Arrays.copyOf(whole, whole.length - 1));
        index("{'weight_map':{'w':'one.safetensors'}}");
        refused(this::open, "one.safetensors", "ends at byte 8 of the data, which has only 7");
    }

    @Test
    void nothingToOpen() throws IOException {
        refused(this::open, dir.toString(), "holds neither model.safetensors nor model.safetensors.index.json");
        refused(() -> Checkpoint.open(dir.resolve("gone.safetensors")), "gone.safetensors", "no such file");
        Files.createDirectory(dir.resolve("model.safetensors"));
        refused(this::open, "model.safetensors", "not a regular file");
        Files.createFile(dir.resolve("empty.safetensors"));
        refused(() -> Checkpoint.open(dir.resolve("empty.safetensors")), "empty.safetensors", "0 bytes are too few");
    }

    @Test
    void missingTensor() {
        write("model.safetensors", "w");
        try (Checkpoint c = Checkpoint.open(dir.resolve("model.safetensors"))) {
            refused(() -> c.tensor("v"), dir.resolve("model.safetensors").toString(), "tensor 'v' is missing");
        }
    }

    @Test
    void afterClosingNothingCanBeRead() {
        write("model.safetensors", "w");
        Checkpoint c = Checkpoint.open(dir);
        Tensor kept = c.tensor("w");
        c.close();
        c.close();
        assertThatThrownBy(kept::toLongs).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> c.tensor("w")).isInstanceOf(IllegalStateException.class).hasMessageContaining("is closed");
    }

    @Test
    void namesAndMetadataCannotBeChanged() {
        write("model.safetensors", "w");
        try (Checkpoint c = Checkpoint.open(dir)) {
            assertThatThrownBy(() -> c.names().remove("w")).isInstanceOf(UnsupportedOperationException.class);
            assertThatThrownBy(() -> c.metadata().clear()).isInstanceOf(UnsupportedOperationException.class);
            c.tensor("w").shape()[0] = 99;
            assertThat(c.tensor("w").shape()).containsExactly(1);
        }
    }

    @Test
    void tensorsAreReadFromManyThreads() {
        write("model.safetensors", "a", "b", "c", "d");
        try (Checkpoint c = Checkpoint.open(dir)) {
            long sum = IntStream.range(0, 1000).parallel()
                    .mapToLong(i -> c.tensor(String.valueOf((char) ('a' + i % 4))).toLongs()[0]).sum();
            assertThat(sum).isEqualTo(250L * ('a' + 'b' + 'c' + 'd'));
        }
    }

    private void open() {
        Checkpoint.open(dir).close();
    }

    /** One-element tensors whose value is their name's first letter. */
    private void write(String file, String... names) {
        List<Tensor> tensors = Arrays.stream(names).map(n -> Tensor.ofLongs(n, new long[] {n.charAt(0)}, 1)).toList();
        SafetensorsWriter.write(dir.resolve(file), tensors, Map.of("file", file));
    }

    private void index(String json) throws IOException {
        Files.writeString(dir.resolve(INDEX), json.replace('\'', '"'));
    }

    private static void refused(ThrowingCallable call, String file, String why) {
        assertThatThrownBy(call).isExactlyInstanceOf(CheckpointException.class)
                .hasMessageContaining(file).hasMessageContaining(why);
    }
}
