package dev.winnow.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class StopStringsTest {
    @Test
    void withholdsWhatMayBecomeAStopString() {
        StopStrings stops = new StopStrings(List.of("</s>", "USER:"));
        assertThat(stops.push("Hello <")).isEqualTo("Hello ");
        assertThat(stops.push("b> US")).isEqualTo("<b> ");
        assertThat(stops.push("A U")).isEqualTo("USA ");
        assertThat(stops.stopped()).isFalse();
        assertThat(stops.push("SER: no")).isEmpty();
        assertThat(stops.stopped()).isTrue();
        assertThat(stops.push("more")).isEmpty();
        assertThat(stops.flush()).isEmpty();
    }

    @Test
    void givesTheRestAtTheEnd() {
        StopStrings stops = new StopStrings(List.of("\n\n"));
        assertThat(stops.push("line\n")).isEqualTo("line");
        assertThat(stops.flush()).isEqualTo("\n");
        assertThat(stops.flush()).isEmpty();
    }

    @Test
    void withoutStopStringsNothingIsWithheld() {
        assertThat(new StopStrings(List.of()).push("a<")).isEqualTo("a<");
        assertThatThrownBy(() -> new StopStrings(List.of(""))).isInstanceOf(IllegalArgumentException.class);
    }

    @Property
    void theCutDoesNotDependOnThePieces(@ForAll("words") List<String> pieces, @ForAll("stops") List<String> stops) {
        String text = String.join("", pieces);
        int end = -1;
        int cut = text.length();
        for (int i = 1; i <= text.length() && end < 0; i++) {
            for (String stop : stops) {
                if (!text.substring(0, i).endsWith(stop)) continue;
                end = i;
                cut = Math.min(cut, i - stop.length());
            }
        }
        StopStrings filter = new StopStrings(stops);
        StringBuilder out = new StringBuilder();
        for (String piece : pieces) {
            out.append(filter.push(piece));
            assertThat(text.substring(0, cut)).startsWith(out);
        }
        out.append(filter.flush());
        assertThat(filter.stopped()).isEqualTo(end >= 0);
        assertThat(out.toString()).isEqualTo(text.substring(0, cut));
    }

    @Provide
    Arbitrary<List<String>> words() {
        return Arbitraries.strings().withChars("ab").ofMaxLength(4).list().ofMaxSize(10);
    }

    @Provide
    Arbitrary<List<String>> stops() {
        return Arbitraries.strings().withChars("ab").ofMinLength(1).ofMaxLength(4).list().ofMaxSize(3);
    }
}
