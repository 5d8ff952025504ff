package dev.winnow.runtime.text.jinja;

import dev.winnow.runtime.text.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Builds the statements of a template, by recursive descent with the precedences of Jinja 3. */
final class Parser {
    /** Nesting beyond any real template, so that a hostile one cannot exhaust the stack. */
    private static final int DEEPEST = 100;
    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

    private final List<Token> tokens;
    private int at;
    private int depth;
    private int loops;

    private Parser(List<Token> tokens) {
        this.tokens = tokens;
    }

    static List<Statement> parse(String template) {
        Parser parser = new Parser(Lexer.tokens(template));
        List<Statement> statements = parser.body();
        if (parser.current().kind() != Kind.END) throw parser.unexpected();
        return statements;
    }

    // ---- statements

    /** Statements up to the end, or to a block tag whose name is in {@code ends}, which is left as the current token. */
    private List<Statement> body(String... ends) {
        if (++depth > DEEPEST) throw new JinjaException("the template is nested too deeply", current().line());
        List<Statement> statements = new ArrayList<>();
        while (current().kind() != Kind.END) {
            Token token = next();
            switch (token.kind()) {
                case DATA -> statements.add(new Statement.Text((String) token.value(), token.line()));
                case OUTPUT_BEGIN -> {
                    statements.add(new Statement.Output(tuple(true), token.line()));
                    expect(Kind.OUTPUT_END);
                }
                default -> {
                    for (String end : ends) {
                        if (current().isName(end)) {
                            depth--;
                            return statements;
                        }
                    }
                    statements.add(statement());
                }
            }
        }
        if (ends.length > 0) throw new JinjaException("'" + ends[ends.length - 1] + "' is missing", current().line());
        depth--;
        return statements;
    }

    private Statement statement() {
        Token name = expect(Kind.NAME);
        int line = name.line();
        return switch ((String) name.value()) {
            case "if" -> ifStatement(line);
            case "for" -> forStatement(line);
            case "set" -> set(line);
            case "macro" -> macro(line);
            case "call" -> callBlock(line);
            case "filter" -> filterBlock(line);
            case "with" -> with(line);
            case "generation" -> new Statement.Group(closedBody("endgeneration"), line);
            case "autoescape" -> {
                expression();
                yield new Statement.Group(closedBody("endautoescape"), line);
            }
            case "break", "continue" -> {
                if (loops == 0) throw new JinjaException("'" + name.value() + "' stands outside a loop", line);
                expect(Kind.BLOCK_END);
                yield name.isName("break") ? new Statement.Break(line) : new Statement.Continue(line);
            }
            default -> throw new JinjaException("the tag '" + name.value() + "' is not known", line);
        };
    }

    private List<Statement> closedBody(String end) {
        expect(Kind.BLOCK_END);
        List<Statement> body = body(end);
        next();
        expect(Kind.BLOCK_END);
        return body;
    }

    private Statement ifStatement(int line) {
        Expression condition = tuple(false);
        expect(Kind.BLOCK_END);
        List<Statement> then = body("elif", "else", "endif");
        Token end = next();
        List<Statement> otherwise = List.of();
        if (end.isName("elif")) {
            // the nested statement takes the endif
            return new Statement.If(condition, then, List.of(ifStatement(end.line())), line);
        }
        if (end.isName("else")) otherwise = closedBody("endif");
        else expect(Kind.BLOCK_END);
        return new Statement.If(condition, then, otherwise, line);
    }

    private Statement forStatement(int line) {
        List<Expression> targets = targets();
        expectName("in");
        // no bare conditional here: its 'if' would be the loop's filter
        Expression items = tuple(false);
        Expression filter = skipName("if") ? expression() : null;
        if (current().isName("recursive")) throw new JinjaException("recursive loops are not supported", line);
        expect(Kind.BLOCK_END);
        loops++;
        List<Statement> body = body("else", "endfor");
        loops--;
        List<Statement> otherwise = List.of();
        if (next().isName("else")) otherwise = closedBody("endfor");
        else expect(Kind.BLOCK_END);
        return new Statement.For(targets, items, filter, body, otherwise, line);
    }

