package dev.winnow.examples.peers;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Function;

/** The other end of the benchmarks' PeerProcess: a command per line in, a line of numbers out, until the input ends. */
final class Answers {
    private static final PrintStream OUT = System.out;

    private Answers() {}

    /** Says that this process is ready, and serves commands. What libraries print goes to the error stream. */
    static void serve(Function<String, double[]> commands) throws IOException {
        print(new double[0]);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String command = in.readLine(); command != null; command = in.readLine()) print(commands.apply(command));
    }

    private static void print(double[] numbers) {
        StringBuilder line = new StringBuilder("@");
        for (double n : numbers) {
            line.append(' ').append(n);
        }
        OUT.println(line);
        OUT.flush();
    }

    static double[] numbers(int... ids) {
        double[] numbers = new double[ids.length];
        for (int i = 0; i < ids.length; i++) numbers[i] = ids[i];
        return numbers;
    }
}
