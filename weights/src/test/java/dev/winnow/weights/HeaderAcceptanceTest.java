package dev.winnow.weights;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.Map;
import org.junit.jupiter.api.Test;

class HeaderAcceptanceTest {
    @Test
    void noTensorsAtAll() {
        SafetensorsHeader header = HeaderBytes.parse("{}", 0);
        assertThat(header.entries()).isEmpty();
        assertThat(header.metadata()).isEmpty();
    }

    @Test
    void shuffledOffsetsIndentationAndPadding() {
        byte[] file = HeaderBytes.file("""
                {
                  "late": { "shape": [ 2, 1 ], "data_offsets": [ 3, 5 ], "dtype": "U8" },
                  "__metadata__": { "format": "pt" },
                  "early": { "data_offsets": [ 0, 3 ], "dtype": "I8", "shape": [ 3 ] }
                }        """, 5);
        SafetensorsHeader header = HeaderBytes.parse(file);
        MemorySegment bytes = MemorySegment.ofArray(file);
        assertThat(header.entries()).containsOnlyKeys("late", "early");
        assertThat(header.metadata()).isEqualTo(Map.of("format", "pt"));
        assertThat(header.tensor("late", bytes).toLongs()).containsExactly(3, 4);
        assertThat(header.tensor("late", bytes).shape()).containsExactly(2, 1);
        assertThat(header.tensor("early", bytes).toLongs()).containsExactly(0, 1, 2);
        assertThat(header.tensor("other", bytes)).isNull();
    }

    @Test
    void emptyTensorsAndScalars() {
        byte[] file = HeaderBytes.file("""
                {"first":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},
                 "scalar":{"dtype":"U16","shape":[],"data_offsets":[0,2]},
                 "between":{"dtype":"F64","shape":[3,0,9223372036854775807],"data_offsets":[2,2]},
                 "byte":{"dtype":"U8","shape":[1],"data_offsets":[2,3]},
                 "last":{"dtype":"BOOL","shape":[2,0],"data_offsets":[3,3]}}""", 3);
        SafetensorsHeader header = HeaderBytes.parse(file);
        MemorySegment bytes = MemorySegment.ofArray(file);
        for (String empty : new String[] {"first", "between", "last"}) {
            assertThat(header.tensor(empty, bytes).toFloats()).as(empty).isEmpty();
        }
        assertThat(header.tensor("scalar", bytes).toLongs()).containsExactly(0x0100);
        assertThat(header.tensor("scalar", bytes).elements()).isEqualTo(1);
        assertThat(header.tensor("byte", bytes).toLongs()).containsExactly(2);
    }

    @Test
    void namesOfAnyScript() {
        SafetensorsHeader header = HeaderBytes.parse("""
                {"Gewicht.\u00fc.\u4e2d.\ud83d\ude00":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},
                 "":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}""", 0);
        assertThat(header.entries()).containsOnlyKeys("Gewicht.\u00fc.\u4e2d.\ud83d\ude00", "");
    }

    @Test
    void thePositionOfTheDataFollowsTheBytesOfTheHeaderNotItsCharacters() {
        byte[] file = HeaderBytes.file("{\"\u4e2d\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}    ", 1);
        assertThat(HeaderBytes.parse(file).dataStart()).isEqualTo(file.length - 1);
    }
}
