package dev.winnow.runtime.cli;

import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.Methods;
import dev.winnow.reduction.Options;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Every reduction method there is, straight from the code. */
@Command(name = "methods", description = "Lists the reduction methods with paper, site, options and defaults.")
final class MethodsCommand implements Callable<Integer> {
    @Mixin
    private Common common;

    @Override
    public Integer call() {
        common.check();
        if (common.json()) {
            List<Map<String, Object>> all = new ArrayList<>();
            for (MethodType m : Methods.all()) {
                Map<String, Object> one = new LinkedHashMap<>();
                one.put("name", m.name());
                one.put("paper", m.paper());
                one.put("year", m.year());
                one.put("reference", m.reference());
                one.put("site", m.site());
                one.put("trainingFree", m.trainingFree());
                one.put("options", m.options());
                all.add(one);
            }
            common.printJson(all);
            return 0;
        }
        for (MethodType m : Methods.all()) {
            common.out().println(m.name() + "  " + m.paper() + " (" + m.year() + ", " + m.reference() + ")");
            common.out().println("    " + m.site() + "; " + (m.trainingFree() ? "training-free" : "needs a checkpoint trained for it"));
            for (Options.Option o : m.options()) {
                String value = o.defaultValue().isEmpty() ? "" : "=" + o.defaultValue();
                String also = o.aliases().length == 0 ? "" : " (also " + String.join(", ", o.aliases()) + ")";
                common.out().println(String.format("    %-24s %s%s", o.name() + value, o.meaning(), also));
            }
            common.out().println();
        }
        return 0;
    }
}
