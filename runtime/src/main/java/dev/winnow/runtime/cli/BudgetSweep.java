package dev.winnow.runtime.cli;

import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.Methods;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.primitives.Budget;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A plan with other budgets: its last method on tokens that has the option {@code keep}, or else its last one on the cache or on layers, is
 * given other values for it.
 *
 * @param method whose budget changes; empty where the plan has no such method
 * @param plans  by budget, as it was written
 */
record BudgetSweep(String method, Map<String, ReductionPlan> plans) {
    static final List<String> USUAL = List.of("100%", "75%", "50%", "25%", "11%");
    private static final Pattern KEEP = Pattern.compile("(?<=[:,])keep=(\\[[^\\]]*\\]|\\([^)]*\\)|[^,]*)");
    private static final int MOST = 20;

    /** The usual budgets; those that the method has no use for are left out. */
    static BudgetSweep usual(ReductionPlan plan) {
        return at(plan, swept(plan), USUAL, true);
    }

    /**
     * Budgets that a user asked for.
     *
     * @throws UsageException when one is no budget, or nothing in the plan has one
     */
    static BudgetSweep of(ReductionPlan plan, List<String> budgets) {
        requireBudgets(budgets);
        int at = swept(plan);
        if (at < 0) throw new UsageException("--explain-budgets needs a method with the option keep, but the plan is " + plan);
        return at(plan, at, budgets, false);
    }

    private static void requireBudgets(List<String> budgets) {
        if (budgets.size() > MOST) throw new UsageException("--explain-budgets takes at most " + MOST + " budgets, not " + budgets.size());
        for (String b : budgets) {
            if (b.matches("\\d{1,9}") || Budget.share(b) >= 0) continue;
            throw new UsageException("--explain-budgets should be counts or shares such as 64, 0.25 or 25% with commas between, but one"
                    + " is '" + b + "'");
        }
    }

    private static int swept(ReductionPlan plan) {
        int found = -1;
        boolean onTokens = false;
        for (int i = 0; i < plan.methods().size(); i++) {
            MethodType type = type(plan.methods().get(i));
            if (type.options().stream().noneMatch(o -> o.name().equals("keep"))) continue;
            boolean tokens = switch (Methods.familyOf(type)) {
                case TOWER, PROJECTOR, LANGUAGE, VIDEO -> true;
                case DEPTH, CACHE -> false;
            };
            if (onTokens && !tokens) continue;
            found = i;
            onTokens = tokens;
        }
        return found;
    }

    private static MethodType type(ReductionMethod method) {
        return Methods.named(method.spec().split(":", 2)[0]);
    }

    private static BudgetSweep at(ReductionPlan plan, int swept, List<String> budgets, boolean lenient) {
        Map<String, ReductionPlan> plans = new LinkedHashMap<>();
        if (swept < 0) return new BudgetSweep("", plans);
        String spec = plan.methods().get(swept).spec();
        for (String b : budgets) {
            Optional<ReductionMethod> changed = keeping(spec, b, lenient);
            if (changed.isEmpty()) continue;
            List<ReductionMethod> methods = new ArrayList<>(plan.methods());
            methods.set(swept, changed.get());
            plans.put(b, new ReductionPlan(methods));
        }
        return new BudgetSweep(type(plan.methods().get(swept)).name(), plans);
    }

    /** The method with another budget; other options that say how much is kept give way to it. */
    private static Optional<ReductionMethod> keeping(String spec, String budget, boolean lenient) {
        Matcher given = KEEP.matcher(spec);
        String with = given.find() ? given.replaceFirst("keep=" + budget) : spec + (spec.contains(":") ? "," : ":") + "keep=" + budget;
        try {
            return Optional.of(method(with));
        } catch (PlanException e) {
            // such as visionzip's counts
        }
        try {
            return Optional.of(method(spec.split(":", 2)[0] + ":keep=" + budget));
        } catch (PlanException e) {
            if (lenient) return Optional.empty();
            throw e;
        }
    }

    private static ReductionMethod method(String spec) {
        return ReductionPlan.parse(List.of(spec)).methods().getFirst();
    }
}
