package dev.winnow.runtime.eval.questions;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * MME (Fu et al. 2023, arXiv 2306.13394; the release described in the repository BradyFU/Awesome-Multimodal-Large-Language-Models, branch
 * Evaluation): a folder per category; for each picture a text file of its name, each line a question, a tab and the answer (Yes or No),
 * two lines a picture. Texts lie beside the pictures, or texts in {@code questions_answers_YN} and pictures in {@code images}. The type
 * is the category.
 */
final class Mme {
    private static final List<String> TEXTS = List.of(".", "questions_answers_YN", "question_answers_YN");

    private Mme() {}

    /** Whether a folder, or a folder in it, holds texts with the names of pictures. */
    static boolean isAt(Path root) {
        return !texts(root).isEmpty() || PictureFiles.folders(root).stream().anyMatch(category -> !texts(category).isEmpty());
    }

    static void read(Path root, QuestionCollector into) {
        if (!texts(root).isEmpty()) category(root, root, into);
        else PictureFiles.folders(root).forEach(category -> category(root, category, into));
    }

    private static void category(Path root, Path category, QuestionCollector into) {
        Map<String, Path> pictures = pictures(category);
        String type = category.toAbsolutePath().normalize().getFileName().toString();
        for (Path text : texts(category)) {
            Path file = pictures.get(PictureFiles.stem(text));
            String name = root.relativize(file.normalize()).toString().replace('\\', '/');
            Picture picture = new Picture.InFile(name, file);
            TextFile.lines(text, (line, number, where) -> {
                int tab = line.lastIndexOf('\t');
                if (tab < 1) throw new QuestionsException(where + ": should be a question, a tab and an answer");
                List<String> answers = List.of(line.substring(tab + 1).strip());
                into.add(Question.of(name + ":" + number, type, picture, line.substring(0, tab).strip(), answers), where);
            });
        }
    }

    /** Texts that have a picture of the same name. */
    private static List<Path> texts(Path category) {
        Map<String, Path> pictures = pictures(category);
        return TEXTS.stream().map(category::resolve).filter(Files::isDirectory)
                .flatMap(folder -> PictureFiles.files(folder.normalize(), "txt").stream())
                .filter(text -> pictures.containsKey(PictureFiles.stem(text))).toList();
    }

    private static Map<String, Path> pictures(Path category) {
        Map<String, Path> pictures = new HashMap<>();
        PictureFiles.pictures(category).forEach(p -> pictures.put(PictureFiles.stem(p), p));
        Path images = category.resolve("images");
        if (Files.isDirectory(images)) PictureFiles.pictures(images).forEach(p -> pictures.put(PictureFiles.stem(p), p));
        return pictures;
    }
}
