package dev.winnow.runtime;

import dev.winnow.runtime.models.PicturePrompt;
import dev.winnow.runtime.models.VisionLanguageModel;
import dev.winnow.runtime.models.VisionLanguageModel.Image;
import dev.winnow.runtime.text.ChatTemplate;
import dev.winnow.runtime.text.Message;
import dev.winnow.runtime.text.Part;
import dev.winnow.runtime.text.Tokenizer;
import dev.winnow.weights.ModelDirectory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Words, pictures and films to token ids, as the model's template wants them. */
record Prompting(Tokenizer tokenizer, Optional<ChatTemplate> template) {
    /** What users of any model may write where a picture or a film stands. */
    private static final String PICTURE = "<image>";
    private static final String FILM = "<video>";

    static Prompting of(ModelDirectory directory) {
        return new Prompting(Tokenizer.open(directory), ChatTemplate.load(directory));
    }

    /** Ids of a request to a language model. A template writes all special tokens itself; a plain prompt gets those of the tokenizer. */
    int[] ids(Request request) {
        if (request.ids() == null) {
            requireWords(request);
            return template.isEmpty() || request.verbatim() ? encode(request.prompt())
                    : tokenizer.encode(template.get().render(List.of(Message.of("user", request.prompt())), true), false);
        }
        if (request.ids().length == 0) throw new RequestException("the prompt is empty");
        return request.ids();
    }

    /**
     * Ids of a request, with as many placeholders for each picture and film as it has tokens. They come before what is given as ids.
     *
     * @param seen pictures, then films
     */
    int[] ids(Request request, VisionLanguageModel model, List<Image> seen) {
        if (seen.isEmpty()) {
            if (request.ids() == null) requireWords(request);
            else if (request.ids().length == 0) throw new RequestException("the prompt is empty");
            int[] ids = request.ids() != null ? request.ids() : encode(templated(request, List.of(new Part.Text(request.prompt()))));
            requireAll("image", count(ids, model.imageToken()), 0);
            if (model.films() != null) requireAll("video", count(ids, model.films().token()), 0);
            return ids;
        }
        List<Image> pictures = seen.stream().filter(image -> !image.isFilm()).toList();
        List<Image> films = seen.stream().filter(Image::isFilm).toList();
        if (request.ids() == null) {
            requireWords(request);
            return placed(text(request, model, pictures.size(), films.size()), model, pictures, films);
        }
        int[] places = placed("", model, pictures, films);
        int[] all = Arrays.copyOf(places, places.length + request.ids().length);
        System.arraycopy(request.ids(), 0, all, places.length, request.ids().length);
        return all;
    }

    private static void requireWords(Request request) {
        if (request.prompt().isBlank()) throw new RequestException("the prompt is empty");
    }

    private int[] placed(String text, VisionLanguageModel model, List<Image> pictures, List<Image> films) {
        List<List<Integer>> places = pictures.stream().map(model::places).toList();
        String token = token(model);
        return switch (model.prompt()) {
            case PicturePrompt.Repeated p -> repeated(text, p, model, pictures, films);
            case PicturePrompt.InFront p -> {
                String begin = tokenizer.decode(tokenizer.encode("", true), false);
                String marked = text.contains(token) ? text : token.repeat(pictures.size()) + text;
                String[] parts = marked.split(Pattern.quote(token), -1);
                requireAll("image", parts.length - 1, pictures.size());
                StringBuilder written = new StringBuilder();
                for (int i = 0; i < pictures.size(); i++) written.append(parts[i]).append(token.repeat(places.get(i).getFirst()));
                yield tokenizer.encode(written + begin + parts[pictures.size()] + "\n", false);
            }
            case PicturePrompt.Written p -> {
                String[] parts = text.split(Pattern.quote(p.mark(token)), -1);
                if (parts.length == 1) parts = (p.mark(token).repeat(pictures.size()) + text).split(Pattern.quote(p.mark(token)), -1);
                requireAll("image", parts.length - 1, pictures.size());
                StringBuilder written = new StringBuilder(parts[0]);
                for (int i = 0; i < pictures.size(); i++) {
                    written.append(p.text(pictures.get(i), places.get(i), token)).append(parts[i + 1]);
                }
                yield encode(written.toString());
            }
        };
    }

    private String token(VisionLanguageModel model) {
        return tokenizer.decode(new int[] {model.imageToken()}, false);
    }

    private String filmToken(VisionLanguageModel model) {
        return tokenizer.decode(new int[] {model.films().token()}, false);
    }

