package dev.winnow.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.reduction.PlanException;
import dev.winnow.runtime.images.RgbImage;
import dev.winnow.runtime.sampling.SamplingOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What programs rely on when they ask a model. */
class WinnowApiTest {
    private static final Path DEMO = Path.of("../examples/demo");
    private static final String DESCRIBE = "Describe the image.";
    private static Winnow winnow;
    private static RgbImage image;

    @BeforeAll
    static void open() {
        winnow = Winnow.open(DEMO.resolve("shapes-vlm"));
        image = RgbImage.read(DEMO.resolve("questions-vlm/0131.png"));
    }

    @AfterAll
    static void close() {
        winnow.close();
    }

    private static Answer ask(Request request) {
        return winnow.generate(request, piece -> { });
    }

    @Test
    void concurrentRequestsAnswerAsAlone() throws Exception {
        List<Request> requests = List.of(Request.of(DESCRIBE, image), Request.of("Count the objects.", image),
                Request.of(DESCRIBE, image).withReduction("visionzip:dominant=30,contextual=5"),
                Request.of(DESCRIBE, image).withReduction("tome:r=8", "fastv:k=2", "snapkv:budget=40,window=8"),
                Request.of("What color is the square?"),
                Request.of(DESCRIBE, image).withSampling(SamplingOptions.greedy().withTemperature(1.2).withSeed(5)));
        List<int[]> alone = requests.stream().map(r -> ask(r).tokens()).toList();
        try (ExecutorService threads = Executors.newFixedThreadPool(6)) {
            List<Callable<int[]>> tasks = new ArrayList<>();
            for (int round = 0; round < 3; round++) for (Request r : requests) tasks.add(() -> ask(r).tokens());
            List<Future<int[]>> together = threads.invokeAll(tasks);
            for (int i = 0; i < together.size(); i++) {
                assertThat(together.get(i).get()).as("request %d", i % requests.size()).isEqualTo(alone.get(i % requests.size()));
            }
        }
    }

    @Test
    void streamedPiecesAreTheText() {
        List<String> pieces = new ArrayList<>();
        Answer answer = winnow.generate(Request.of(DESCRIBE, image), pieces::add);
        assertThat(pieces).hasSizeGreaterThan(2).doesNotContain("");
        assertThat(String.join("", pieces)).isEqualTo(answer.text());
    }

    @Test
    void cancellationEndsBetweenTokens() {
        AtomicInteger polls = new AtomicInteger();
        Answer answer = ask(Request.of(DESCRIBE, image).withCancelled(() -> polls.incrementAndGet() > 3));
        assertThat(answer.end()).isEqualTo(Answer.End.CANCELLED);
        assertThat(answer.tokens()).hasSize(3);
    }

    @Test
    void stopTextsEndTheAnswerAndAreLeftOut() {
        String whole = ask(Request.of(DESCRIBE, image)).text();
        Answer stopped = ask(Request.of(DESCRIBE, image).withStops(List.of(" at ")));
        assertThat(stopped.end()).isEqualTo(Answer.End.STOP_TEXT);
        assertThat(stopped.text()).isEqualTo(whole.substring(0, whole.indexOf(" at ")));
    }

    @Test
    void seedsDecide() {
        Request request = Request.of(DESCRIBE, image).withIgnoreEos(true).withMaxTokens(40);
        SamplingOptions free = SamplingOptions.greedy().withTemperature(3);
        int[] first = ask(request.withSampling(free.withSeed(1))).tokens();
        assertThat(ask(request.withSampling(free.withSeed(1))).tokens()).isEqualTo(first);
        assertThat(ask(request.withSampling(free.withSeed(2))).tokens()).isNotEqualTo(first);
    }

