package dev.winnow.examples.localisation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.examples.localisation.LocalisationResult.Asked;
import dev.winnow.examples.localisation.SceneQuestion.Half;
import dev.winnow.examples.localisation.SceneQuestion.Kind;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.primitives.Budget;
import dev.winnow.runtime.Winnow;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class LastTokenDropTest {
    private static final Path DEMO = Path.of("demo");
    private static final Budget QUARTER = new Budget(-1, 0.25);

    private static LocalisationResult drop(LocalisationStudy study, boolean rotated) {
        return study.run("drop", 2, "25%", i -> new ReductionPlan(List.of(new LastTokenDrop(2, QUARTER, rotated))));
    }

    @Test
    void questionsFollowFromTheScenes() throws IOException {
        List<SceneQuestion> all = SceneQuestion.read(DEMO.resolve("questions-vlm"));
        assertThat(all).doesNotHaveDuplicates();
        // scene 0: red square (20, 80), yellow square (88, 72), yellow star (28, 52), gray square (80, 28)
        List<SceneQuestion> first = all.stream().filter(q -> q.scene() == 0).toList();
        assertThat(first).filteredOn(q -> q.kind() == Kind.POSITION).extracting(SceneQuestion::answer)
                .containsExactly("bottom left", "bottom right", "left", "top right");
        assertThat(first).filteredOn(q -> q.text().equals("What is above the yellow star?")).singleElement()
                .satisfies(q -> assertThat(q.answer()).isEqualTo("gray square"))
                .satisfies(q -> assertThat(q.half()).isEqualTo(Half.BOTH));
        assertThat(first).filteredOn(q -> q.text().equals("What is below the yellow star?")).isEmpty();
        assertThat(first.getFirst().half()).isEqualTo(Half.BOTTOM);
    }

    @Test
    void withPhasesItKeepsMostOfWhatFastVKeeps() throws IOException {
        Path folder = DEMO.resolve("questions-vlm");
        List<SceneQuestion> questions = SceneQuestion.read(folder).subList(0, 12);
        try (Winnow model = Winnow.open(DEMO.resolve("shapes-vlm"))) {
            LocalisationStudy study = new LocalisationStudy(model, folder, questions);
            LocalisationResult fastv = study.run("fastv", 2, "25%", i -> ReductionPlan.parse(List.of("fastv:k=2,keep=25%")));
            LocalisationResult rotated = drop(study, true);
            LocalisationResult still = drop(study, false);
            int sameAsFastv = 0;
            int sameWithout = 0;
            for (int i = 0; i < questions.size(); i++) {
                assertThat(kept(fastv.asked().get(i))).isEqualTo(36);
                assertThat(kept(rotated.asked().get(i))).isEqualTo(36);
                sameAsFastv += common(fastv.asked().get(i), rotated.asked().get(i));
                sameWithout += common(fastv.asked().get(i), still.asked().get(i));
            }
            // heads weigh alike here, and by how much they look at the picture there; by chance a quarter would be the same
            assertThat(sameAsFastv).isGreaterThan(12 * 36 / 2).isGreaterThan(sameWithout);
            assertThat(rotated.rows()).hasSize(12);
            assertThat(rotated.visual()).isEqualTo(fastv.visual());
        }
    }

    private static int kept(Asked a) {
        return common(a, a);
    }

    private static int common(Asked a, Asked b) {
        int common = 0;
        for (int p = 0; p < a.alive().length; p++) if (a.alive()[p] && b.alive()[p]) common++;
        return common;
    }
}