    /** What a template or the user makes of the words, with a mark for each picture and film where they say so. */
    private String text(Request request, VisionLanguageModel model, int pictures, int films) {
        if (request.verbatim() || template.isEmpty()) return request.prompt();
        String mark = model.prompt() instanceof PicturePrompt.Written p ? p.mark(token(model)) : token(model);
        String filmMark = films == 0 ? FILM : filmToken(model);
        List<Part> parts = parts(request.prompt(), mark, filmMark, pictures, films);
        if (template.get().placesPictures()) return templated(request, parts);
        // a template for words alone: the marks are words
        StringBuilder words = new StringBuilder();
        for (Part part : parts) {
            words.append(switch (part) {
                case Part.Text text -> text.text();
                case Part.Image image -> alone(model, mark);
                case Part.Video video -> alone(model, filmMark);
            });
        }
        return templated(request, List.of(new Part.Text(words.toString())));
    }

    private static String alone(VisionLanguageModel model, String mark) {
        return model.prompt() instanceof PicturePrompt.Repeated p ? p.before() + mark + p.after() : mark;
    }

    private String templated(Request request, List<Part> parts) {
        if (request.verbatim() || template.isEmpty()) return request.prompt();
        return template.get().render(List.of(new Message("user", parts)), true);
    }

    /** The words cut where pictures and films stand; those that stand nowhere come first. */
    private static List<Part> parts(String words, String mark, String filmMark, int pictures, int films) {
        List<Part> parts = new ArrayList<>();
        Pattern marks = Pattern.compile("(" + Pattern.quote(mark) + "|" + PICTURE + ")|(" + Pattern.quote(filmMark) + "|" + FILM + ")");
        Matcher at = marks.matcher(words);
        int from = 0;
        int placed = 0;
        int placedFilms = 0;
        while (at.find()) {
            boolean film = at.group(2) != null;
            // without films <video> is a word like any other, and without pictures <image>
            if (film ? films == 0 : pictures == 0) continue;
            if (at.start() > from) parts.add(new Part.Text(words.substring(from, at.start())));
            parts.add(film ? new Part.Video() : new Part.Image());
            from = at.end();
            if (film) placedFilms++;
            else placed++;
        }
        if (from < words.length()) parts.add(new Part.Text(words.substring(from)));
        if (placedFilms > 0) requireAll("video", placedFilms, films);
        else parts.addAll(0, Collections.nCopies(films, new Part.Video()));
        if (placed > 0) requireAll("image", placed, pictures);
        else parts.addAll(0, Collections.nCopies(pictures, new Part.Image()));
        return parts;
    }

    private int[] repeated(String text, PicturePrompt.Repeated prompt, VisionLanguageModel model, List<Image> pictures, List<Image> films) {
        String whole = text;
        int[] ids = encode(whole);
        // neither the user nor the template said where: they come first, as models are trained
        if (!films.isEmpty() && count(ids, model.films().token()) == 0) {
            whole = (prompt.before() + filmToken(model) + prompt.after()).repeat(films.size()) + whole;
        }
        if (!pictures.isEmpty() && count(ids, model.imageToken()) == 0) {
            whole = (prompt.before() + token(model) + prompt.after()).repeat(pictures.size()) + whole;
        }
        ids = encode(whole);
        requireAll("image", count(ids, model.imageToken()), pictures.size());
        if (model.films() != null) requireAll("video", count(ids, model.films().token()), films.size());
        int[] each = pictures.stream().mapToInt(image -> places(model, image)).toArray();
        int[] eachFilm = films.stream().mapToInt(film -> places(model, film)).toArray();
        int[] expanded = new int[ids.length + Arrays.stream(each).sum() - each.length + Arrays.stream(eachFilm).sum() - eachFilm.length];
        int n = 0;
        int image = 0;
        int film = 0;
        for (int id : ids) {
            int copies = id == model.imageToken() ? each[image++] : model.isFilmPlace(id) ? eachFilm[film++] : 1;
            Arrays.fill(expanded, n, n + copies, id);
            n += copies;
        }
        return expanded;
    }

    private static int places(VisionLanguageModel model, Image image) {
        return model.places(image).stream().mapToInt(n -> n).sum();
    }

    private static void requireAll(String what, int places, int given) {
        if (places == given) return;
        String article = what.equals("image") ? "an " : "a ";
        throw new RequestException("the prompt has " + places + (places == 1 ? " place for " + article + what : " places for " + what + "s")
                + ", but there " + (given == 1 ? "is 1 " + what : "are " + given + " " + what + "s"));
    }

    /** A text with what the tokenizer puts around it, unless it begins so already. */
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
