package dev.winnow.runtime.eval.questions;

import static dev.winnow.runtime.eval.questions.QuestionFiles.assertGray;
import static dev.winnow.runtime.eval.questions.QuestionFiles.assertRefused;
import static dev.winnow.runtime.eval.questions.QuestionFiles.picture;
import static dev.winnow.runtime.eval.questions.QuestionFiles.text;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The JSON of public benchmarks, as their pages describe it. */
class PublicJsonTest {
    private static final String VQA_QUESTIONS = """
            {"info": {"year": 2017}, "task_type": "Open-Ended", "data_type": "mscoco", "license": {"name": "x"}, "data_subtype": "val2014",
             "questions": [
              {"image_id": 262148, "question": "Where is he looking?", "question_id": 262148000},
              {"image_id": 42, "question": "How many?", "question_id": 42001}]}
            """;
    private static final String VQA_ANNOTATIONS = """
            {"info": {}, "annotations": [
              {"question_type": "how many", "multiple_choice_answer": "2", "answer_type": "number", "image_id": 42, "question_id": 42001,
               "answers": [{"answer": "2", "answer_confidence": "yes", "answer_id": 1}, {"answer": "3", "answer_id": 2},
                           {"answer": "2", "answer_confidence": "yes", "answer_id": 3}]},
              {"multiple_choice_answer": "down", "answer_type": "other", "image_id": 262148, "question_id": 262148000,
               "answers": [{"answer": "down", "answer_confidence": "yes", "answer_id": 1}]}]}
            """;

    @TempDir
    Path folder;

    private void vqaPictures() throws IOException {
        picture(folder, "val2014/COCO_val2014_000000262148.jpg", 1);
        picture(folder, "images/COCO_val2014_000000000042.jpg", 2);
    }

    @Test
    void vqaIsReadFromEitherFileOrTheFolder() throws IOException {
        vqaPictures();
        Path questions = text(folder, "v2_OpenEnded_mscoco_val2014_questions.json", VQA_QUESTIONS);
        Path annotations = text(folder, "v2_mscoco_val2014_annotations.json", VQA_ANNOTATIONS);
        Questions read = Questions.read(questions);
        assertThat(read.format()).isEqualTo("VQA questions");
        assertThat(read.list()).extracting(Question::id).containsExactly("262148000", "42001");
        assertThat(read.list()).extracting(Question::type).containsExactly("other", "number");
        assertThat(read.list().get(1).answers()).containsExactly("2", "3", "2");
        assertThat(read.list().get(1).prompt()).isEqualTo("How many?");
        assertGray(read.list().get(0).pictures().getFirst(), 1);
        assertGray(read.list().get(1).pictures().getFirst(), 2);
        assertThat(Questions.read(annotations)).isEqualTo(read);
        assertThat(Questions.read(folder)).isEqualTo(read);
    }

    @Test
    void vqaOfATestSetHasNoAnswers() throws IOException {
        vqaPictures();
        Questions read = Questions.read(text(folder, "some_questions.json", VQA_QUESTIONS));
        assertThat(read.list()).noneMatch(Question::judged);
    }

    @Test
    void vqaInPartsThatDoNotFitIsRefused() throws IOException {
        vqaPictures();
        Path questions = text(folder, "x_questions.json", VQA_QUESTIONS);
        Path annotations = text(folder, "x_annotations.json", "{\"annotations\": []}");
        assertRefused(questions, "question '262148000' has no answers in x_annotations.json");
        text(folder, "x_annotations.json", "{\"annotations\": [{\"answers\": []}]}");
        assertRefused(questions, "x_annotations.json annotations[0]: 'question_id' is missing");
        text(folder, "x_annotations.json", "{\"annotations\": {}}");
        assertRefused(questions, "x_annotations.json: 'annotations' should be an array");
        text(folder, "x_annotations.json", VQA_ANNOTATIONS);
        text(folder, "x_questions.json", VQA_QUESTIONS.replace("262148,", "999,"));
        assertRefused(questions, "x_questions.json questions[0]: picture 'COCO_val2014_000000000999.jpg' is not there");
        text(folder, "x_questions.json", VQA_QUESTIONS.replace("\"val2014\"", "\"../val2014\""));
        assertRefused(questions, "questions[0]", "should stay in the folder");
        text(folder, "x_questions.json", VQA_QUESTIONS.substring(0, VQA_QUESTIONS.length() - 20));
        assertRefused(questions, "is not valid JSON");
        Files.delete(questions);
        assertRefused(annotations, "holds annotations; name the file of their questions");
    }

