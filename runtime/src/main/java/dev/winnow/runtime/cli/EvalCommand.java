package dev.winnow.runtime.cli;

import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.RequestException;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.bench.Host;
import dev.winnow.runtime.eval.Evaluation;
import dev.winnow.runtime.eval.Evaluation.Answered;
import dev.winnow.runtime.eval.Fingerprint;
import dev.winnow.runtime.eval.OutcomeLog;
import dev.winnow.runtime.eval.Results;
import dev.winnow.runtime.eval.questions.Questions;
import dev.winnow.runtime.eval.report.FailureList;
import dev.winnow.runtime.eval.report.ReportFiles;
import dev.winnow.runtime.eval.report.ResultTable;
import dev.winnow.runtime.eval.report.ResultsJson;
import dev.winnow.runtime.eval.report.Subject;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What reduction costs a model on some questions. */
@Command(name = "eval", description = "Asks a model questions, dense and under each plan: accuracy with intervals and a paired test, agreement,"
        + " divergence, visual tokens, operations, cache, times. One --reduce may join methods: \"A + B\".")
final class EvalCommand implements Callable<Integer> {
    @Mixin
    private Common common;
    @Mixin
    private ModelOption model;
    @Mixin
    private AskedOptions asked;

    @Option(names = "--resume", paramLabel = "FILE", description = "keep finished outcomes in this file, and go on from it if it is there")
    private Path resume;
    @Option(names = "--out", paramLabel = "DIR",
            description = "write report.html, report.md, results.json, answers.jsonl and times.json to this folder")
    private Path out;
    @Option(names = "--find-failures", description = "list the questions that were right dense and wrong reduced, by type")
    private boolean findFailures;
    @Option(names = "--no-times", description = "leave measured times out, so that two runs write the same to the byte")
    private boolean noTimes;
    @Option(names = "--progress", description = "show a progress bar even if stderr is no terminal")
    private boolean progress;

    @Override
    public Integer call() {
        asked.check();
        List<ReductionPlan> plans = common.plans();
        if (findFailures && plans.isEmpty()) throw new UsageException("--find-failures looks for what plans get wrong, but there is no --reduce");
        if (resume != null) OutputFile.require("--resume", resume, List.of(model.directory(), asked.file()));
        try (Winnow winnow = model.open(common.backend())) {
            for (ReductionPlan plan : plans) plan.schedule(winnow.model().shape());
            Questions all = asked.read();
            Questions questions = asked.of(all);
            Evaluation evaluation = asked.evaluation(winnow, questions);
            if (findFailures && questions.list().stream().noneMatch(q -> q.label().isPresent() || !q.answers().isEmpty())) {
                throw new RequestException("--find-failures needs questions with known answers, and those of " + asked.file() + " have none");
            }
            ReportFiles files = out == null ? null : ReportFiles.in(out);
            Subject subject = subject(winnow, questions, all.size());
            Results results = Results.of(questions.list(), plans, answers(evaluation, plans, subject));
            report(subject, results);
            if (files != null) {
                files.write(subject, results, evaluation, plans, !noTimes);
                common.err().println("wrote " + out.resolve("report.html"));
            }
        }
        return 0;
    }

    private Subject subject(Winnow winnow, Questions questions, int available) {
        Path name = model.directory().toAbsolutePath().normalize().getFileName();
        return new Subject(name == null ? "model" : name.toString(), winnow.model().family(), Fingerprint.ofModel(model.directory()),
                String.valueOf(asked.file().toAbsolutePath().normalize().getFileName()), questions.format(),
                Fingerprint.ofQuestions(questions.list()), available, asked.judge(), asked.maxTokens(), model.quantization().name().toLowerCase(Locale.ROOT));
    }

    private List<Answered> answers(Evaluation evaluation, List<ReductionPlan> plans, Subject subject) {
        List<String> names = plans.stream().map(ReductionPlan::toString).toList();
        String settings = "judge " + asked.judge() + ", at most " + asked.maxTokens() + " tokens, quantize " + subject.quantization() + model.merged();
        int count = evaluation.questions().size();
        try (OutcomeLog log = resume == null ? null
                : OutcomeLog.open(resume, new OutcomeLog.Subject(subject.modelPrint(), subject.questionPrint(), names, settings), count)) {
            Map<Integer, Answered> done = log == null ? Map.of() : log.done();
            if (!done.isEmpty()) common.err().println("resuming " + resume + ": " + done.size() + " of " + count + " questions are done");
            try (ProgressMeter meter = ProgressMeter.of("questions", count, done.size(), progress, common.err())) {
                return evaluation.run(plans, done, answered -> {
                    if (log != null) log.answered(answered);
                    meter.step();
                });
            }
        }
    }

    private void report(Subject subject, Results results) {
        if (common.json()) {
            Map<String, Object> json = ResultsJson.counted(subject, results);
            if (findFailures) json.put("failures", ResultsJson.failures(results));
            if (!noTimes) json.put("times", ResultsJson.times(results));
            common.printJson(json);
            return;
        }
        ResultTable table = new ResultTable(results);
        List<String> parts = new ArrayList<>();
        parts.add(subject.model() + " (" + subject.family() + "), " + results.questions().size() + " questions of " + subject.questions() + " ("
                + subject.format() + ")" + (results.judged() ? "; judge " + asked.judge() : "") + System.lineSeparator());
        parts.add(Tables.columns(table.counted()));
        parts.add(Tables.columns(table.types()));
        if (findFailures) parts.add(FailureList.of(results));
        if (!noTimes) {
            parts.add("times, different in every run (" + Host.describe() + ")" + System.lineSeparator() + Tables.columns(table.timed()));
        }
        common.out().print(String.join(System.lineSeparator(), parts));
        common.out().flush();
    }
}
