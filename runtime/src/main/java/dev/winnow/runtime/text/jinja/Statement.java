package dev.winnow.runtime.text.jinja;

import java.util.List;

/** What a template does. Every one knows its line. */
sealed interface Statement {
    int line();

    record Text(String text, int line) implements Statement {}

    record Output(Expression value, int line) implements Statement {}

    record If(Expression condition, List<Statement> then, List<Statement> otherwise, int line) implements Statement {}

    /** The filter may be null. */
    record For(List<Expression> targets, Expression items, Expression filter,
            List<Statement> body, List<Statement> otherwise, int line) implements Statement {}

    record Set(List<Expression> targets, Expression value, int line) implements Statement {}

    /** {@code {% set x %}text{% endset %}}; the filters go from the innermost outwards. */
    record SetBlock(Expression target, List<Expression.Filter> filters, List<Statement> body, int line) implements Statement {}

    record FilterBlock(List<Expression.Filter> filters, List<Statement> body, int line) implements Statement {}

    /** Defaults belong to the last parameters. */
    record Macro(String name, List<String> parameters, List<Expression> defaults, List<Statement> body, int line)
            implements Statement {}

    record CallBlock(Expression.Call call, Macro caller, int line) implements Statement {}

    record With(List<String> names, List<Expression> values, List<Statement> body, int line) implements Statement {}

    /** A block that only groups, such as {@code {% generation %}}. */
    record Group(List<Statement> body, int line) implements Statement {}

    record Break(int line) implements Statement {}

    record Continue(int line) implements Statement {}
}
