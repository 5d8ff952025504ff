package dev.winnow.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.reduction.ReductionPlan;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The demo checkpoints answer every public question as the independent reference implementation does. */
class DemoAccuracyTest {
    private static final Path DEMO = Path.of("demo");

    @Test
    void answersEveryQuestionAsTheReferenceDoes() throws IOException {
        Map<String, DemoAccuracy.Score> scores = DemoAccuracy.visionLanguage(DEMO, ReductionPlan.NONE);
        assertThat(scores.get("all")).isEqualTo(new DemoAccuracy.Score(479, 600, 600));
    }

    @Test
    void classifiesAsTheReferenceDoes() throws IOException {
        DemoAccuracy.Score score = DemoAccuracy.classifier(DEMO, ReductionPlan.NONE);
        assertThat(score.right()).isEqualTo(251);
        assertThat(score.questions()).isEqualTo(300);
    }

    @Test
    void pruningHalfTheImageTokensCostsFewAnswers() throws IOException {
        Map<String, DemoAccuracy.Score> dense = DemoAccuracy.visionLanguage(DEMO, ReductionPlan.NONE);
        Map<String, DemoAccuracy.Score> pruned = DemoAccuracy.visionLanguage(DEMO, ReductionPlan.parse(List.of("fastv:k=2,ratio=0.5")));
        assertThat(pruned.get("all").right()).isBetween(dense.get("all").right() * 4 / 5, dense.get("all").right() + 10);
    }
}
