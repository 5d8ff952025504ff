package dev.winnow.runtime.cli;

import dev.winnow.runtime.models.LoadReport;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** A report about loading, for people and as JSON. */
final class LoadListing {
    private LoadListing() {}

    /** One line per parameter, then one per tensor that was not used. */
    static List<String> lines(LoadReport report) {
        List<String> lines = new ArrayList<>();
        for (LoadReport.Parameter p : report.parameters()) {
            String from = p.from().stream().map(LoadReport.Stored::toString).collect(Collectors.joining(" + "));
            String steps = p.steps().isEmpty() ? "as stored" : String.join(", ", p.steps());
            lines.add(String.join(" and ", p.uses()) + " <- " + (from.isEmpty() ? "adapter" : from) + ": " + steps
                    + (p.held().isEmpty() ? "" : ", held as " + p.held()));
        }
        for (LoadReport.Stored s : report.unused()) lines.add("not used: " + s);
        return lines;
    }

    static Map<String, Object> json(LoadReport report) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("parameters", report.parameters());
        all.put("unused", report.unused());
        return all;
    }
}