    private Statement set(int line) {
        List<Expression> targets = targets();
        if (skipOperator("=")) {
            Expression value = tuple(true);
            expect(Kind.BLOCK_END);
            return new Statement.Set(targets, value, line);
        }
        if (targets.size() != 1) throw new JinjaException("a set block has one target", line);
        return new Statement.SetBlock(targets.getFirst(), filters(), closedBody("endset"), line);
    }

    /** One or more places to assign to: names, or attributes of a namespace. */
    private List<Expression> targets() {
        boolean parentheses = skipOperator("(");
        List<Expression> targets = new ArrayList<>();
        do {
            if (current().kind() != Kind.NAME || current().isName("in")) break;
            Expression target = new Expression.Name(name());
            while (skipOperator(".")) target = new Expression.Attribute(target, name());
            targets.add(target);
        } while (skipOperator(","));
        if (parentheses) expectOperator(")");
        if (targets.isEmpty()) throw unexpected();
        return targets;
    }

    private Statement macro(int line) {
        String name = name();
        Parameters parameters = parameters();
        return new Statement.Macro(name, parameters.names, parameters.defaults, callableBody("endmacro"), line);
    }

    private Statement callBlock(int line) {
        Parameters parameters = current().isOperator("(") ? parameters() : new Parameters(List.of(), List.of());
        if (!(expression() instanceof Expression.Call call)) throw new JinjaException("a call block needs a call", line);
        List<Statement> body = callableBody("endcall");
        Statement.Macro caller = new Statement.Macro("caller", parameters.names, parameters.defaults, body, line);
        return new Statement.CallBlock(call, caller, line);
    }

    private record Parameters(List<String> names, List<Expression> defaults) {}

    private Parameters parameters() {
        List<String> names = new ArrayList<>();
        List<Expression> defaults = new ArrayList<>();
        expectOperator("(");
        while (!skipOperator(")")) {
            if (!names.isEmpty()) expectOperator(",");
            int line = current().line();
            names.add(name());
            if (skipOperator("=")) defaults.add(expression());
            else if (!defaults.isEmpty()) throw new JinjaException("a default is missing after one with a default", line);
        }
        return new Parameters(names, defaults);
    }

    /** A body that runs on its own: a loop around it is not its own to leave. */
    private List<Statement> callableBody(String end) {
        int outer = loops;
        loops = 0;
        List<Statement> body = closedBody(end);
        loops = outer;
        return body;
    }

    private Statement filterBlock(int line) {
        List<Expression.Filter> filters = new ArrayList<>();
        filters.add(filter(null));
        filters.addAll(filters());
        return new Statement.FilterBlock(filters, closedBody("endfilter"), line);
    }

    private List<Expression.Filter> filters() {
        List<Expression.Filter> filters = new ArrayList<>();
        while (skipOperator("|")) filters.add(filter(null));
        return filters;
    }

    private Statement with(int line) {
        List<String> names = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (current().kind() != Kind.BLOCK_END) {
            if (!names.isEmpty()) expectOperator(",");
            names.add(name());
            expectOperator("=");
            values.add(expression());
        }
        return new Statement.With(names, values, closedBody("endwith"), line);
    }

    // ---- expressions, from the loosest to the tightest

    /** One expression, or several with commas between them, which make a tuple. */
    private Expression tuple(boolean conditional) {
        Expression first = conditional ? expression() : or();
        if (!current().isOperator(",")) return first;
        List<Expression> items = new ArrayList<>(List.of(first));
        while (skipOperator(",")) {
            if (endsTuple()) break;
            items.add(conditional ? expression() : or());
        }
        return new Expression.ListOf(items, true);
    }

    private boolean endsTuple() {
        Token token = current();
        return token.kind() == Kind.BLOCK_END || token.kind() == Kind.OUTPUT_END || token.isOperator(")") || token.isOperator("]");
    }

