package dev.winnow.runtime.text.jinja;

import java.util.List;
import java.util.Map;

/** What has a value. */
sealed interface Expression {
    record Constant(Object value) implements Expression {}

    record Name(String name) implements Expression {}

    record ListOf(List<Expression> items, boolean tuple) implements Expression {}

    record DictOf(List<Expression> keys, List<Expression> values) implements Expression {}

    record Attribute(Expression object, String name) implements Expression {}

    record Item(Expression object, Expression key) implements Expression {}

    /** Any bound may be null. */
    record Slice(Expression object, Expression start, Expression stop, Expression step) implements Expression {}

    record Call(Expression callee, Given given) implements Expression {}

    /** The object is null in a filter block, where the text of the block takes its place. */
    record Filter(Expression object, String name, Given given) implements Expression {}

    record Test(Expression object, String name, Given given) implements Expression {}

    record Not(Expression operand) implements Expression {}

    record And(Expression left, Expression right) implements Expression {}

    record Or(Expression left, Expression right) implements Expression {}

    record Negate(Expression operand) implements Expression {}

    record Arithmetic(String operator, Expression left, Expression right) implements Expression {}

    /** {@code a < b <= c}: each operator stands between two neighbours, and all must hold. */
    record Comparison(Expression first, List<String> operators, List<Expression> others) implements Expression {}

    /** The other branch may be null. */
    record Conditional(Expression condition, Expression then, Expression otherwise) implements Expression {}

    /** The items of a list as so many arguments of a call: {@code *list}. */
    record Spread(Expression items) implements Expression {}

    /** The arguments of a call. */
    record Given(List<Expression> positional, Map<String, Expression> named) {
        static final Given NOTHING = new Given(List.of(), Map.of());
    }
}
