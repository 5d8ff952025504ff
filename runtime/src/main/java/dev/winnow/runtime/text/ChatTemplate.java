package dev.winnow.runtime.text;

import dev.winnow.runtime.text.jinja.JinjaException;
import dev.winnow.runtime.text.jinja.JinjaTemplate;
import dev.winnow.runtime.text.jinja.Strftime;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.ModelDirectory;
import dev.winnow.weights.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The Jinja template with which a model's makers turn a conversation into a prompt, rendered as {@code apply_chat_template}
 * of Hugging Face does. The prompt usually holds the special tokens already, so it is encoded without adding them.
 *
 * <p>Most templates take the content of a message as a text when it is one, and as a list of parts when there are images.
 * Some take only lists; which kind one is, is found by trying it out once.
 *
 * <p>Immutable; safe for use by many threads.
 */
public final class ChatTemplate {
    private static final String JINJA_FILE = "chat_template.jinja";
    private static final String JSON_FILE = "chat_template.json";
    private static final String PROCESSOR_FILE = "processor_config.json";
    private static final String TOKENIZER_FILE = "tokenizer_config.json";
    private static final List<String> SPECIAL_TOKENS = List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token",
            "cls_token", "mask_token", "image_token", "boi_token", "eoi_token", "audio_token", "video_token");
    private static final int LARGEST_FILE = 1 << 20;

    private final JinjaTemplate template;
    private final String file;
    private final Map<String, String> specialTokens;
    private final Supplier<Clock> clock;
    private final boolean alwaysParts;
    private final boolean placesPictures;

    ChatTemplate(String source, String file, Map<String, String> specialTokens, Supplier<Clock> clock) {
        this.file = file;
        this.specialTokens = Map.copyOf(specialTokens);
        this.clock = clock;
        try {
            template = JinjaTemplate.parse(source);
        } catch (JinjaException e) {
            throw failure(e);
        }
        alwaysParts = takesOnlyParts();
        placesPictures = takesPictures();
    }

    /**
     * The template of a model: {@code chat_template.jinja}, else {@code chat_template.json}, else the one in {@code
     * processor_config.json} or {@code tokenizer_config.json}, where several may have names and the one called "default" is taken. Empty
     * when there is none, as for models that only continue text.
     *
     * @throws CheckpointException when one of these files cannot be read or has another layout
     * @throws TemplateException   when the template is not valid
     */
    public static Optional<ChatTemplate> load(ModelDirectory dir) {
        Optional<Settings> tokenizer = dir.optional(TOKENIZER_FILE);
        Map<String, String> tokens = tokenizer.map(ChatTemplate::specialTokens).orElse(Map.of());
        // when a template asks: to find the zone takes a while
        Supplier<Clock> clock = Clock::systemDefaultZone;
        Path jinja = dir.path().resolve(JINJA_FILE);
        if (Files.exists(jinja)) return Optional.of(new ChatTemplate(read(jinja), JINJA_FILE, tokens, clock));
        Optional<String> json = dir.optional(JSON_FILE).flatMap(ChatTemplate::source);
        if (json.isPresent()) return Optional.of(new ChatTemplate(json.get(), JSON_FILE, tokens, clock));
        Optional<String> processor = dir.optional(PROCESSOR_FILE).flatMap(ChatTemplate::source);
        if (processor.isPresent()) return Optional.of(new ChatTemplate(processor.get(), PROCESSOR_FILE, tokens, clock));
        return tokenizer.flatMap(ChatTemplate::source).map(source -> new ChatTemplate(source, TOKENIZER_FILE, tokens, clock));
    }

    private static String read(Path path) {
        try {
            if (Files.size(path) > LARGEST_FILE) throw new CheckpointException(path + " is too large for a chat template");
            return Files.readString(path);
        } catch (IOException e) {
            throw new CheckpointException(path + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static Optional<String> source(Settings settings) {
        String key = "chat_template";
        if (!settings.has(key)) return Optional.empty();
        if (!settings.type(key).equals("array")) return Optional.of(settings.string(key));
        List<Settings> named = settings.sections(key);
        if (named.size() == 1) return Optional.of(named.getFirst().string("template"));
        return Optional.of(named.stream().filter(each -> each.string("name").equals("default")).findFirst()
                .orElseThrow(() -> new CheckpointException("chat_template names " + named.stream().map(each -> each.string("name")).toList()
                        + ", but none is called default"))
                .string("template"));
    }

    private static Map<String, String> specialTokens(Settings settings) {
        Map<String, String> tokens = new HashMap<>();
        for (String key : SPECIAL_TOKENS) {
            if (!settings.has(key)) continue;
            boolean described = settings.type(key).equals("object");
            tokens.put(key, described ? settings.section(key).string("content") : settings.string(key));
        }
        return tokens;
    }

    /**
     * The prompt of a conversation.
     *
     * @param addGenerationPrompt whether to end with what begins the model's turn
     * @throws TemplateException when the template rejects these messages, which often means that roles do not alternate, or fails
     */
    public String render(List<Message> messages, boolean addGenerationPrompt) {
        try {
            return template.render(variables(messages, addGenerationPrompt, alwaysParts));
        } catch (JinjaException e) {
            throw failure(e);
        }
    }

    private boolean takesOnlyParts() {
        String words = "Is this here?";
        List<Message> probe = List.of(Message.user(words, 0));
        return !prints(words, probe, false) && prints(words, probe, true);
    }

    /** Whether it takes contents of several parts and leaves a trace of pictures; one written for words alone may not. */
    public boolean placesPictures() {
        return placesPictures;
    }

    private boolean takesPictures() {
        String words = "Is this here?";
        Part text = new Part.Text(words);
        try {
            String with = template.render(variables(List.of(new Message("user", List.of(new Part.Image(), text))), true, true));
            String without = template.render(variables(List.of(new Message("user", List.of(text))), true, true));
            // a list that is printed as it is shows how it is made
            return with.contains(words) && !with.equals(without) && !with.contains("'type'");
        } catch (JinjaException e) {
            return false;
        }
    }

    private boolean prints(String words, List<Message> messages, boolean parts) {
        try {
            return template.render(variables(messages, true, parts)).contains(words);
        } catch (JinjaException e) {
            return false;
        }
    }

    private Map<String, Object> variables(List<Message> messages, boolean addGenerationPrompt, boolean parts) {
        Map<String, Object> variables = new HashMap<>(specialTokens);
        List<Map<String, Object>> all = new ArrayList<>(messages.size());
        for (Message message : messages) {
            boolean list = parts || message.hasPictures();
            Object content = list ? message.parts().stream().map(ChatTemplate::part).toList() : text(message);
            all.add(Map.of("role", message.role(), "content", content));
        }
        variables.put("messages", all);
        variables.put("add_generation_prompt", addGenerationPrompt);
        variables.put("tools", null);
        variables.put("documents", null);
        variables.put("strftime_now", Strftime.now(clock));
        return variables;
    }

    private static Map<String, Object> part(Part part) {
        return switch (part) {
            case Part.Text text -> Map.of("type", "text", "text", text.text());
            case Part.Image image -> Map.of("type", "image");
            case Part.Video video -> Map.of("type", "video");
        };
    }

    private static String text(Message message) {
        StringBuilder text = new StringBuilder();
        for (Part part : message.parts()) if (part instanceof Part.Text words) text.append(words.text());
        return text.toString();
    }

    private TemplateException failure(JinjaException e) {
        String place = e.line() > 0 ? " at line " + e.line() : "";
        String what = e.isRaised() ? " rejects these messages: " : " fails" + place + ": ";
        return new TemplateException("the chat template of " + file + what + e.getMessage(), e);
    }
}