    private Expression expression() {
        if (++depth > DEEPEST) throw new JinjaException("an expression is nested too deeply", current().line());
        Expression value = or();
        while (skipName("if")) {
            Expression condition = or();
            value = new Expression.Conditional(condition, value, skipName("else") ? expression() : null);
        }
        depth--;
        return value;
    }

    private Expression or() {
        Expression left = and();
        while (skipName("or")) left = new Expression.Or(left, and());
        return left;
    }

    private Expression and() {
        Expression left = not();
        while (skipName("and")) left = new Expression.And(left, not());
        return left;
    }

    private Expression not() {
        return skipName("not") ? new Expression.Not(not()) : comparison();
    }

    private Expression comparison() {
        Expression first = sum();
        List<String> operators = new ArrayList<>();
        List<Expression> others = new ArrayList<>();
        while (true) {
            Token token = current();
            if (token.kind() == Kind.OPERATOR && COMPARISONS.contains((String) token.value())) {
                operators.add((String) next().value());
            } else if (skipName("in")) {
                operators.add("in");
            } else if (token.isName("not") && tokens.get(at + 1).isName("in")) {
                at += 2;
                operators.add("not in");
            } else {
                break;
            }
            others.add(sum());
        }
        return operators.isEmpty() ? first : new Expression.Comparison(first, operators, others);
    }

    private Expression sum() {
        Expression left = concatenation();
        while (current().isOperator("+") || current().isOperator("-")) {
            left = new Expression.Arithmetic((String) next().value(), left, concatenation());
        }
        return left;
    }

    private Expression concatenation() {
        Expression left = product();
        while (skipOperator("~")) left = new Expression.Arithmetic("~", left, product());
        return left;
    }

    private Expression product() {
        Expression left = power();
        while (current().isOperator("*") || current().isOperator("/") || current().isOperator("//") || current().isOperator("%")) {
            left = new Expression.Arithmetic((String) next().value(), left, power());
        }
        return left;
    }

    private Expression power() {
        Expression left = unary(true);
        while (skipOperator("**")) left = new Expression.Arithmetic("**", left, unary(true));
        return left;
    }

    private Expression unary(boolean withFilters) {
        if (++depth > DEEPEST) throw new JinjaException("an expression is nested too deeply", current().line());
        Expression value;
        if (skipOperator("-")) value = new Expression.Negate(unary(false));
        else if (skipOperator("+")) value = unary(false);
        else value = primary();
        value = postfix(value);
        if (withFilters) value = filtered(value);
        depth--;
        return value;
    }

    private Expression primary() {
        Token token = next();
        switch (token.kind()) {
            case NAME -> {
                return switch ((String) token.value()) {
                    case "true", "True" -> new Expression.Constant(true);
                    case "false", "False" -> new Expression.Constant(false);
                    case "none", "None" -> new Expression.Constant(null);
                    default -> new Expression.Name((String) token.value());
                };
            }
            case STRING -> {
                StringBuilder text = new StringBuilder((String) token.value());
                while (current().kind() == Kind.STRING) text.append(next().value());
                return new Expression.Constant(text.toString());
            }
            case INTEGER, FLOAT -> {
                return new Expression.Constant(token.value());
            }
            default -> {
                if (token.isOperator("(")) return parentheses();
                if (token.isOperator("[")) return list();
                if (token.isOperator("{")) return dict();
                at--;
                throw unexpected();
            }
        }
    }

    private Expression parentheses() {
        if (skipOperator(")")) return new Expression.ListOf(List.of(), true);
        Expression value = tuple(true);
        expectOperator(")");
        return value;
    }

    private Expression list() {
        List<Expression> items = new ArrayList<>();
        while (!skipOperator("]")) {
            if (!items.isEmpty()) {
                expectOperator(",");
                if (skipOperator("]")) break;
            }
            items.add(expression());
        }
        return new Expression.ListOf(items, false);
    }

