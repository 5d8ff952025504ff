package dev.winnow.runtime;

import dev.winnow.runtime.models.VisionLanguageModel;
import dev.winnow.runtime.models.VisionLanguageModel.ImageFeatures;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** Features of pictures and films, taken in the order in which prompts have places for them. */
final class SeenInOrder {
    private final VisionLanguageModel model;
    private final Deque<ImageFeatures> pictures = new ArrayDeque<>();
    private final Deque<ImageFeatures> films = new ArrayDeque<>();

    SeenInOrder(VisionLanguageModel model) {
        this.model = model;
    }

    void add(boolean film, List<ImageFeatures> stretches) {
        (film ? films : pictures).addAll(stretches);
    }

    /**
     * The features that a prompt's placeholders take.
     *
     * @throws RequestException when there are too few of them, or of the placeholders
     */
    List<ImageFeatures> of(int[] ids) {
        List<ImageFeatures> taken = new ArrayList<>();
        int left = 0;
        boolean film = false;
        for (int id : ids) {
            if (!model.isPlace(id)) continue;
            if (left > 0 && model.isFilmPlace(id) != film) throw few(left, taken.getLast());
            if (left-- > 0) continue;
            film = model.isFilmPlace(id);
            ImageFeatures next = (film ? films : pictures).poll();
            if (next == null) {
                throw new RequestException("input_ids has places for more " + (film ? "videos than pixel_values_videos holds"
                        : "images than pixel_values holds"));
            }
            taken.add(next);
            left = next.places() - 1;
        }
        if (left > 0) throw few(left, taken.getLast());
        return taken;
    }

    private static RequestException few(int left, ImageFeatures last) {
        return new RequestException("input_ids has " + left + " image tokens too few in a sequence; an image takes " + last.places());
    }

    /** @throws RequestException when not all of them were taken */
    void requireEnd() {
        if (!pictures.isEmpty()) throw new RequestException("input_ids has no places for all images in pixel_values");
        if (!films.isEmpty()) throw new RequestException("input_ids has no places for all videos in pixel_values_videos");
    }
}
