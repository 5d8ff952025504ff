package dev.winnow.runtime.eval.questions;

import dev.winnow.weights.Quoted;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

/**
 * VQA v1 and v2 (Goyal et al. 2017, arXiv 1612.00837; formats at visualqa.org/download.html) and sets in their format, such as OK-VQA: a
 * file of questions ({@code question_id}, {@code image_id}, {@code question}; v1 also {@code multiple_choices}) and one of annotations
 * ({@code question_id}, {@code answer_type}, {@code answers} of ten people). The annotations of {@code X_questions.json} are in
 * {@code X_annotations.json}, with or without the task in the name; questions without annotations (the test sets) are read too.
 * Pictures go by COCO's names, such as {@code val2014/COCO_val2014_000000262148.jpg}, beside the file, in the folder of the split or in
 * {@code images}. The type is the answer type: yes/no, number or other.
 */
final class VqaPair {
    private record Annotation(String type, List<String> answers) {}

    private VqaPair() {}

    static void read(Path file, Folder folder, QuestionCollector into) {
        Optional<Path> annotated = annotations(file);
        Map<String, Annotation> annotations = new HashMap<>();
        annotated.ifPresent(a -> JsonRecords.array(a, "annotations", fields -> {
            Annotation one = new Annotation(fields.text("answer_type", Question.ANY), fields.texts("answers", "multiple_choice_answer"));
            annotations.put(fields.text("question_id"), one);
        }));
        String split = JsonRecords.header(file).text("data_subtype", "");
        JsonRecords.array(file, "questions", fields -> {
            String id = fields.text("question_id");
            Annotation known = annotations.getOrDefault(id, new Annotation(Question.ANY, List.of()));
            if (annotated.isPresent() && known.answers().isEmpty()) {
                throw new QuestionsException(fields.where() + ": question " + Quoted.name(id) + " has no answers in "
                        + annotated.get().getFileName());
            }
            Picture picture = folder.pictureAtAny(places(fields, split), fields.where());
            into.add(new Question(id, known.type(), List.of(picture), fields.text("question"), known.answers(),
                    fields.texts("multiple_choices"), OptionalInt.empty(), Optional.empty()), fields.where());
        });
    }

    private static List<String> places(Fields question, String split) {
        if (question.has("image")) return List.of(question.text("image"), "images/" + question.text("image"));
        String id = question.text("image_id");
        String padded = id.length() < 12 ? "0".repeat(12 - id.length()) + id : id;
        String name = split.isEmpty() ? id + ".jpg" : "COCO_" + split + "_" + padded + ".jpg";
        return List.of(name, split + "/" + name, "images/" + name, "images/" + split + "/" + name).stream()
                .filter(place -> !place.startsWith("/")).map(place -> place.replace("//", "/")).distinct().toList();
    }

    /** The file of annotations that goes with a file of questions, if there is one. */
    static Optional<Path> annotations(Path questions) {
        String name = questions.getFileName().toString();
        List<String> names = Stream.of(name, name.replaceFirst("OpenEnded_|MultipleChoice_", ""))
                .map(n -> n.replace("questions", "annotations")).filter(n -> !n.equals(name)).toList();
        return names.stream().map(questions::resolveSibling).filter(Files::isRegularFile).findFirst();
    }

    /** The file of questions that a file of annotations belongs to. */
    static Path questions(Path annotations) {
        try (Stream<Path> files = Files.list(annotations.toAbsolutePath().getParent())) {
            List<Path> matching = files.filter(f -> f.getFileName().toString().endsWith("questions.json"))
                    .filter(f -> annotations(f).filter(a -> a.getFileName().equals(annotations.getFileName())).isPresent())
                    .sorted().toList();
            if (matching.size() == 1) return matching.getFirst();
            throw new QuestionsException(annotations.getFileName() + ": holds annotations; name the file of their questions, of which "
                    + (matching.isEmpty() ? "none" : matching.size() + " fit and") + " lies beside it");
        } catch (IOException e) {
            throw TextFile.failed(annotations, e);
        }
    }
}
