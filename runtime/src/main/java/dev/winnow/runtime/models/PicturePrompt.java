package dev.winnow.runtime.models;

import dev.winnow.runtime.models.VisionLanguageModel.Image;
import java.util.List;

/** What stands for a picture in the text of a prompt. */
public sealed interface PicturePrompt {
    /**
     * The placeholder, as often as the picture has tokens, where a template or the user has it once.
     *
     * @param before text in front of it where neither has it and pictures come first
     * @param after  likewise
     */
    record Repeated(String before, String after) implements PicturePrompt {}

    /** Pictures, as so many placeholders, come first; behind them what begins a sequence, the prompt and a line break (PaliGemma). */
    record InFront() implements PicturePrompt {}

    /** A text where a template or the user has a mark. */
    sealed interface Written extends PicturePrompt {
        /** @param token text of the placeholder */
        String mark(String token);

        /** @param places of the picture's stretches of tokens */
        String text(Image image, List<Integer> places, String token);
    }

    /** Placeholders between two texts; where a picture is cut, the whole of it and then its pieces, with words that say so (Gemma 3). */
    record Framed(String mark, String before, String after) implements Written {
        @Override
        public String mark(String token) {
            return mark;
        }

        @Override
        public String text(Image image, List<Integer> places, String token) {
            List<String> pieces = places.stream().map(n -> before + token.repeat(n) + after).toList();
            if (pieces.size() == 1) return pieces.getFirst();
            return "Here is the original image " + pieces.getFirst() + " and here are some crops to help you see better "
                    + String.join(" ", pieces.subList(1, pieces.size()));
        }
    }

    /** The pieces of a picture row by row with their places, then the picture as a whole (Idefics3). */
    record Pieces() implements Written {
        private static final String AROUND = "<fake_token_around_image>";

        @Override
        public String mark(String token) {
            return token;
        }

        @Override
        public String text(Image image, List<Integer> places, String token) {
            StringBuilder text = new StringBuilder();
            for (int y = 0; y < image.rows(); y++) {
                for (int x = 0; x < image.columns(); x++) {
                    text.append(AROUND).append("<row_").append(y + 1).append("_col_").append(x + 1).append('>')
                            .append(token.repeat(places.get(y * image.columns() + x)));
                }
                text.append('\n');
            }
            if (image.rows() > 0) text.append('\n');
            return text.append(AROUND).append("<global-img>").append(token.repeat(places.getLast())).append(AROUND).toString();
        }
    }
}
