package dev.winnow.runtime.eval.report;

import dev.winnow.runtime.bench.Host;
import dev.winnow.runtime.eval.Interval;
import dev.winnow.runtime.eval.Outcome;
import dev.winnow.runtime.eval.PlanResult;
import dev.winnow.runtime.eval.Results;
import dev.winnow.runtime.eval.Timing;
import dev.winnow.runtime.eval.questions.Picture;
import dev.winnow.runtime.eval.questions.Question;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Results as maps and lists to write as JSON. What is not known is null. Measured times stay apart, as the rest is the same in every run. */
public final class ResultsJson {
    private ResultsJson() {}

    /** All that is the same in every run. */
    public static Map<String, Object> counted(Subject subject, Results results) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("model", ordered("directory", subject.model(), "family", subject.family(), "fingerprint", subject.modelPrint(),
                "quantize", subject.quantization()));
        json.put("questions", ordered("file", subject.questions(), "format", subject.format(), "asked", results.questions().size(),
                "available", subject.available(), "fingerprint", subject.questionPrint()));
        json.put("judge", subject.judge().toString());
        json.put("maxTokens", subject.maxTokens());
        json.put("plans", results.plans().stream().map(ResultsJson::plan).toList());
        return json;
    }

    private static Map<String, Object> plan(PlanResult p) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("plan", p.plan());
        json.put("judged", p.judged());
        json.put("right", p.judged() == 0 ? null : p.right());
        json.put("accuracy", number(p.accuracy().value()));
        json.put("accuracyInterval", interval(p.accuracy()));
        json.put("difference", number(p.difference().value()));
        json.put("differenceInterval", interval(p.difference()));
        json.put("lost", p.flips().lost());
        json.put("gained", p.flips().gained());
        json.put("mcnemarP", p.judged() == 0 ? null : p.p());
        json.put("agreement", number(p.agreement()));
        json.put("divergence", number(p.divergence()));
        json.put("perplexity", number(p.perplexity()));
        Map<String, Object> types = new LinkedHashMap<>();
        p.types().forEach((type, r) -> types.put(type, ordered("questions", r.questions(), "accuracy", number(r.accuracy()), "right", r.right(),
                "lost", r.flips().lost(), "gained", r.flips().gained(), "agreement", number(r.agreement()), "divergence", number(r.divergence()))));
        json.put("types", types);
        json.put("visualTokens", p.cost().visualTokens());
        json.put("visualTokensPerLanguageLayer", p.cost().layers());
        json.put("tokensPerVisionLayer", p.cost().towerLayers());
        json.put("promptTokens", p.cost().promptTokens());
        json.put("firstTokenFlops", p.cost().firstTokenFlops());
        json.put("decodeFlops", p.cost().decodeFlops());
        json.put("cacheBytes", p.cost().cacheBytes());
        return json;
    }

    /** Questions that changed sides, by plan and type. */
    public static List<Map<String, Object>> failures(Results results) {
        List<Map<String, Object>> plans = new ArrayList<>();
        for (int i = 1; i < results.plans().size(); i++) {
            PlanResult p = results.plans().get(i);
            List<Outcome> outcomes = results.outcomes(i);
            plans.add(ordered("plan", p.plan(), "lost", p.flips().lost(), "gained", p.flips().gained(), "types", byType(results, p, outcomes)));
        }
        return plans;
    }

    private static Map<String, Object> byType(Results results, PlanResult p, List<Outcome> outcomes) {
        Map<String, Object> types = new LinkedHashMap<>();
        p.types().forEach((type, r) -> {
            if (r.flips().lost() + r.flips().gained() == 0) return;
            List<Map<String, Object>> lost = p.numbers().lost().stream().filter(n -> results.questions().get(n).type().equals(type))
                    .map(n -> failure(results.questions().get(n), results.answers().get(n).dense(), outcomes.get(n))).toList();
            types.put(type, ordered("lost", r.flips().lost(), "gained", r.flips().gained(), "questions", lost));
        });
        return types;
    }

    private static Map<String, Object> failure(Question q, Outcome dense, Outcome reduced) {
        return ordered("id", q.id(), "pictures", q.pictures().stream().map(Picture::name).toList(), "prompt", q.prompt(), "answers", q.answers(),
                "dense", dense.answer(), "reduced", reduced.answer());
    }

    /** One line for each question and plan: what was answered. */
    public static List<Map<String, Object>> answers(Results results) {
        List<Map<String, Object>> lines = new ArrayList<>();
        for (int n = 0; n < results.questions().size(); n++) {
            for (int i = 0; i < results.plans().size(); i++) {
                Outcome o = i == 0 ? results.answers().get(n).dense() : results.answers().get(n).plans().get(i - 1);
                lines.add(ordered("id", results.questions().get(n).id(), "plan", results.plans().get(i).plan(), "type",
                        results.questions().get(n).type(), "answer", o.answer(), "score", number(o.score()), "agreement", number(o.agreement()),
                        "divergence", number(o.divergence()), "surprise", number(o.surprise()), "visualTokens", o.work().meanVisualTokens(),
                        "promptTokens", o.work().promptTokens(), "generatedTokens", o.work().generated(), "cacheBytes", o.work().cacheBytes()));
            }
        }
        return lines;
    }

    /** Measured times. */
    public static Map<String, Object> times(Results results) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("machine", Host.describe());
        List<Map<String, Object>> plans = new ArrayList<>();
        for (PlanResult p : results.plans()) {
            Timing t = p.timing();
            plans.add(ordered("plan", p.plan(), "firstTokenSeconds", t.firstToken(), "firstTokenSeconds90", t.firstToken90(),
                    "decodeTokensPerSecond", t.decodeRate(), "reductionSeconds", t.reduction(), "cpuSeconds", t.cpu()));
        }
        json.put("plans", plans);
        return json;
    }

    private static Object interval(Interval i) {
        return Double.isNaN(i.low()) ? null : List.of(i.low(), i.high());
    }

    /** JSON has no NaN. */
    private static Object number(double x) {
        return Double.isFinite(x) ? x : null;
    }

    private static Map<String, Object> ordered(Object... namesAndValues) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) map.put((String) namesAndValues[i], namesAndValues[i + 1]);
        return map;
    }
}
