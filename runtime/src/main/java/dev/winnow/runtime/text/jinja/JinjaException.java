package dev.winnow.runtime.text.jinja;

/** A template that is not valid, fails while it runs, asks for too much, or rejects its input by {@code raise_exception}. */
public final class JinjaException extends RuntimeException {
    private final int line;
    private final boolean raised;

    private JinjaException(String message, int line, boolean raised) {
        super(message);
        this.line = line;
        this.raised = raised;
    }

    JinjaException(String message) {
        this(message, 0, false);
    }

    JinjaException(String message, int line) {
        this(message, line, false);
    }

    static JinjaException raised(String message) {
        return new JinjaException(message, 0, true);
    }

    JinjaException at(int itsLine) {
        return line > 0 ? this : new JinjaException(getMessage(), itsLine, raised);
    }

    /** The line of the template, from 1; 0 when not known. */
    public int line() {
        return line;
    }

    /** Whether the template itself rejected its input, with a message of its author. */
    public boolean isRaised() {
        return raised;
    }
}
