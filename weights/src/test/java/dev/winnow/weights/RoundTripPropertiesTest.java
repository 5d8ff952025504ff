package dev.winnow.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterTry;
import net.jqwik.api.lifecycle.BeforeTry;

class RoundTripPropertiesTest {
    private Path file;

    @BeforeTry
    void create() throws IOException {
        file = Files.createTempFile("round-trip", ".safetensors");
    }

    @AfterTry
    void delete() throws IOException {
        Files.deleteIfExists(file);
    }

    @Property(tries = 300, seed = "4711")
    void whateverIsWrittenIsReadBack(@ForAll("tensorSets") List<Tensor> tensors, @ForAll("notes") Map<String, String> notes) {
        SafetensorsWriter.write(file, tensors, notes);
        try (Checkpoint read = Checkpoint.open(file)) {
            assertThat(read.metadata()).isEqualTo(notes);
            assertThat(read.names()).containsExactlyInAnyOrderElementsOf(tensors.stream().map(Tensor::name).toList());
            for (Tensor written : tensors) {
                Tensor t = read.tensor(written.name());
                assertThat(t.dtype()).isEqualTo(written.dtype());
                assertThat(t.shape()).containsExactly(written.shape());
                assertThat(t.data().toArray(ValueLayout.JAVA_BYTE)).isEqualTo(written.data().toArray(ValueLayout.JAVA_BYTE));
            }
        }
    }

    @Property(tries = 300, seed = "4712")
    void aFileThatLostItsEndIsRefused(@ForAll("tensorSets") List<Tensor> tensors, @ForAll Random random) throws IOException {
        SafetensorsWriter.write(file, tensors, Map.of());
        byte[] bytes = Files.readAllBytes(file);
        MemorySegment cut = MemorySegment.ofArray(bytes).asSlice(0, random.nextInt(bytes.length));
        assertThatThrownBy(() -> SafetensorsHeader.parse(cut, "cut"))
                .isInstanceOf(CheckpointException.class);
    }

    @Provide
    Arbitrary<List<Tensor>> tensorSets() {
        return tensor().list().ofMaxSize(8).uniqueElements(Tensor::name);
    }

    @Provide
    Arbitrary<Map<String, String>> notes() {
        return Arbitraries.maps(text(), text()).ofMaxSize(4);
    }

    private static Arbitrary<Tensor> tensor() {
        Arbitrary<long[]> shapes = Arbitraries.longs().between(0, 6).array(long[].class).ofMaxSize(4);
        return Combinators.combine(text(), Arbitraries.of(DType.class).filter(d -> !d.isBlocked()), shapes, Arbitraries.randoms())
                .as(RoundTripPropertiesTest::tensor);
    }

    private static Tensor tensor(String name, DType dtype, long[] shape, Random random) {
        int elements = 1;
        for (long d : shape) elements *= (int) d;
        byte[] bytes = new byte[(int) dtype.bytes(elements)];
        random.nextBytes(bytes);
        return new Tensor(name, dtype, shape, MemorySegment.ofArray(bytes));
    }

    /** Any Unicode text, without halves of surrogate pairs, which no file can hold. */
    private static Arbitrary<String> text() {
        return Arbitraries.strings().ofMaxLength(12).filter(Quoted::encodable);
    }
}
