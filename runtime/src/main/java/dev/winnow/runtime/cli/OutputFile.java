package dev.winnow.runtime.cli;

import dev.winnow.runtime.RequestException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Looks at where a result is to go before the work for it begins. */
final class OutputFile {
    private OutputFile() {}

    /**
     * Refuses a file that cannot be written or that one of the inputs is read from.
     *
     * @param option as the user wrote it, for messages
     * @param inputs files that are read, and directories whose files are; null entries are skipped
     * @throws UsageException   when writing would destroy an input
     * @throws RequestException when the place cannot be written to
     */
    static void require(String option, Path file, List<Path> inputs) {
        Path folder = file.toAbsolutePath().getParent();
        if (Files.isDirectory(file)) throw new RequestException(option + " " + file + " is a directory, not a file to write");
        String why = !Files.isDirectory(folder) ? "there is no directory " + folder
                : !Files.isWritable(folder) ? "directory " + folder + " is read-only" : null;
        if (why != null) throw new RequestException(option + " " + file + " cannot be written: " + why);
        if (!Files.exists(file)) return;
        for (Path input : inputs) {
            if (input != null && isSame(file, Files.isDirectory(input) ? input.resolve(file.getFileName()) : input)) {
                throw new UsageException(option + " " + file + " would overwrite an input");
            }
        }
    }

    private static boolean isSame(Path a, Path b) {
        try {
            return Files.exists(b) && Files.isSameFile(a, b);
        } catch (IOException e) {
            throw new RequestException("cannot tell whether " + a + " and " + b + " are the same file: " + e.getMessage());
        }
    }
}
