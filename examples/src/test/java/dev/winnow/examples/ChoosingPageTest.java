package dev.winnow.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.winnow.examples.ReductionAccuracy.Score;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import org.junit.jupiter.api.Test;

class ChoosingPageTest {
    /** The page in the repository is what the measurements in the repository say. */
    @Test
    void thePageIsUpToDate() throws IOException {
        Path results = Path.of("results");
        var scores = new ObjectMapper().readValue(results.resolve("accuracy.json").toFile(),
                new TypeReference<LinkedHashMap<String, List<Score>>>() {});
        String page = new ChoosingPage(scores, Files.readString(results.resolve("reduction.md"))).text();
        assertThat(Path.of("../docs/choosing.md")).hasContent(page);
    }
}
