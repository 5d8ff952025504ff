package dev.winnow.runtime.text;

/** One piece of a message: text, or the place of an image or a video. */
public sealed interface Part {
    /** Words of a message. */
    record Text(String text) implements Part {
        public Text {
            if (text == null) throw new IllegalArgumentException("a text part needs a text");
        }
    }

    /** Where an image stands; the pixels travel beside the messages, in the order of these places. */
    record Image() implements Part {}

    /** Where a video stands. */
    record Video() implements Part {}
}
