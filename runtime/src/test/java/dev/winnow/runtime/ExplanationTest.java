package dev.winnow.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.reduction.Grid;
import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.Methods;
import dev.winnow.reduction.PlanException;
import dev.winnow.runtime.Explanation.Alive;
import dev.winnow.runtime.Explanation.Panel;
import dev.winnow.runtime.images.RgbImage;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an explanation says against what the same run counted by other means. */
class ExplanationTest {
    private static final Path DEMO = Path.of("../examples/demo");
    private static final String QUESTION = "What color is the square?";
    private static final int PATCHES = 144;
    /** Of the demo model: key heads, and the bytes of an entry's key and value. */
    private static final int HEADS = 2;
    private static final long ENTRY = 32L * 2 * Float.BYTES;
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

    private static Answer ask(String plan, RgbImage... images) {
        Request request = Request.of(QUESTION, images).withMaxTokens(2);
        return winnow.generate(plan.isEmpty() ? request : request.withReduction(plan.split(" \\+ ")), piece -> { });
    }

    @ParameterizedTest
    @ValueSource(strings = {"tome:r=8", "evit", "visionzip:keep=50%", "visionzip:dominant=20,contextual=5", "divprune:keep=30%",
        "fastv:k=2,keep=40", "pyramiddrop", "sparsevlm", "pool:keep=36", "tome:r=4 + visionzip:keep=64 + fastv:k=3,keep=50%",
        "prumerge:keep=40", "mustdrop", "dart:keep=40 + pyramiddrop:keep=20"})
    void tokensAliveAreThoseThatRan(String plan) {
        Answer dense = ask("", image);
        Answer answer = ask(plan, image);
        Explanation e = answer.explanation();
        assertThat(e.pieces()).singleElement().satisfies(p -> assertThat(p.grid()).isEqualTo(new Grid(12, 12)));
        int text = dense.stats().promptTokens() - PATCHES;
        int ran = answer.stats().languageTokens().getLast() - text;
        boolean hides = e.panels().stream().anyMatch(p -> p.deed().contains("hidden"));
        if (hides) assertThat(e.pictureTokens()).isLessThan(ran);
        else assertThat(e.pictureTokens()).isEqualTo(ran);
        assertThat(e.panels()).hasSizeGreaterThan(1);
        assertThat(e.panels().getFirst().pieces().getFirst().tokens()).isEqualTo(PATCHES + 1);
        for (Panel p : e.panels()) {
            Alive alive = p.pieces().getFirst();
            Set<Integer> held = new HashSet<>();
            alive.groups().forEach(g -> Arrays.stream(g).forEach(held::add));
            assertThat(IntStream.range(0, PATCHES).filter(i -> alive.strength()[i] > 0).boxed()).containsExactlyInAnyOrderElementsOf(held);
            assertThat(alive.sizes()).hasSize(alive.tokens());
        }
        Panel last = e.panels().getLast();
        boolean inLanguage = last.site().startsWith("language");
        if (inLanguage) assertThat(last.pieces().getFirst().tokens()).isEqualTo(e.pictureTokens());
        if (inLanguage && !hides) assertThat(last.after()).isEqualTo(answer.stats().languageTokens().getLast());
        for (int i = 1; i < e.panels().size(); i++) {
            Panel p = e.panels().get(i);
            assertThat(p.deed()).as(p.title()).isNotEmpty().isNotEqualTo("no token left out");
            boolean sameStage = p.site().split(" ")[0].equals(e.panels().get(i - 1).site().split(" ")[0]);
            if (sameStage) assertThat(p.before()).isEqualTo(e.panels().get(i - 1).after());
        }
    }

