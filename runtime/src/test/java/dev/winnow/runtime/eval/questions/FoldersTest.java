package dev.winnow.runtime.eval.questions;

import static dev.winnow.runtime.eval.questions.QuestionFiles.assertGray;
import static dev.winnow.runtime.eval.questions.QuestionFiles.assertRefused;
import static dev.winnow.runtime.eval.questions.QuestionFiles.picture;
import static dev.winnow.runtime.eval.questions.QuestionFiles.text;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Labels beside pictures, folders of classes, and MME's texts beside pictures. */
class FoldersTest {
    @TempDir
    Path folder;

    @Test
    void theDemosLabelsReadAsTheyAre() {
        Questions questions = Questions.read(Path.of("../examples/demo/questions-vit"));
        assertThat(questions.format()).isEqualTo("labels in CSV");
        assertThat(questions.size()).isEqualTo(300);
        Question first = questions.list().getFirst();
        assertThat(first.label()).hasValue(18);
        assertThat(first.answers()).containsExactly("yellow circle");
        assertThat(first.type()).isEqualTo(Question.CLASS);
        assertThat(first.pictures().getFirst().read().height()).isEqualTo(96);
    }

    @Test
    void cellsMayBeInQuotes() throws IOException {
        picture(folder, "a,b.png", 7);
        Path file = text(folder, "labels.csv", "label,name,image\r\n3,\"the \"\"third\"\" one\",\"a,b.png\"\r\n");
        Question q = Questions.read(file).list().getFirst();
        assertThat(q.label()).hasValue(3);
        assertThat(q.answers()).containsExactly("the \"third\" one");
        assertGray(q.pictures().getFirst(), 7);
    }

    @Test
    void aBadLabelIsNamed() throws IOException {
        picture(folder, "a.png", 7);
        String heading = "image,label\n";
        assertRefused(text(folder, "labels.csv", "picture,class\na.png,1\n"), "labels.csv line 1", "'image' and 'label'");
        assertRefused(text(folder, "labels.csv", heading + "a.png,-1\n"), "line 2: 'label' should be a whole number");
        assertRefused(text(folder, "labels.csv", heading + "a.png\n"), "line 2: should have 2 cells but has 1");
        assertRefused(text(folder, "labels.csv", heading + "\"a.png,1\n"), "line 2: a cell in quotes does not end");
        assertRefused(text(folder, "labels.csv", heading + "\"a.png\"x,1\n"), "line 2: a comma should follow");
        assertRefused(text(folder, "labels.csv", heading + "../a.png,1\n"), "line 2", "should stay in the folder");
        assertRefused(text(folder, "labels.csv", heading + "b.png,1\n"), "line 2: picture 'b.png' is not there");
        assertRefused(text(folder, "labels.csv", heading), "holds no questions");
    }

    @Test
    void foldersAreClassesInTheOrderOfTheirNames() throws IOException {
        picture(folder, "zebra/1.png", 1);
        picture(folder, "ant/2.png", 2);
        picture(folder, "ant/deep/1.png", 3);
        Files.createDirectory(folder.resolve("empty"));
        text(folder, "ant/readme.txt", "not a picture");
        text(folder, ".hidden/x.png", "");
        Questions questions = Questions.read(folder);
        assertThat(questions.format()).isEqualTo("a folder of pictures per class");
        assertThat(questions.list()).extracting(Question::id).containsExactly("ant/2.png", "ant/deep/1.png", "zebra/1.png");
        assertThat(questions.list()).extracting(q -> q.label().getAsInt()).containsExactly(0, 0, 2);
        assertThat(questions.list()).extracting(q -> q.answers().getFirst()).containsExactly("ant", "ant", "zebra");
        assertGray(questions.list().get(1).pictures().getFirst(), 3);
    }

    @Test
    void splitsAreNoClasses() throws IOException {
        picture(folder, "train/ant/1.png", 1);
        picture(folder, "test/ant/1.png", 1);
        assertRefused(folder, "holds the splits of a set; name one, such as test");
        assertThat(Questions.read(folder.resolve("train")).size()).isEqualTo(1);
    }

    @Test
    void aFolderOfSomethingElseIsRefused() throws IOException {
        text(folder, "notes/readme.md", "hello");
        assertRefused(folder, "holds no questions in a known format");
    }

    @Test
    void mmeBesideThePictures() throws IOException {
        picture(folder, "existence/0002.png", 2);
        picture(folder, "existence/0001.png", 1);
        text(folder, "existence/0001.txt", "Is there a dog? Please answer yes or no.\tYes\nIs there a cat? Please answer yes or no.\tNo\n");
        text(folder, "existence/0002.txt", "Is there a bird?\tNo\t\n");
        picture(folder, "posters/images/p.png", 3);
        text(folder, "posters/questions_answers_YN/p.txt", "Is it by someone?\tYes\n");
        text(folder, "posters/questions_answers_YN/readme.txt", "no picture of this name");
        Questions questions = Questions.read(folder);
        assertThat(questions.format()).isEqualTo("MME");
        assertThat(questions.list()).extracting(Question::id).containsExactly("existence/0001.png:1", "existence/0001.png:2",
                "existence/0002.png:1", "posters/images/p.png:1");
        assertThat(questions.list()).extracting(Question::type).containsExactly("existence", "existence", "existence", "posters");
        assertThat(questions.list().get(1).prompt()).isEqualTo("Is there a cat? Please answer yes or no.");
        assertThat(questions.list().get(1).answers()).containsExactly("No");
        assertThat(questions.list().get(0).pictures()).isEqualTo(questions.list().get(1).pictures());
        assertGray(questions.list().get(3).pictures().getFirst(), 3);
        assertThat(Questions.read(folder.resolve("existence")).list()).extracting(Question::type).containsOnly("existence");
    }

    @Test
    void aLineOfMmeWithoutAnAnswerIsNamed() throws IOException {
        picture(folder, "existence/0001.png", 1);
        text(folder, "existence/0001.txt", "Is there a dog?\tYes\nIs there a cat?\n");
        assertRefused(folder, "0001.txt line 2: should be a question, a tab and an answer");
    }
}
