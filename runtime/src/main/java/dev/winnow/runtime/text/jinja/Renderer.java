package dev.winnow.runtime.text.jinja;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Runs a template once. */
final class Renderer {
    /** Macros calling macros: more than any real template, less than the stack holds. */
    private static final int DEEPEST_CALL = 60;

    private StringBuilder out = new StringBuilder();
    private int calls;

    private enum Flow { ON, BREAK, CONTINUE }

    String render(List<Statement> template, Scope globals) {
        run(template, new Scope(globals));
        return out.toString();
    }

    // ---- statements

    private Flow run(List<Statement> statements, Scope scope) {
        for (Statement statement : statements) {
            Flow flow;
            try {
                Budget.spend(1);
                flow = run(statement, scope);
            } catch (JinjaException e) {
                throw e.at(statement.line());
            }
            if (flow != Flow.ON) return flow;
        }
        return Flow.ON;
    }

    private Flow run(Statement statement, Scope scope) {
        switch (statement) {
            case Statement.Text text -> out.append(Budget.made(text.text()));
            case Statement.Output output -> print(value(output.value(), scope));
            case Statement.If choice -> {
                return run(Values.isTrue(value(choice.condition(), scope)) ? choice.then() : choice.otherwise(), scope);
            }
            case Statement.For loop -> run(loop, scope);
            case Statement.Set set -> assign(set.targets(), value(set.value(), scope), scope);
            case Statement.SetBlock set -> assign(List.of(set.target()), captured(set.filters(), set.body(), scope), scope);
            case Statement.FilterBlock block -> print(captured(block.filters(), block.body(), scope));
            case Statement.Macro macro -> scope.set(macro.name(), macro(macro, scope));
            case Statement.CallBlock block -> {
                Arguments given = given(block.call().given(), scope);
                Map<String, Object> named = new HashMap<>(given.named());
                named.put("caller", macro(block.caller(), scope));
                Object callee = value(block.call().callee(), scope);
                print(call(callee, new Arguments(given.positional(), named)));
            }
            case Statement.With with -> {
                Scope inner = new Scope(scope);
                for (int i = 0; i < with.names().size(); i++) inner.set(with.names().get(i), value(with.values().get(i), scope));
                return run(with.body(), inner);
            }
            case Statement.Group group -> {
                return run(group.body(), new Scope(scope));
            }
            case Statement.Break stop -> {
                return Flow.BREAK;
            }
            case Statement.Continue skip -> {
                return Flow.CONTINUE;
            }
        }
        return Flow.ON;
    }

    private void print(Object value) {
        out.append(Budget.made(PythonText.str(value)));
    }

    private void run(Statement.For loop, Scope scope) {
        List<Object> items = Values.items(value(loop.items(), scope));
        Budget.spend(items.size());
        if (loop.filter() != null) {
            items.removeIf(item -> {
                Scope inner = new Scope(scope);
                assign(loop.targets(), item, inner);
                return !Values.isTrue(value(loop.filter(), inner));
            });
        }
        if (items.isEmpty()) {
            run(loop.otherwise(), scope);
            return;
        }
        Loop state = new Loop(items);
        for (int i = 0; i < items.size(); i++) {
            state.at(i);
            Scope inner = new Scope(scope);
            inner.set("loop", state);
            assign(loop.targets(), items.get(i), inner);
            if (run(loop.body(), inner) == Flow.BREAK) return;
        }
    }

    private void assign(List<Expression> targets, Object value, Scope scope) {
        if (targets.size() == 1) {
            assign(targets.getFirst(), value, scope);
            return;
        }
        List<Object> values = Values.items(value);
        if (values.size() != targets.size()) {
            throw new JinjaException(targets.size() + " names cannot take " + values.size() + " values");
        }
        for (int i = 0; i < values.size(); i++) assign(targets.get(i), values.get(i), scope);
    }

    private void assign(Expression target, Object value, Scope scope) {
        switch (target) {
            case Expression.Name name -> scope.set(name.name(), value);
            case Expression.Attribute attribute when value(attribute.object(), scope) instanceof Namespace namespace ->
                    namespace.attributes().put(attribute.name(), value);
            default -> throw new JinjaException("only names and attributes of a namespace can be set");
        }
    }

    /** What a body prints, put through filters. */
    private Object captured(List<Expression.Filter> filters, List<Statement> body, Scope scope) {
        Object value = captured(body, new Scope(scope));
        for (Expression.Filter filter : filters) value = Filters.apply(filter.name(), value, given(filter.given(), scope));
        return value;
    }

    private String captured(List<Statement> body, Scope scope) {
        StringBuilder outer = out;
        out = new StringBuilder();
        try {
            run(body, scope);
            return out.toString();
        } finally {
            out = outer;
        }
    }

