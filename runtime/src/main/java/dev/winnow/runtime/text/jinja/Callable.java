package dev.winnow.runtime.text.jinja;

/** What a template can call: its own macros, and the few functions and methods given to it. */
@FunctionalInterface
public interface Callable {
    /** @throws JinjaException when the arguments do not fit */
    Object call(Arguments given);
}
