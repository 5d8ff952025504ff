package dev.winnow.runtime;

import dev.winnow.runtime.models.PicturePrompt;
import dev.winnow.runtime.models.VisionLanguageModel;
import dev.winnow.runtime.text.ChatTemplate;
import dev.winnow.runtime.text.Message;
import dev.winnow.runtime.text.Tokenizer;
import dev.winnow.weights.ModelDirectory;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** Words and pictures to token ids, as the model's template wants them. */
record Prompting(Tokenizer tokenizer, Optional<ChatTemplate> template) {

    static Prompting of(ModelDirectory directory) {
        return new Prompting(Tokenizer.open(directory), ChatTemplate.load(directory));
    }

    /** Ids of a request without pictures. */
    int[] ids(Request request) {
        if (request.ids() == null) return encode(text(request));
        if (request.ids().length == 0) throw new RequestException("the prompt is empty");
        return request.ids();
    }

    /** Ids of a request, with as many placeholders for each picture as it has tokens. Pictures come before what is given as ids. */
    int[] ids(Request request, VisionLanguageModel model, List<VisionLanguageModel.Image> images) {
        if (images.isEmpty()) {
            int[] ids = ids(request);
            requireAll(count(ids, model.imageToken()), 0);
            return ids;
        }
        if (request.ids() == null) return pictured(text(request), model, images);
        int[] pictures = pictured("", model, images);
        int[] all = Arrays.copyOf(pictures, pictures.length + request.ids().length);
        System.arraycopy(request.ids(), 0, all, pictures.length, request.ids().length);
        return all;
    }

    private int[] pictured(String text, VisionLanguageModel model, List<VisionLanguageModel.Image> images) {
        List<List<Integer>> places = images.stream().map(model::places).toList();
        String token = tokenizer.decode(new int[] {model.imageToken()}, false);
        return switch (model.prompt()) {
            case PicturePrompt.Repeated p -> repeated(text, token, model.imageToken(), places);
            case PicturePrompt.InFront p -> {
                int all = places.stream().flatMap(List::stream).mapToInt(n -> n).sum();
                int[] begin = tokenizer.encode("", true);
                yield tokenizer.encode(token.repeat(all) + tokenizer.decode(begin, false) + text + "\n", false);
            }
            case PicturePrompt.Written p -> {
                String[] parts = text.split(Pattern.quote(p.mark(token)), -1);
                if (parts.length == 1) parts = (p.mark(token).repeat(images.size()) + text).split(Pattern.quote(p.mark(token)), -1);
                requireAll(parts.length - 1, images.size());
                StringBuilder written = new StringBuilder(parts[0]);
                for (int i = 0; i < images.size(); i++) written.append(p.text(images.get(i), places.get(i), token)).append(parts[i + 1]);
                yield encode(written.toString());
            }
        };
    }

    private String text(Request request) {
        if (request.prompt().isBlank()) throw new RequestException("the prompt is empty");
        if (request.verbatim() || template.isEmpty()) return request.prompt();
        return template.get().render(List.of(Message.user(request.prompt(), request.images().size())), true);
    }

    private int[] repeated(String text, String token, int imageToken, List<List<Integer>> places) {
        int[] ids = encode(text);
        if (count(ids, imageToken) == 0) {
            // neither the user nor the template said where: pictures come first, as models are trained
            ids = encode((token + "\n").repeat(places.size()) + text);
        }
        requireAll(count(ids, imageToken), places.size());
        List<Integer> each = places.stream().map(p -> p.stream().mapToInt(n -> n).sum()).toList();
        int[] expanded = new int[ids.length + each.stream().mapToInt(n -> n - 1).sum()];
        int n = 0;
        int image = 0;
        for (int id : ids) {
            int copies = id == imageToken ? each.get(image++) : 1;
            Arrays.fill(expanded, n, n + copies, id);
            n += copies;
        }
        return expanded;
    }

    private static void requireAll(int places, int images) {
        if (places == images) return;
        throw new RequestException("the prompt has " + places + (places == 1 ? " place for an image" : " places for images")
                + ", but there " + (images == 1 ? "is 1 image" : "are " + images + " images"));
    }

    private int[] encode(String text) {
        int[] ids = tokenizer.encode(text, true);
        // a template may write the beginning-of-sequence token that the tokenizer adds too
        if (ids.length < 2 || ids[0] != ids[1]) return ids;
        int[] added = tokenizer.encode("", true);
        return added.length > 0 && added[0] == ids[0] ? Arrays.copyOfRange(ids, 1, ids.length) : ids;
    }

    private static int count(int[] ids, int id) {
        return (int) Arrays.stream(ids).filter(i -> i == id).count();
    }
}
