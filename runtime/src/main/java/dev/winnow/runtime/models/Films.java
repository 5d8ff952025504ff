package dev.winnow.runtime.models;

import dev.winnow.reduction.Grid;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.runtime.models.VisionLanguageModel.Image;
import dev.winnow.runtime.models.VisionLanguageModel.ImageFeatures;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** How a model takes films: sequences of frames, which go through the tower moment by moment. */
public sealed interface Films {
    /** Id of the placeholder. */
    int token();

    /** Frames that the tower looks at as one. */
    int frames();

    /** Placeholders of each moment of a film. */
    List<Integer> places(Image film, int perMoment);

    /** Stretches of tokens, one for each moment. */
    List<ImageFeatures> pack(Image film, List<ImageFeatures> moments, int width);

    /**
     * Two frames are a moment, which has its own coordinate of time (Qwen2-VL; Wang et al. 2024).
     *
     * @param ticksPerSecond coordinates that a second takes (Qwen2.5-VL; Bai et al. 2025); 0 where each moment takes one
     */
    record Moments(int token, int frames, double ticksPerSecond) implements Films {
        @Override
        public List<Integer> places(Image film, int perMoment) {
            return film.tiles().stream().map(t -> perMoment).toList();
        }

        @Override
        public List<ImageFeatures> pack(Image film, List<ImageFeatures> moments, int width) {
            List<ImageFeatures> packed = new ArrayList<>();
            for (int i = 0; i < moments.size(); i++) {
                ImageFeatures m = moments.get(i);
                packed.add(i == 0 ? m : new ImageFeatures(m.features(), m.ledger(), m.places(), tick(i, film.secondsPerMoment())));
            }
            return packed;
        }

        /** Times are computed as floats and cut off, as the model was trained. */
        private int tick(int moment, double seconds) {
            return ticksPerSecond == 0 ? moment : (int) (moment * (float) seconds * (float) ticksPerSecond);
        }
    }

    /**
     * Each frame by itself, its features resampled to half as many rows and columns; a learned token ends the film (LLaVA-OneVision; Li et
     * al. 2024). What was noted of patches is resampled alike.
     *
     * @param side    patches per side of a frame
     * @param newline [width]
     */
    record Pooled(int token, int side, float[] newline) implements Films {
        @Override
        public int frames() {
            return 1;
        }

        private Grid half() {
            return new Grid((side + 1) / 2, (side + 1) / 2);
        }

        @Override
        public List<Integer> places(Image film, int perMoment) {
            int last = film.tiles().size() - 1;
            return IntStream.rangeClosed(0, last).mapToObj(i -> half().cells() + (i == last ? 1 : 0)).toList();
        }

        @Override
        public List<ImageFeatures> pack(Image film, List<ImageFeatures> moments, int width) {
            List<ImageFeatures> packed = new ArrayList<>();
            List<Integer> places = places(film, half().cells());
            for (int i = 0; i < moments.size(); i++) {
                TokenLedger ledger = moments.get(i).ledger();
                PictureTokens made = new PictureTokens(width, newline);
                int image = ledger.image(0);
                made.resampled(moments.get(i).features(), side, side, half(), image, false);
                if (i == moments.size() - 1) made.newline();
                ImageFeatures pooled = made.features(List.of(moments.get(i)), places.get(i), half(), image);
                packed.add(withNotes(pooled, ledger));
            }
            return packed;
        }

        private ImageFeatures withNotes(ImageFeatures pooled, TokenLedger from) {
            TokenLedger ledger = pooled.ledger();
            for (String name : from.notes()) {
                TokenLedger.Note note = from.note(name);
                PictureTokens made = new PictureTokens(note.width(), new float[note.width()]);
                made.resampled(note.values(), side, side, half(), 0, false);
                if (ledger.count() > half().cells()) made.newline();
                ledger = ledger.with(name, new TokenLedger.Note(note.width(), made.values()));
            }
            return new ImageFeatures(pooled.features(), ledger, pooled.places());
        }
    }
}
