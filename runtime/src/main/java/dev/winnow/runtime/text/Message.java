package dev.winnow.runtime.text;

import java.util.ArrayList;
import java.util.List;

/** One turn of a conversation. The roles are those of the model's chat template: usually system, user and assistant. */
public record Message(String role, List<Part> parts) {
    public Message {
        if (role == null || role.isEmpty()) throw new IllegalArgumentException("a message needs a role");
        parts = List.copyOf(parts);
    }

    /** A message of text only. */
    public static Message of(String role, String text) {
        return new Message(role, List.of(new Part.Text(text)));
    }

    /** A user's turn: {@code images} images, then the text, the order that model cards show. */
    public static Message user(String text, int images) {
        if (images < 0) throw new IllegalArgumentException("a message cannot hold " + images + " images");
        List<Part> parts = new ArrayList<>(images + 1);
        for (int i = 0; i < images; i++) parts.add(new Part.Image());
        parts.add(new Part.Text(text));
        return new Message("user", parts);
    }

    /** Whether any part is an image or a video. */
    public boolean hasPictures() {
        return parts.stream().anyMatch(part -> !(part instanceof Part.Text));
    }
}
