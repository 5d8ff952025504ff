package dev.winnow.runtime.text.jinja;

/**
 * A piece of a template.
 *
 * @param value the text of DATA, a name or an operator; the String, Long or Double of a literal
 */
record Token(Kind kind, Object value, int line) {
    enum Kind { DATA, OUTPUT_BEGIN, OUTPUT_END, BLOCK_BEGIN, BLOCK_END, NAME, STRING, INTEGER, FLOAT, OPERATOR, END }

    boolean is(Kind kind, String text) {
        return this.kind == kind && value.equals(text);
    }

    boolean isOperator(String text) {
        return is(Kind.OPERATOR, text);
    }

    boolean isName(String text) {
        return is(Kind.NAME, text);
    }

    /** How messages call it. */
    String described() {
        return switch (kind) {
            case END -> "the end of the template";
            case DATA -> "text";
            case OUTPUT_BEGIN -> "'{{'";
            case OUTPUT_END -> "'}}'";
            case BLOCK_BEGIN -> "'{%'";
            case BLOCK_END -> "'%}'";
            default -> "'" + value + "'";
        };
    }
}
