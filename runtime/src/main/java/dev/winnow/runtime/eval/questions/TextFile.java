package dev.winnow.runtime.eval.questions;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Lines of a UTF-8 file that is not trusted: of bounded length, malformed bytes refused, a byte order mark left out. */
final class TextFile {
    /** Characters; pictures do not belong into lines. */
    private static final int LONGEST_LINE = 16 << 20;

    /** Takes a line with its number from 1 and what to call it in messages. */
    interface Line {
        void take(String text, int number, String where);
    }

    private TextFile() {}

    /** Gives each line that is not blank, called "file line n", without the spaces around it. */
    static void lines(Path path, Line line) {
        String file = String.valueOf(path.getFileName());
        try (Reader in = reader(path)) {
            StringBuilder text = new StringBuilder();
            int number = 1;
            for (int c = in.read(); c >= 0; c = in.read()) {
                if (c == '\n') {
                    give(text, file, number++, line);
                } else if (text.length() == LONGEST_LINE) {
                    throw new QuestionsException(file + " line " + number + ": is longer than " + LONGEST_LINE + " characters");
                } else if (c != '\uFEFF' || number > 1 || !text.isEmpty()) {
                    text.append((char) c);
                }
            }
            give(text, file, number, line);
        } catch (IOException e) {
            throw failed(path, e);
        }
    }

    private static void give(StringBuilder text, String file, int number, Line line) {
        String stripped = text.toString().strip();
        text.setLength(0);
        if (!stripped.isEmpty()) line.take(stripped, number, file + " line " + number);
    }

    static Reader reader(Path path) throws IOException {
        // a decoder made by hand refuses malformed bytes, one made by name replaces them
        return new BufferedReader(new InputStreamReader(Files.newInputStream(path), StandardCharsets.UTF_8.newDecoder()));
    }

    static QuestionsException failed(Path path, IOException e) {
        if (e instanceof CharacterCodingException) return new QuestionsException(path.getFileName() + ": is not valid UTF-8", e);
        return new QuestionsException(path + ": cannot be read (" + (Files.exists(path) ? e.getMessage() : "no such file") + ")", e);
    }
}