    /** Whatever a method does, its explanation holds together, and its entries are those in the cache. */
    @Test
    void everyMethodIsExplained() {
        int explained = 0;
        for (MethodType type : Methods.all()) {
            boolean budget = type.options().stream().anyMatch(o -> o.name().equals("keep"));
            String plan = type.name() + (budget ? ":keep=40%" : "");
            Answer answer;
            try {
                answer = ask(plan, image);
            } catch (PlanException e) {
                // wants another model, or has an option that must be given
                continue;
            }
            Explanation e = answer.explanation();
            explained++;
            for (Panel p : e.panels()) {
                Alive alive = p.pieces().getFirst();
                assertThat(p.method()).as(plan + ": every patch is found again behind the tower").isNotEqualTo("model");
                assertThat(alive.sizes()).as(plan).hasSize(alive.tokens());
                boolean[] held = new boolean[PATCHES];
                alive.groups().forEach(g -> Arrays.stream(g).forEach(patch -> held[patch] = true));
                for (int i = 0; i < PATCHES; i++) assertThat(alive.strength()[i] > 0).as(plan).isEqualTo(held[i]);
            }
            // kivi packs its entries into fewer bytes
            if (!e.cache().isEmpty() && !type.name().equals("kivi")) assertThat(e.entries() * ENTRY).as(plan).isEqualTo(answer.stats().cacheBytes());
        }
        assertThat(explained).isGreaterThan(55);
    }

