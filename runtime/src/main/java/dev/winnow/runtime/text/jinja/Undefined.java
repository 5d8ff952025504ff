package dev.winnow.runtime.text.jinja;

/** The value of what is not there: prints as nothing, is false and empty, and fails when anything else is asked of it. */
record Undefined(String why) {
    JinjaException used() {
        return new JinjaException(why);
    }
}
