package dev.winnow.runtime;

import dev.winnow.runtime.text.ChatTemplate;
import dev.winnow.runtime.text.Message;
import dev.winnow.runtime.text.Tokenizer;
import dev.winnow.weights.ModelDirectory;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Words and pictures to token ids, as the model's template wants them. */
record Prompting(Tokenizer tokenizer, Optional<ChatTemplate> template) {

    static Prompting of(ModelDirectory directory) {
        return new Prompting(Tokenizer.open(directory), ChatTemplate.load(directory));
    }

    /**
     * Ids of a request, with as many placeholders per image as it has tokens.
     *
     * @param imageToken id of the placeholder, or -1 for a model without images
     */
    int[] ids(Request request, int imageToken, int tokensPerImage) {
        int images = request.images().size();
        int[] ids = request.ids() == null ? words(request, imageToken) : request.ids();
        if (ids.length == 0) throw new RequestException("the prompt is empty");
        if (request.ids() != null && images > 0 && count(ids, imageToken) == 0) ids = behind(images, imageToken, ids);
        int places = imageToken < 0 ? 0 : count(ids, imageToken);
        if (places != images) {
            throw new RequestException("the prompt has " + places + (places == 1 ? " place for an image" : " places for images") + ", but there "
                    + (images == 1 ? "is 1 image" : "are " + images + " images"));
        }
        int[] expanded = new int[ids.length + images * (tokensPerImage - 1)];
        int n = 0;
        for (int id : ids) {
            int copies = id == imageToken ? tokensPerImage : 1;
            Arrays.fill(expanded, n, n + copies, id);
            n += copies;
        }
        return expanded;
    }

    private int[] words(Request request, int imageToken) {
        if (request.prompt().isBlank()) throw new RequestException("the prompt is empty");
        int images = request.images().size();
        String text = request.prompt();
        if (!request.verbatim() && template.isPresent()) {
            text = template.get().render(List.of(Message.user(request.prompt(), images)), true);
        }
        int[] ids = encode(text);
        if (images == 0 || count(ids, imageToken) > 0) return ids;
        // neither the user nor the template said where: pictures come first, as models are trained
        return encode((tokenizer.decode(new int[] {imageToken}, false) + "\n").repeat(images) + text);
    }

    private static int[] behind(int images, int imageToken, int[] ids) {
        int[] all = new int[images + ids.length];
        Arrays.fill(all, 0, images, imageToken);
        System.arraycopy(ids, 0, all, images, ids.length);
        return all;
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
