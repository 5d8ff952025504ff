package dev.winnow.runtime;

import dev.winnow.runtime.cli.WinnowCommand;
import java.util.OptionalInt;

/** The program. */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        System.exit(run(args));
    }

    static int run(String... args) {
        OptionalInt child = Relaunch.ifNeeded(args);
        return child.isPresent() ? child.getAsInt() : WinnowCommand.run(args);
    }
}
