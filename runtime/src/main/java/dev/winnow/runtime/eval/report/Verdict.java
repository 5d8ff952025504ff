package dev.winnow.runtime.eval.report;

import dev.winnow.runtime.eval.PlanResult;
import dev.winnow.runtime.eval.Results;
import java.util.ArrayList;
import java.util.List;

/** What the results come to, in sentences that a reader may stop after. */
final class Verdict {
    /**
     * One finding.
     *
     * @param title  what it is about
     * @param figure the number that matters
     * @param text   one or two sentences
     */
    record Finding(String title, String figure, String text) {}

    private final Results results;
    private final boolean times;

    private Verdict(Results results, boolean times) {
        this.results = results;
        this.times = times;
    }

    /** @param times whether to name measured times; without, findings are the same in every run */
    static List<Finding> of(Results results, Subject subject, boolean times) {
        return new Verdict(results, times).findings(subject);
    }

    private List<Finding> findings(Subject subject) {
        List<Finding> findings = new ArrayList<>();
        PlanResult dense = results.dense();
        if (results.judged()) {
            boolean labels = results.questions().getFirst().label().isPresent();
            findings.add(new Finding("Dense model", Figures.percent(dense.accuracy().value()), dense.right() + " of " + dense.judged()
                    + " right, 95% interval " + Figures.range(dense.accuracy()) + ". Right means: " + subject.measure(labels) + "."));
            if (!results.reduced().isEmpty()) findings.add(cheapest());
        } else if (!Double.isNaN(dense.perplexity())) {
            findings.add(new Finding("Dense model", Figures.decimals(dense.perplexity(), 3), "Perplexity of the reference texts."));
        }
        results.closest().ifPresent(p -> findings.add(closest(p)));
        return findings;
    }

    private Finding cheapest() {
        String title = "Cheapest plan these questions cannot tell from dense";
        return results.cheapestWithoutLoss().map(p -> new Finding(title, p.plan(), Figures.points(p.difference().value())
                + " points to dense (" + Figures.signedRange(p.difference()) + ", p = " + Figures.p(p.p()) + ") with " + saving(p) + "."))
                .orElseGet(() -> new Finding(title, "none", "Every plan's accuracy is below the dense one by more than chance explains."));
    }

    private Finding closest(PlanResult p) {
        String kept = results.judged() ? Figures.percent(p.accuracy().value()) + " right, " + Figures.points(p.difference().value())
                + " points to dense (" + Figures.signedRange(p.difference()) + ")" : "KL to dense " + Figures.divergence(p.divergence()) + ", "
                + Figures.percent(p.agreement()) + " of answers the same";
        return new Finding(results.judged() ? "Most accurate plan" : "Plan closest to dense", p.plan(), kept + " with " + saving(p) + ".");
    }

    private String saving(PlanResult p) {
        PlanResult dense = results.dense();
        List<String> parts = new ArrayList<>();
        if (dense.cost().visualTokens() > 0) {
            parts.add(Figures.percent(p.cost().visualTokens() / dense.cost().visualTokens()) + " of the visual tokens");
        }
        parts.add(Figures.percent(p.cost().firstTokenFlops() / dense.cost().firstTokenFlops()) + " of the operations");
        if (dense.cost().cacheBytes() > 0) parts.add(Figures.percent(p.cost().cacheBytes() / dense.cost().cacheBytes()) + " of the cache");
        String counted = parts.size() < 2 ? parts.getFirst() : String.join(", ", parts.subList(0, parts.size() - 1)) + " and " + parts.getLast();
        if (!times) return counted;
        return counted + "; " + Figures.times(dense.timing().firstToken(), p.timing().firstToken()) + " the dense model's speed to the "
                + new ResultTable(results).firstToken();
    }
}