    @Test
    void keepingEverythingIsTheDenseModel() {
        Answer dense = ask(Request.of(DESCRIBE, image));
        Answer kept = ask(Request.of(DESCRIBE, image).withReduction("tome:r=0", "visionzip:dominant=144,contextual=0", "fastv:ratio=0",
                "pyramiddrop:layers=1/3,ratios=1/1", "snapkv:ratio=0"));
        assertThat(kept.tokens()).isEqualTo(dense.tokens());
        assertThat(kept.stats().languageTokens()).isEqualTo(dense.stats().languageTokens());
        assertThat(kept.stats().cacheBytes()).isEqualTo(dense.stats().cacheBytes());
    }

    @Test
    void statsSayWhatRan() {
        Stats dense = ask(Request.of(DESCRIBE, image)).stats();
        assertThat(dense.images()).isOne();
        assertThat(dense.imageTokens()).isEqualTo(144);
        assertThat(dense.visionTokens()).containsOnly(145);
        assertThat(dense.languageTokens()).hasSize(6).containsOnly(dense.promptTokens());

        Stats merged = ask(Request.of(DESCRIBE, image).withReduction("tome:r=8")).stats();
        assertThat(merged.visionTokens()).startsWith(137, 129);
        assertThat(merged.visionFlops()).isLessThan(dense.visionFlops());
        assertThat(merged.promptTokens()).isLessThan(dense.promptTokens());

        Stats dropped = ask(Request.of(DESCRIBE, image).withReduction("fastv:k=2,keep=20")).stats();
        int text = dense.promptTokens() - 144;
        assertThat(dropped.languageTokens()).containsExactly(dense.promptTokens(), dense.promptTokens(), text + 20, text + 20, text + 20,
                text + 20);
        assertThat(dropped.prefillFlops()).isLessThan(dense.prefillFlops());

        Stats skipped = ask(Request.of(DESCRIBE, image).withReduction("layerdrop:layers=3")).stats();
        assertThat(skipped.languageTokens().get(3)).isZero();
        assertThat(skipped.cacheBytes() * 6).isEqualTo(dense.cacheBytes() * 5);
    }

    @Test
    void snapKvHoldsItsBudget() {
        Stats compact = ask(Request.of(DESCRIBE, image).withReduction("snapkv:budget=40,window=8")).stats();
        // 6 layers of 2 key heads, 32 channels, keys and values
        assertThat(compact.cacheBytes()).isEqualTo(40L * 6 * 2 * 32 * 2 * Float.BYTES);
    }

    @Test
    void cacheMethodsInARowAreOnePanelOfWhatIsLeft() {
        for (String last : List.of("streamingllm:sinks=4,keep=40", "lookm:keep=60", "tova:keep=40")) {
            Answer answer = ask(Request.of(DESCRIBE, image).withReduction("knorm:keep=100", last, "keyrotation").withMaxTokens(3));
            List<Explanation.Panel> panels = answer.explanation().panels();
            assertThat(panels).as(last).hasSize(2);
            float held = 0;
            for (float share : panels.getLast().pieces().getFirst().strength()) held += share;
            assertThat(held).as(last).isBetween(0.1f, 60f);
        }
    }

    @Test
    void theContextIsTheLimit() {
        Answer answer = ask(Request.of(DESCRIBE, image).withIgnoreEos(true).withMaxTokens(Integer.MAX_VALUE));
        assertThat(answer.end()).isEqualTo(Answer.End.CONTEXT_FULL);
        assertThat(answer.stats().promptTokens() + answer.tokens().length).isEqualTo(1024);
        assertThatThrownBy(() -> ask(Request.of("word ".repeat(1100)))).isInstanceOf(RequestException.class)
                .hasMessageContaining("context is 1024");
    }

    @Test
    void aPlanForAnotherModelIsRefusedBeforeItRuns() {
        assertThatThrownBy(() -> ask(Request.of(DESCRIBE, image).withReduction("fastv:k=6"))).isInstanceOf(PlanException.class)
                .hasMessageContaining("fastv:k=6").hasMessageContaining("1..5");
    }
}