    private Expression dict() {
        List<Expression> keys = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (!skipOperator("}")) {
            if (!keys.isEmpty()) {
                expectOperator(",");
                if (skipOperator("}")) break;
            }
            keys.add(expression());
            expectOperator(":");
            values.add(expression());
        }
        return new Expression.DictOf(keys, values);
    }

    private Expression postfix(Expression value) {
        while (true) {
            if (skipOperator(".")) {
                value = current().kind() == Kind.INTEGER
                        ? new Expression.Item(value, new Expression.Constant(next().value()))
                        : new Expression.Attribute(value, name());
            } else if (skipOperator("[")) {
                value = subscript(value);
            } else if (current().isOperator("(")) {
                value = new Expression.Call(value, arguments());
            } else {
                return value;
            }
        }
    }

    private Expression subscript(Expression object) {
        Expression start = current().isOperator(":") ? null : tuple(true);
        if (!skipOperator(":")) {
            expectOperator("]");
            return new Expression.Item(object, start);
        }
        Expression stop = current().isOperator(":") || current().isOperator("]") ? null : expression();
        Expression step = skipOperator(":") && !current().isOperator("]") ? expression() : null;
        expectOperator("]");
        return new Expression.Slice(object, start, stop, step);
    }

    /** Filters, tests, and calls of what they give. */
    private Expression filtered(Expression value) {
        while (true) {
            if (skipOperator("|")) value = filter(value);
            else if (skipName("is")) value = test(value);
            else if (current().isOperator("(")) value = new Expression.Call(value, arguments());
            else return value;
        }
    }

    private Expression.Filter filter(Expression object) {
        String name = name();
        return new Expression.Filter(object, name, current().isOperator("(") ? arguments() : Expression.Given.NOTHING);
    }

    private Expression test(Expression object) {
        boolean negated = skipName("not");
        String name = name();
        Expression.Given given = Expression.Given.NOTHING;
        if (current().isOperator("(")) given = arguments();
        else if (startsOperand()) given = new Expression.Given(List.of(postfix(primary())), Map.of());
        Expression test = new Expression.Test(object, name, given);
        return negated ? new Expression.Not(test) : test;
    }

    private boolean startsOperand() {
        Token token = current();
        return switch (token.kind()) {
            case STRING, INTEGER, FLOAT -> true;
            case OPERATOR -> token.isOperator("[") || token.isOperator("{");
            case NAME -> !Set.of("else", "or", "and", "is", "if", "in", "not").contains((String) token.value());
            default -> false;
        };
    }

    private Expression.Given arguments() {
        expectOperator("(");
        List<Expression> positional = new ArrayList<>();
        Map<String, Expression> named = new LinkedHashMap<>();
        for (boolean first = true; !skipOperator(")"); first = false) {
            if (!first) {
                expectOperator(",");
                if (skipOperator(")")) break;
            }
            if (current().kind() == Kind.NAME && tokens.get(at + 1).isOperator("=")) {
                String name = name();
                at++;
                named.put(name, expression());
            } else {
                if (!named.isEmpty()) throw new JinjaException("a positional argument follows a named one", current().line());
                positional.add(skipOperator("*") ? new Expression.Spread(expression()) : expression());
            }
        }
        return new Expression.Given(positional, named);
    }

    // ---- tokens

    private Token current() {
        return tokens.get(at);
    }

    private Token next() {
        Token token = tokens.get(at);
        if (token.kind() != Kind.END) at++;
        return token;
    }

    private boolean skipOperator(String text) {
        boolean found = current().isOperator(text);
        if (found) at++;
        return found;
    }

    private boolean skipName(String text) {
        boolean found = current().isName(text);
        if (found) at++;
        return found;
    }

    private void expectOperator(String text) {
        if (!skipOperator(text)) throw unexpected();
    }

    private void expectName(String text) {
        if (!skipName(text)) throw unexpected();
    }

    private Token expect(Kind kind) {
        if (current().kind() != kind) throw unexpected();
        return next();
    }

    private String name() {
        return (String) expect(Kind.NAME).value();
    }

    private JinjaException unexpected() {
        return new JinjaException("unexpected " + current().described(), current().line());
    }
}
