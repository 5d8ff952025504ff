package dev.winnow.examples;

import dev.winnow.runtime.Answer;
import dev.winnow.runtime.Request;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.images.RgbImage;
import java.nio.file.Path;
import java.util.Arrays;

/** The smallest program: a picture and a question in, the answer out, with a fraction of the tokens. */
public final class AskAboutPicture {
    private AskAboutPicture() {}

    /** @param args model directory, picture, question, then any number of reduction specs */
    public static void main(String[] args) {
        if (args.length < 3) {
            System.err.println("usage: AskAboutPicture MODEL_DIR PICTURE QUESTION [REDUCTION_SPEC...]");
            System.exit(2);
        }
        try (Winnow model = Winnow.open(Path.of(args[0]))) {
            Request question = Request.of(args[2], RgbImage.read(Path.of(args[1])))
                    .withReduction(Arrays.copyOfRange(args, 3, args.length))
                    .withMaxTokens(100);
            Answer answer = model.generate(question, System.out::print);
            System.out.printf("%n%d of %d tokens in the last layer, %.0f ms to the first token%n",
                    answer.stats().languageTokens().getLast(), answer.stats().promptTokens(), 1000 * answer.stats().firstTokenSeconds());
        }
    }
}
