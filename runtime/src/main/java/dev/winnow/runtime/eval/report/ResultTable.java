package dev.winnow.runtime.eval.report;

import dev.winnow.runtime.eval.PlanResult;
import dev.winnow.runtime.eval.Results;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/** Results as rows of text under headings: what was counted, what was measured, and accuracy by type of question. */
public final class ResultTable {
    /** One column of a table with a row per plan. */
    private record Column(String name, Function<PlanResult, String> text) {}

    private final Results results;

    public ResultTable(Results results) {
        this.results = results;
    }

    /** Accuracy and counted work: the same in every run. */
    public List<List<String>> counted() {
        PlanResult dense = results.dense();
        List<Column> columns = new ArrayList<>();
        if (results.judged()) {
            columns.add(new Column("accuracy", p -> Figures.percent(p.accuracy().value())));
            columns.add(new Column("95%", p -> Figures.range(p.accuracy())));
            columns.add(new Column("to dense", p -> same(p) ? "" : Figures.points(p.difference().value())));
            columns.add(new Column("95%", p -> same(p) ? "" : Figures.signedRange(p.difference())));
            columns.add(new Column("p", p -> same(p) ? "" : Figures.p(p.p())));
            columns.add(new Column("lost/gained", p -> same(p) ? "" : flips(p.flips())));
        }
        columns.add(new Column("agreement", p -> Figures.percent(p.agreement())));
        columns.add(new Column("KL", p -> Figures.divergence(p.divergence())));
        if (!Double.isNaN(dense.perplexity())) columns.add(new Column("perplexity", p -> Figures.decimals(p.perplexity(), 3)));
        if (dense.cost().visualTokens() > 0) columns.add(new Column("visual tokens", p -> Figures.decimals(p.cost().visualTokens(), 1)));
        columns.add(new Column("FLOP", p -> Figures.percent(p.cost().firstTokenFlops() / dense.cost().firstTokenFlops())));
        if (dense.cost().cacheBytes() > 0) columns.add(new Column("cache", p -> Figures.quantity(p.cost().cacheBytes(), "B")));
        return rows(columns);
    }

    /** Measured times: different in every run. */
    public List<List<String>> timed() {
        PlanResult dense = results.dense();
        List<Column> columns = new ArrayList<>();
        columns.add(new Column(firstToken(), p -> Figures.seconds(p.timing().firstToken())));
        columns.add(new Column("90th", p -> Figures.seconds(p.timing().firstToken90())));
        columns.add(new Column("faster", p -> Figures.times(dense.timing().firstToken(), p.timing().firstToken())));
        if (dense.timing().decodeRate() > 0) columns.add(new Column("tokens/s", p -> Figures.decimals(p.timing().decodeRate(), 1)));
        columns.add(new Column("reduction", p -> Figures.seconds(p.timing().reduction())));
        columns.add(new Column("CPU", p -> Figures.seconds(p.timing().cpu())));
        return rows(columns);
    }

    /** What the model has ready after its first pass. */
    String firstToken() {
        return results.dense().cost().cacheBytes() > 0 ? "first token" : "label";
    }

    /** A row per type of question, a column per plan: accuracy where answers are known, else agreement with the dense model. */
    public List<List<String>> types() {
        List<List<String>> rows = new ArrayList<>();
        List<String> heading = new ArrayList<>(List.of("type", "questions"));
        for (int i = 0; i < results.plans().size(); i++) heading.add(number(i));
        rows.add(heading);
        for (String type : results.dense().types().keySet()) {
            List<String> row = new ArrayList<>(List.of(type, Integer.toString(results.dense().types().get(type).questions())));
            results.plans().forEach(p -> row.add(Figures.percent(share(p.types().get(type)))));
            rows.add(row);
        }
        return rows;
    }

    /** Tokens of the pictures that ran each layer, means over questions, equal neighbours together; empty without pictures. */
    public List<List<String>> layers() {
        PlanResult dense = results.dense();
        if (dense.cost().towerLayers().isEmpty()) return List.of();
        List<Column> columns = new ArrayList<>(List.of(new Column("vision layers", p -> runs(p.cost().towerLayers()))));
        if (!dense.cost().layers().isEmpty()) columns.add(new Column("language layers", p -> runs(p.cost().layers())));
        return rows(columns);
    }

    /** 144, 144, 36 as "144 (2), 36". */
    private static String runs(List<Double> layers) {
        List<String> runs = new ArrayList<>();
        for (int from = 0, to; from < layers.size(); from = to) {
            for (to = from + 1; to < layers.size() && layers.get(to).equals(layers.get(from)); ) to++;
            String tokens = Figures.decimals(layers.get(from), 1).replace(".0", "");
            runs.add(to - from == 1 ? tokens : tokens + " (" + (to - from) + ")");
        }
        return String.join(", ", runs);
    }

    /** Right answers lost and gained, a row per type of question, a column per plan; empty where nothing flipped. */
    public List<List<String>> flips() {
        if (results.reduced().stream().allMatch(p -> p.flips().lost() + p.flips().gained() == 0)) return List.of();
        List<List<String>> rows = new ArrayList<>();
        List<String> heading = new ArrayList<>(List.of("type"));
        List<String> all = new ArrayList<>(List.of("all"));
        for (int i = 1; i < results.plans().size(); i++) {
            heading.add(number(i));
            all.add(flips(results.plans().get(i).flips()));
        }
        rows.add(heading);
        for (String type : results.dense().types().keySet()) {
            List<String> row = new ArrayList<>(List.of(type));
            results.reduced().forEach(p -> row.add(flips(p.types().get(type).flips())));
            rows.add(row);
        }
        rows.add(all);
        return rows;
    }

    private static String flips(PlanResult.Flips flips) {
        return flips.lost() + "/" + flips.gained();
    }

    double share(PlanResult.TypeResult type) {
        return results.judged() ? type.accuracy() : type.agreement();
    }

    private static boolean same(PlanResult p) {
        return p.plan().equals("dense");
    }

    /** How tables and plots call the plan at a place. */
    static String number(int plan) {
        return plan == 0 ? "dense" : "#" + plan;
    }

    String named(int plan) {
        return plan == 0 ? "dense" : number(plan) + " " + results.plans().get(plan).plan();
    }

    private List<List<String>> rows(List<Column> columns) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(Stream.concat(Stream.of("plan"), columns.stream().map(Column::name)).toList());
        for (int i = 0; i < results.plans().size(); i++) {
            PlanResult plan = results.plans().get(i);
            rows.add(Stream.concat(Stream.of(named(i)), columns.stream().map(c -> c.text.apply(plan))).toList());
        }
        return rows;
    }
}
