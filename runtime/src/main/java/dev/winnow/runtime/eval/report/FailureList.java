package dev.winnow.runtime.eval.report;

import dev.winnow.runtime.eval.Outcome;
import dev.winnow.runtime.eval.PlanResult;
import dev.winnow.runtime.eval.Results;
import dev.winnow.runtime.eval.questions.Picture;
import dev.winnow.runtime.eval.questions.Question;
import java.util.stream.Collectors;

/** Right answers that reduction turned into wrong ones, by plan and type of question, as text. */
public final class FailureList {
    private FailureList() {}

    public static String of(Results results) {
        StringBuilder text = new StringBuilder();
        ResultTable table = new ResultTable(results);
        for (int i = 1; i < results.plans().size(); i++) {
            PlanResult plan = results.plans().get(i);
            int number = i;
            text.append(table.named(i)).append(": ").append(counts(plan.flips())).append('\n');
            plan.types().forEach((type, r) -> {
                if (r.flips().lost() + r.flips().gained() == 0) return;
                text.append("  ").append(type).append(": ").append(counts(r.flips())).append('\n');
                for (int n : plan.numbers().lost()) {
                    if (results.questions().get(n).type().equals(type)) text.append("    ").append(line(results, number, n)).append('\n');
                }
            });
        }
        return text.toString();
    }

    private static String counts(PlanResult.Flips flips) {
        return flips.lost() + " right answers lost, " + flips.gained() + " gained";
    }

    private static String line(Results results, int plan, int number) {
        Question q = results.questions().get(number);
        Outcome dense = results.answers().get(number).dense();
        String pictures = q.pictures().stream().map(Picture::name).collect(Collectors.joining(", "));
        String line = q.id() + (pictures.isEmpty() || pictures.equals(q.id()) ? "" : "  " + pictures) + "  " + q.prompt() + "  "
                + dense.answer() + " -> " + results.answers().get(number).plans().get(plan - 1).answer();
        return line.replaceAll("\\p{Cntrl}+", " ");
    }
}
