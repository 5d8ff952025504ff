package dev.winnow.runtime.eval.questions;

import dev.winnow.weights.Quoted;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Labels in a CSV file beside the pictures: a heading {@code image,label} or {@code image,label,name}, then a line per picture with its
 * path, its class counted from 0 and the class's name. Quotes are as in RFC 4180; a cell holds no line break.
 */
final class LabelledCsv {
    private LabelledCsv() {}

    static void read(Path file, Folder folder, QuestionCollector into) {
        List<String> heading = new ArrayList<>();
        TextFile.lines(file, (text, number, where) -> {
            List<String> cells = cells(text, where);
            if (heading.isEmpty()) heading.addAll(checked(cells, where));
            else into.add(question(cells, heading, where, folder), where);
        });
    }

    private static List<String> checked(List<String> heading, String where) {
        if (heading.contains("image") && heading.contains("label")) return heading;
        throw new QuestionsException(where + ": the heading should name the columns 'image' and 'label' but is "
                + Quoted.name(String.join(",", heading)));
    }

    private static Question question(List<String> cells, List<String> heading, String where, Folder folder) {
        if (cells.size() != heading.size()) {
            throw new QuestionsException(where + ": should have " + heading.size() + " cells but has " + cells.size());
        }
        String label = cells.get(heading.indexOf("label"));
        if (!label.matches("[0-9]{1,9}")) {
            throw new QuestionsException(where + ": 'label' should be a whole number from 0 but is " + Quoted.name(label));
        }
        String name = heading.contains("name") ? cells.get(heading.indexOf("name")) : "";
        Picture picture = folder.picture(cells.get(heading.indexOf("image")), where);
        return Question.labelled(picture.name(), picture, Integer.parseInt(label), name);
    }

    private static List<String> cells(String line, String where) {
        List<String> cells = new ArrayList<>();
        for (int at = 0; at <= line.length(); at++) {
            StringBuilder cell = new StringBuilder();
            at = line.startsWith("\"", at) ? quoted(line, at + 1, cell, where) : plain(line, at, cell);
            if (at < line.length() && line.charAt(at) != ',') {
                throw new QuestionsException(where + ": a comma should follow a cell in quotes");
            }
            cells.add(cell.toString());
        }
        return cells;
    }

    private static int plain(String line, int from, StringBuilder cell) {
        int comma = line.indexOf(',', from);
        int end = comma < 0 ? line.length() : comma;
        cell.append(line, from, end);
        return end;
    }

    /** The end of a cell in quotes, in which a quote is written twice. */
    private static int quoted(String line, int from, StringBuilder cell, String where) {
        int at = from;
        while (true) {
            int quote = line.indexOf('"', at);
            if (quote < 0) throw new QuestionsException(where + ": a cell in quotes does not end");
            cell.append(line, at, quote);
            if (!line.startsWith("\"\"", quote)) return quote + 1;
            cell.append('"');
            at = quote + 2;
        }
    }
}
