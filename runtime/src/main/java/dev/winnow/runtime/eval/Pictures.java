package dev.winnow.runtime.eval;

import dev.winnow.runtime.eval.questions.Picture;
import dev.winnow.runtime.eval.questions.Question;
import dev.winnow.runtime.images.RgbImage;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** Decoded pictures, kept for the next question or plan as long as they are few. */
final class Pictures {
    private static final long MOST_BYTES = 256L << 20;

    private final Map<Picture, RgbImage> kept = new ConcurrentHashMap<>();
    private final AtomicLong bytes = new AtomicLong();

    RgbImage[] of(Question question) {
        return question.pictures().stream().map(this::of).toArray(RgbImage[]::new);
    }

    private RgbImage of(Picture picture) {
        RgbImage image = kept.get(picture);
        if (image != null) return image;
        image = picture.read();
        if (bytes.addAndGet(image.rgb().length) <= MOST_BYTES) kept.put(picture, image);
        return image;
    }
}
