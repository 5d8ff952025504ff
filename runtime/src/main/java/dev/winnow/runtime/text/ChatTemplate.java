package dev.winnow.runtime.text;

import dev.winnow.weights.ModelDirectory;
import java.util.List;
import java.util.Optional;

/** The Jinja template with which a model's makers turn a conversation into a prompt. */
public final class ChatTemplate {
    private ChatTemplate() {}

    public static Optional<ChatTemplate> load(ModelDirectory dir) {
        return Optional.empty();
    }

    public String render(List<Message> messages, boolean addGenerationPrompt) {
        throw new UnsupportedOperationException();
    }
}
