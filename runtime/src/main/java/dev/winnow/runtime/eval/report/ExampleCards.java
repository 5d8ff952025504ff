package dev.winnow.runtime.eval.report;

import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.Explanation;
import dev.winnow.runtime.eval.Evaluation;
import dev.winnow.runtime.eval.Outcome;
import dev.winnow.runtime.eval.Results;
import dev.winnow.runtime.eval.questions.Picture;
import dev.winnow.runtime.eval.questions.Question;
import dev.winnow.runtime.images.RgbImage;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Questions where plans disagree with the dense model, each with its picture and what the plan kept of it. */
final class ExampleCards {
    private final Results results;
    private final Evaluation evaluation;
    private final List<ReductionPlan> plans;
    /** Symbols by picture, so that each is in the page once. */
    private final Map<Picture, String> ids = new LinkedHashMap<>();
    private final StringBuilder symbols = new StringBuilder();

    /** @param plans those of the results, without the dense one */
    ExampleCards(Results results, Evaluation evaluation, List<ReductionPlan> plans) {
        this.results = results;
        this.evaluation = evaluation;
        this.plans = plans;
    }

    /** Cards and, in front, the pictures they use; empty where plans and dense model never differ. */
    String html() {
        StringBuilder cards = new StringBuilder();
        for (Disagreements.Example example : Disagreements.of(results)) cards.append(card(example));
        if (cards.isEmpty()) return "";
        return "<svg class=\"symbols\" aria-hidden=\"true\">" + symbols + "</svg><div class=\"cards\">" + cards + "</div>";
    }

    private String card(Disagreements.Example example) {
        Question question = results.questions().get(example.question());
        Outcome dense = results.answers().get(example.question()).dense();
        Outcome reduced = results.answers().get(example.question()).plans().get(example.plan() - 1);
        StringBuilder card = new StringBuilder("<article class=\"card\" data-plan=\"" + example.plan() + "\"><p class=\"plan\"><b>"
                + ResultTable.number(example.plan()) + "</b> " + Html.text(plans.get(example.plan() - 1).toString()) + "</p>");
        card.append(pictures(question, example)).append("<p class=\"prompt\">").append(Html.text(prompt(question))).append("</p><dl>");
        if (!question.answers().isEmpty()) answer(card, "accepted", String.join(", ", question.answers().stream().distinct().toList()), "");
        answer(card, "dense", dense.answer(), mark(dense));
        answer(card, "reduced", reduced.answer(), mark(reduced));
        return card.append("</dl><p class=\"type\">").append(Html.text(question.type())).append(" · question ").append(Html.text(question.id()))
                .append("</p></article>").toString();
    }

    private static String prompt(Question question) {
        return question.prompt().isBlank() ? "Which class?" : question.prompt();
    }

    private static String mark(Outcome outcome) {
        return Double.isNaN(outcome.score()) ? "" : outcome.right() ? "right" : "wrong";
    }

    private static void answer(StringBuilder card, String who, String text, String mark) {
        card.append("<dt>").append(who).append("</dt><dd class=\"").append(mark).append("\">").append(Html.text(text.isEmpty() ? "(nothing)" : text));
        if (!mark.isEmpty()) card.append(" <span>").append(mark).append("</span>");
        card.append("</dd>");
    }

    private String pictures(Question question, Disagreements.Example example) {
        if (question.pictures().isEmpty()) return "";
        RgbImage[] images = evaluation.pictures(example.question());
        Explanation explanation = evaluation.explain(plans.get(example.plan() - 1), example.question());
        StringBuilder html = new StringBuilder("<div class=\"pictures\">");
        for (int i = 0; i < images.length; i++) {
            String id = id(question.pictures().get(i), images[i]);
            html.append(KeptPatches.whole(id, images[i]));
            int picture = i;
            List<KeptPatches.Cells> parts = IntStream.range(0, explanation.pieces().size())
                    .filter(p -> explanation.pieces().get(p).image() == picture)
                    .mapToObj(p -> new KeptPatches.Cells(explanation.pieces().get(p), explanation.panels().getLast().pieces().get(p))).toList();
            html.append(KeptPatches.kept(id, images[i], parts));
        }
        return html.append("</div>").toString();
    }

    private String id(Picture picture, RgbImage image) {
        return ids.computeIfAbsent(picture, p -> {
            String id = "picture" + (ids.size() + 1);
            symbols.append(KeptPatches.symbol(id, image));
            return id;
        });
    }
}
