package dev.winnow.runtime;

import dev.winnow.runtime.cli.WinnowCommand;
import java.util.OptionalInt;

/** The program. */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        OptionalInt child = Relaunch.ifNeeded(args);
        System.exit(child.isPresent() ? child.getAsInt() : WinnowCommand.run(args));
    }
}