    @Test
    void textVqa() throws IOException {
        picture(folder, "train_images/003a8ae2ef43b901.jpg", 5);
        Path file = text(folder, "TextVQA_0.5.1_val.json", """
                {"dataset_type": "val", "dataset_name": "textvqa", "dataset_version": "0.5.1", "data": [
                 {"question": "what is the brand?", "image_id": "003a8ae2ef43b901", "image_classes": ["Cassette"], "question_id": 34602,
                  "question_tokens": ["what"], "answers": ["nokia", "nokia", "toshiba"], "set_name": "val"}]}
                """);
        Questions read = Questions.read(file);
        assertThat(read.format()).isEqualTo("TextVQA");
        Question q = read.list().getFirst();
        assertThat(q.id()).isEqualTo("34602");
        assertThat(q.answers()).containsExactly("nokia", "nokia", "toshiba");
        assertGray(q.pictures().getFirst(), 5);
        String known = "{\"data\": [{\"image_id\": \"003a8ae2ef43b901\"}]}";
        assertRefused(text(folder, "x.json", known), "x.json data[0]: 'question_id' is missing");
        String outside = "{\"data\": [{\"image_id\": \"../x\", \"question_id\": 1, \"question\": \"?\"}]}";
        assertRefused(text(folder, "x.json", outside), "stay in the folder");
        assertRefused(text(folder, "x.json", "{\"data\": []}"), "holds no questions");
    }

    @Test
    void gqa() throws IOException {
        picture(folder, "images/n578237.jpg", 6);
        Path file = text(folder, "testdev_balanced_questions.json", """
                {"201640614": {"imageId": "n578237", "question": "Who is wearing the dress?", "answer": "woman", "isBalanced": true,
                   "fullAnswer": "The woman is wearing a dress.", "semantic": [], "types": {"structural": "query", "semantic": "rel"}},
                 "202225914": {"imageId": "n578237", "question": "Is it red?", "answer": "no", "types": {"structural": "verify"}}}
                """);
        Questions read = Questions.read(file);
        assertThat(read.format()).isEqualTo("GQA");
        assertThat(read.list()).extracting(Question::id).containsExactly("201640614", "202225914");
        assertThat(read.list()).extracting(Question::type).containsExactly("query", "verify");
        assertThat(read.list().getFirst().answers()).containsExactly("woman");
        assertGray(read.list().getFirst().pictures().getFirst(), 6);
        assertRefused(text(folder, "x.json", "{\"7\": {\"imageId\": \"n578237\"}}"), "x.json '7': 'question' is missing");
    }

    @Test
    void pope() throws IOException {
        picture(folder, "val2014/COCO_val2014_000000310196.jpg", 8);
        String line = "{\"question_id\": %d, \"image\": \"COCO_val2014_000000310196.jpg\", \"text\": \"Is there a snowboard?\","
                + " \"label\": \"%s\"}%n";
        Path file = text(folder, "coco_pope_popular.json", line.formatted(1, "yes") + line.formatted(2, "no"));
        Questions read = Questions.read(file);
        assertThat(read.format()).isEqualTo("POPE");
        assertThat(read.list()).extracting(Question::type).containsOnly("popular");
        assertThat(read.list()).extracting(Question::answers).containsExactly(List.of("yes"), List.of("no"));
        assertGray(read.list().get(1).pictures().getFirst(), 8);
        assertRefused(text(folder, "x.json", line.formatted(1, "yes") + line.formatted(1, "no")), "x.json line 2", "the id '1' too");
        String without = line.formatted(1, "yes") + "{\"question_id\": 2, \"text\": \"?\"}";
        assertRefused(text(folder, "x.json", without), "line 2: 'image' is missing");
    }

    @Test
    void severalJsonFilesInAFolderAreNotGuessedAt() throws IOException {
        text(folder, "a.json", "{}");
        text(folder, "b.json", "{}");
        assertRefused(folder, "holds 2 JSON files, such as a.json; name the one to read");
    }
}