    @Test
    void groupsOfAMergeArePartitionsThatOnlyGrow() {
        List<Panel> panels = ask("tome:r=8", image).explanation().panels();
        int[] before = null;
        for (Panel p : panels) {
            int[] owner = new int[PATCHES];
            Arrays.fill(owner, -1);
            List<int[]> groups = p.pieces().getFirst().groups();
            for (int g = 0; g < groups.size(); g++) {
                for (int patch : groups.get(g)) {
                    assertThat(owner[patch]).as("patch in two groups").isEqualTo(-1);
                    owner[patch] = g;
                }
            }
            assertThat(owner).doesNotContain(-1);
            for (int i = 0; before != null && i < PATCHES; i++) {
                for (int j = 0; j < i; j++) if (before[i] == before[j]) assertThat(owner[i]).isEqualTo(owner[j]);
            }
            before = owner;
            float sizes = 0;
            for (float s : p.pieces().getFirst().sizes()) sizes += s;
            assertThat(sizes).isEqualTo(PATCHES + 1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"fastv:k=2,keep=40", "pyramiddrop", "fastervlm:keep=30", "visionzip:dominant=30,contextual=0"})
    void whatIsKeptScoresHighest(String plan) {
        List<Panel> panels = ask(plan, image).explanation().panels();
        for (int i = 1; i < panels.size(); i++) {
            Alive before = panels.get(i - 1).pieces().getFirst();
            Alive alive = panels.get(i).pieces().getFirst();
            float[] scores = alive.scores().values();
            assertThat(alive.scores().name()).isEqualTo("score");
            float worstKept = Float.POSITIVE_INFINITY;
            float bestGone = Float.NEGATIVE_INFINITY;
            for (int p = 0; p < PATCHES; p++) {
                assertThat(Float.isNaN(scores[p])).isEqualTo(before.strength()[p] == 0);
                if (alive.strength()[p] > 0) worstKept = Math.min(worstKept, scores[p]);
                else if (before.strength()[p] > 0) bestGone = Math.max(bestGone, scores[p]);
            }
            assertThat(worstKept).isGreaterThanOrEqualTo(bestGone);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"snapkv:keep=30", "h2o:keep=30", "adakv:keep=30", "streamingllm:keep=30", "tova:keep=30", "pyramidkv:keep=30",
        "lookm:keep=30", "knorm:keep=50%", "keydiff:keep=50%", "expectedattention:keep=50%", "lagkv", "keyformer:keep=50%",
        "knorm:keep=100 + snapkv:keep=30", "fastv:k=2,keep=40 + snapkv:keep=30", "pyramiddrop:keep=20 + knorm:keep=50%",
        "tome:r=8 + adakv:keep=40%", "layerdrop:layers=2", "mustdrop", "yopo", "hidrop", "sparsevlm + streamingllm:keep=30",
        "streamingllm:keep=30 + keyrotation"})
    void entriesAreThoseThatTheCacheHolds(String plan) {
        boolean visual = plan.contains("fastv") || plan.contains("drop:keep") || plan.contains("tome") || plan.contains("yopo")
                || plan.contains("hidrop") || plan.contains("mustdrop") || plan.contains("sparsevlm") || plan.contains("lookm");
        for (RgbImage[] images : visual ? new RgbImage[][] {{image}} : new RgbImage[][] {{image}, {}}) {
            Answer answer = longer(plan, images);
            Explanation e = answer.explanation();
            if (plan.startsWith("layerdrop")) {
                assertThat(e.cache()).isEmpty();
                continue;
            }
            assertThat(e.cache()).hasSize(6);
            assertThat(e.entries() * ENTRY).as(plan).isEqualTo(answer.stats().cacheBytes());
            for (Explanation.Layer l : e.cache()) {
                for (Explanation.Entries h : l.heads()) {
                    assertThat(h.kept()).isSorted().doesNotHaveDuplicates();
                    assertThat(Arrays.stream(h.kept())).allMatch(t -> t >= 0 && t < e.prompt().tokens());
                    Set<Integer> kept = new HashSet<>(Arrays.stream(h.kept()).boxed().toList());
                    assertThat(Arrays.stream(h.merged()).boxed()).noneMatch(kept::contains);
                }
            }
        }
    }

    private static Answer longer(String plan, RgbImage... images) {
        String text = "The quick brown fox jumps over the lazy dog and looks at every shape. ".repeat(3) + QUESTION;
        return winnow.generate(Request.of(text, images).withMaxTokens(2).withReduction(plan.split(" \\+ ")), piece -> { });
    }

    @Test
    void streamingKeepsSinksAndTheEndOfEveryHead() {
        Explanation e = longer("streamingllm:sinks=4,keep=30").explanation();
        int n = e.prompt().tokens();
        int[] expected = IntStream.concat(IntStream.range(0, 4), IntStream.range(n - 26, n)).toArray();
        for (Explanation.Layer l : e.cache()) {
            assertThat(l.heads()).hasSize(HEADS).allSatisfy(h -> assertThat(h.kept()).isEqualTo(expected));
            assertThat(l.deeds().getFirst()).contains("keeps 30 of " + n);
        }
        assertThat(String.join("", winnow.words(e.prompt().ids()))).contains("quick").contains("square");
    }

    @Test
    void adaptiveHeadsKeepDifferentNumbers() {
        List<Explanation.Layer> cache = longer("adakv:keep=30", image).explanation().cache();
        assertThat(cache).anySatisfy(l -> assertThat(l.heads().get(0).kept()).hasSizeLessThan(l.heads().get(1).kept().length));
        assertThat(cache).anySatisfy(l -> assertThat(l.deeds().getFirst()).contains(" to "));
    }

    @Test
    void mergedEntriesAreNeitherKeptNorGone() {
        Explanation e = longer("lookm:keep=30", image).explanation();
        Explanation.Entries head = e.cache().getFirst().heads().getFirst();
        assertThat(head.merged()).isNotEmpty().isSorted();
        assertThat(e.prompt().pieces()[head.merged()[0]]).as("text is never merged").isZero();
    }

    @Test
    void tokensOfThePromptAreTextOrPatches() {
        Explanation.Prompt prompt = ask("fastv:k=2,keep=40", image, image).explanation().prompt();
        int[] pieces = prompt.pieces();
        assertThat(IntStream.range(0, pieces.length).filter(t -> pieces[t] == 1).map(t -> prompt.patches().get(t)[0]).toArray())
                .isEqualTo(IntStream.range(0, PATCHES).toArray());
        for (int t = 0; t < pieces.length; t++) assertThat(prompt.ids()[t] < 0).isEqualTo(pieces[t] >= 0);
    }

    @Test
    void withoutAPlanThereIsTheInputOnly() {
        assertThat(ask("").explanation()).isEqualTo(Explanation.NONE);
        Explanation dense = ask("", image).explanation();
        assertThat(dense.panels()).singleElement().satisfies(p -> assertThat(p.method()).isEqualTo("input"));
        assertThat(dense.cache()).isEmpty();
        assertThat(dense.pictureTokens()).isEqualTo(PATCHES);
    }

    @Test
    void aClassifierIsExplainedToo() {
        try (Winnow vit = Winnow.open(DEMO.resolve("shapes-vit"))) {
            Classification c = vit.classify(RgbImage.read(DEMO.resolve("golden/vit-0.png")),
                    Request.of("").withReduction("tome:r=4", "evit:keep=50%").plan());
            List<Panel> panels = c.explanation().panels();
            assertThat(panels.getLast().after()).isEqualTo(c.stats().visionTokens().getLast());
            assertThat(panels.stream().map(Panel::after)).isSortedAccordingTo((a, b) -> b - a);
            assertThat(c.explanation().pictureTokens()).isEqualTo(panels.getLast().after() - 1);
        }
    }
}
