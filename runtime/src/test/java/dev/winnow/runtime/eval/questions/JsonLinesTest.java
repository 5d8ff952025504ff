package dev.winnow.runtime.eval.questions;

import static dev.winnow.runtime.eval.questions.QuestionFiles.assertGray;
import static dev.winnow.runtime.eval.questions.QuestionFiles.assertRefused;
import static dev.winnow.runtime.eval.questions.QuestionFiles.picture;
import static dev.winnow.runtime.eval.questions.QuestionFiles.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.runtime.images.ImageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JsonLinesTest {
    private static final Path DEMO = Path.of("../examples/demo");

    @TempDir
    Path folder;

    @BeforeEach
    void pictures() throws IOException {
        picture(folder, "a.png", 10);
        picture(folder, "more/b.png", 20);
    }

    private Question only(String line) throws IOException {
        Questions questions = Questions.read(text(folder, "one.jsonl", line));
        assertThat(questions.size()).isEqualTo(1);
        return questions.list().getFirst();
    }

    private void refused(String lines, String... parts) throws IOException {
        assertRefused(text(folder, "bad.jsonl", lines), parts);
    }

    @Test
    void theDemoReadsAsItIs() {
        Questions fromFile = Questions.read(DEMO.resolve("questions-vlm/qa.jsonl"));
        assertThat(fromFile.format()).isEqualTo("JSON lines");
        assertThat(fromFile.size()).isEqualTo(600);
        assertThat(fromFile.list().stream().map(Question::type).distinct()).hasSize(10);
        Question first = fromFile.list().getFirst();
        assertThat(first.prompt()).isEqualTo("Is the yellow square above the red square?");
        assertThat(first.answers()).containsExactly("yes");
        assertThat(first.type()).isEqualTo("relation_yn");
        assertThat(first.id()).isEqualTo("1");
        assertThat(first.pictures().getFirst().name()).isEqualTo("0000.png");
        assertThat(first.pictures().getFirst().read().width()).isEqualTo(96);
        assertThat(Questions.read(DEMO.resolve("questions-vlm"))).isEqualTo(fromFile);
        assertThat(fromFile.limit(3).list()).isEqualTo(fromFile.list().subList(0, 3));
        assertThat(fromFile.limit(1000)).isSameAs(fromFile);
    }

    @Test
    void everyFieldIsTaken() throws IOException {
        Question q = only("{\"id\": \"x7\", \"images\": [\"a.png\", \"more/b.png\"], \"prompt\": \"Which?\", \"answers\": [\"one\", 2],"
                + " \"type\": \"odd\", \"reference\": \"It is one.\", \"unknown\": {\"a\": [1]}}");
        assertThat(q.id()).isEqualTo("x7");
        assertThat(q.pictures()).extracting(Picture::name).containsExactly("a.png", "more/b.png");
        assertGray(q.pictures().get(1), 20);
        assertThat(q.prompt()).isEqualTo("Which?");
        assertThat(q.answers()).containsExactly("one", "2");
        assertThat(q.type()).isEqualTo("odd");
        assertThat(q.reference()).contains("It is one.");
        assertThat(q.label()).isEmpty();
        assertThat(q.choices()).isEmpty();
    }

    @Test
    void aPromptAloneIsEnoughToCompareWithTheDenseModel() throws IOException {
        Question q = only("{\"question\": \"Why?\"}");
        assertThat(q.judged()).isFalse();
        assertThat(q.pictures()).isEmpty();
        assertThat(q.type()).isEqualTo(Question.ANY);
    }

    @Test
    void aLabelAloneIsForAClassifier() throws IOException {
        Question q = only("{\"image\": \"a.png\", \"label\": 5}");
        assertThat(q.label()).hasValue(5);
        assertThat(q.type()).isEqualTo(Question.CLASS);
        assertThat(q.prompt()).isEmpty();
    }

    @Test
    void anAnswerAmongChoicesIsAText() throws IOException {
        String choices = "{\"question\": \"Which?\", \"choices\": [\"red\", \"blue\", \"C\"], \"answer\": ";
        assertThat(only(choices + "\"blue\"}").answers()).containsExactly("blue");
        assertThat(only(choices + "1}").answers()).containsExactly("blue");
        assertThat(only(choices + "\"b\"}").answers()).containsExactly("blue");
        assertThat(only(choices + "\"C\"}").answers()).containsExactly("C");
        refused(choices + "3}", "bad.jsonl line 1", "'3' is none of the 3 choices");
        refused(choices + "-1}", "none of the 3 choices");
        refused(choices + "\"green\"}", "'green' is none");
    }

    @Test
    void anArrayOfObjectsReadsAlike() throws IOException {
        Questions questions = Questions.read(text(folder, "all.json", " [{\"question\": \"A?\", \"answer\": \"1\"}, {\"question\": \"B?\","
                + "\"answer\": \"2\"}]"));
        assertThat(questions.list()).extracting(Question::prompt).containsExactly("A?", "B?");
        assertThat(questions.list()).extracting(Question::id).containsExactly("0", "1");
        assertRefused(text(folder, "all.json", "[{\"question\": \"A?\"}, 3]"), "all.json record[1]", "should be a JSON object");
        assertRefused(text(folder, "all.json", "[{\"question\": \"A?\"},"), "all.json: is not valid JSON");
    }

    @Test
    void aByteOrderMarkAndBlankLinesDoNotMatter() throws IOException {
        Questions questions = Questions.read(text(folder, "marked.jsonl", "\uFEFF{\"question\": \"A?\"}\r\n\r\n{\"question\": \"B?\"}"));
        assertThat(questions.list()).extracting(Question::prompt).containsExactly("A?", "B?");
        assertThat(questions.list()).extracting(Question::id).containsExactly("1", "3");
    }

    @Test
    void aBadLineIsNamed() throws IOException {
        String good = "{\"image\": \"a.png\", \"question\": \"A?\", \"answer\": \"1\"}\n";
        refused(good + "{\"image\": \"a.png\", \"answer\": \"1\"}", "bad.jsonl line 2: 'question' (or 'prompt') is missing");
        refused(good + "{\"image\": \"a.png\", \"question\": 7.5, \"answer\": [{}]}", "line 2: 'answer' should be a text but is an object");
        refused(good + "{\"question\": [\"A\"], \"answer\": \"1\"}", "line 2: 'question' should be a text but is an array");
        refused(good + "{\"image\": \"a.png\", \"question\": \"A?\", \"label\": \"one\"}", "line 2: 'label' should be a whole number");
        refused(good + "{\"image\": \"a.png\", \"question\": \"A?\"}", "line 2: answer (or label, or reference) is missing");
        refused("{\"question\": \"A?\"}\n" + good, "line 2: has an answer");
        refused(good + "{\"image\": \"none.png\", \"question\": \"A?\", \"answer\": \"1\"}", "line 2: picture 'none.png' is not there");
        refused(good + "{\"question\": \"A?\", \"answer\"", "bad.jsonl line 2: is not valid JSON");
        refused("{\"question\": \"A?\", \"answer\"", "bad.jsonl line 1: is not valid JSON");
        refused(good + "[1]", "line 2: should be a JSON object");
        refused(good + "{\"question\": \"A?\", \"question\": \"B?\"}", "line 2: is not valid JSON: Duplicate");
        refused(good + "{\"id\": 1, \"question\": \"A?\", \"answer\": \"1\"}", "line 2: another question has the id '1' too");
        refused(good + "{\"id\": \"\", \"question\": \"A?\", \"answer\": \"1\"}", "line 2: 'id' should not be empty");
        refused(good + "{\"question\": " + "[".repeat(100) + "]".repeat(100) + "}", "line 2: is not valid JSON");
    }

    @Test
    void pathsStayInTheFolder() throws IOException {
        picture(folder, "inner/c.png", 30);
        picture(folder, "outside.png", 40);
        for (String path : List.of("../outside.png", "/etc/hostname", "x/../../outside.png", "..", "", "a\\\\b.png")) {
            assertRefused(text(folder, "inner/qa.jsonl", "{\"image\": \"" + path + "\", \"question\": \"A?\"}"), "qa.jsonl line 1",
                    "should stay in the folder");
        }
        assertRefused(text(folder, "inner/qa.jsonl", "{\"image\": \"a\\u0000b.png\", \"question\": \"A?\"}"), "line 1", "is not a path");
        text(folder, "inner/qa.jsonl", "{\"image\": \"outside.png\", \"question\": \"A?\"}");
        assertGray(Questions.read(folder.resolve("inner"), folder).list().getFirst().pictures().getFirst(), 40);
    }

    @Test
    void whatIsNoQuestionsIsSaid() throws IOException {
        assertRefused(folder.resolve("none.jsonl"), "there is no such file");
        refused("", "none of the known formats");
        refused("\n\n", "none of the known formats");
        byte[] latin = {'{', '"', (byte) 0xe9, '"', ':', '1', '}'};
        assertRefused(Files.write(folder.resolve("latin.jsonl"), latin), "not valid UTF-8");
        assertRefused(Files.write(folder.resolve("a.jsonl.gz"), new byte[] {0x1f, (byte) 0x8b, 8, 0}), "is compressed");
        assertThatThrownBy(() -> Questions.read(folder, folder.resolve("a.png"))).isInstanceOf(QuestionsException.class)
                .hasMessageContaining("is not a folder of pictures");
    }

    @Test
    void aPictureIsDecodedWhenAsked() throws IOException {
        Files.writeString(folder.resolve("broken.png"), "no picture");
        Picture picture = only("{\"image\": \"broken.png\", \"question\": \"A?\"}").pictures().getFirst();
        assertThatThrownBy(picture::read).isInstanceOf(ImageException.class);
    }
}