    private Callable macro(Statement.Macro macro, Scope definedIn) {
        return given -> {
            if (++calls > DEEPEST_CALL) throw new JinjaException("the macro '" + macro.name() + "' calls itself too often");
            Scope scope = new Scope(definedIn);
            List<String> parameters = macro.parameters();
            if (given.positional().size() > parameters.size()) {
                throw new JinjaException("the macro '" + macro.name() + "' takes at most " + parameters.size() + " arguments");
            }
            int required = parameters.size() - macro.defaults().size();
            for (int i = 0; i < parameters.size(); i++) {
                String name = parameters.get(i);
                if (given.has(i, name)) scope.set(name, given.get(i, name, null));
                else if (i >= required) scope.set(name, value(macro.defaults().get(i - required), scope));
                else scope.set(name, new Undefined("the parameter '" + name + "' was not given"));
            }
            if (given.named().containsKey("caller")) scope.set("caller", given.named().get("caller"));
            String text = captured(macro.body(), scope);
            calls--;
            return text;
        };
    }

    // ---- expressions

    private Object value(Expression expression, Scope scope) {
        Budget.spend(1);
        return switch (expression) {
            case Expression.Constant constant -> constant.value();
            case Expression.Name name -> scope.get(name.name());
            case Expression.ListOf list -> {
                List<Object> items = new ArrayList<>(list.items().size());
                for (Expression item : list.items()) items.add(value(item, scope));
                yield list.tuple() ? new Tuple(items) : items;
            }
            case Expression.DictOf dict -> {
                Map<Object, Object> map = new LinkedHashMap<>();
                for (int i = 0; i < dict.keys().size(); i++) {
                    map.put(Values.key(value(dict.keys().get(i), scope)), value(dict.values().get(i), scope));
                }
                yield map;
            }
            case Expression.Attribute attribute -> Values.attribute(value(attribute.object(), scope), attribute.name(), true);
            case Expression.Item item -> Values.item(value(item.object(), scope), value(item.key(), scope));
            case Expression.Slice slice -> Values.slice(value(slice.object(), scope),
                    optional(slice.start(), scope), optional(slice.stop(), scope), optional(slice.step(), scope));
            case Expression.Call call -> call(value(call.callee(), scope), given(call.given(), scope));
            case Expression.Filter filter ->
                    Filters.apply(filter.name(), value(filter.object(), scope), given(filter.given(), scope));
            case Expression.Test test -> Tests.holds(test.name(), value(test.object(), scope), given(test.given(), scope));
            case Expression.Not not -> !Values.isTrue(value(not.operand(), scope));
            case Expression.And and -> {
                Object left = value(and.left(), scope);
                yield Values.isTrue(left) ? value(and.right(), scope) : left;
            }
            case Expression.Or or -> {
                Object left = value(or.left(), scope);
                yield Values.isTrue(left) ? left : value(or.right(), scope);
            }
            case Expression.Spread spread -> throw new JinjaException("'*' stands before arguments of calls only");
            case Expression.Negate negate -> Values.negate(value(negate.operand(), scope));
            case Expression.Arithmetic arithmetic -> Values.arithmetic(
                    arithmetic.operator(), value(arithmetic.left(), scope), value(arithmetic.right(), scope));
            case Expression.Comparison comparison -> compared(comparison, scope);
            case Expression.Conditional conditional -> {
                if (Values.isTrue(value(conditional.condition(), scope))) yield value(conditional.then(), scope);
                if (conditional.otherwise() != null) yield value(conditional.otherwise(), scope);
                yield new Undefined("a condition without else did not hold");
            }
        };
    }

    private Object optional(Expression expression, Scope scope) {
        return expression == null ? null : value(expression, scope);
    }

    private boolean compared(Expression.Comparison comparison, Scope scope) {
        Object left = value(comparison.first(), scope);
        for (int i = 0; i < comparison.operators().size(); i++) {
            Object right = value(comparison.others().get(i), scope);
            boolean holds = switch (comparison.operators().get(i)) {
                case "==" -> Values.equal(left, right);
                case "!=" -> !Values.equal(left, right);
                case "<" -> Values.compare(left, right) < 0;
                case "<=" -> Values.compare(left, right) <= 0;
                case ">" -> Values.compare(left, right) > 0;
                case ">=" -> Values.compare(left, right) >= 0;
                case "in" -> Values.contains(right, left);
                default -> !Values.contains(right, left);
            };
            if (!holds) return false;
            left = right;
        }
        return true;
    }

    private Arguments given(Expression.Given given, Scope scope) {
        if (given.positional().isEmpty() && given.named().isEmpty()) return Arguments.NONE;
        List<Object> positional = new ArrayList<>(given.positional().size());
        for (Expression argument : given.positional()) {
            if (argument instanceof Expression.Spread(Expression items)) positional.addAll(Values.items(value(items, scope)));
            else positional.add(value(argument, scope));
        }
        Map<String, Object> named = new LinkedHashMap<>();
        given.named().forEach((name, argument) -> named.put(name, value(argument, scope)));
        return new Arguments(positional, named);
    }

    private Object call(Object callee, Arguments given) {
        if (callee instanceof Undefined undefined) throw undefined.used();
        if (!(callee instanceof Callable function)) throw new JinjaException("a " + Values.kind(callee) + " cannot be called");
        return Budget.made(function.call(given));
    }
}
