package dev.winnow.runtime.text;

import java.util.Arrays;

/**
 * Turns ids into text one at a time. What {@link #next} and {@link #finish} return, put together, is what
 * {@link Tokenizer#decode} makes of all the ids at once.
 *
 * <p>A token cannot be decoded alone: decoders drop the space before the first word, and a character may be spread over several
 * tokens. So each step decodes a short window: some tokens whose text is out already, for context, and the new ones. Text is held
 * back in two cases. A last character U+FFFD may be the beginning of a character whose other bytes are to come. And byte tokens
 * ({@code <0x0A>}) in a row are one piece for the decoder, which replaces all of them when one turns out wrong, so none is given
 * out before a token of another kind follows. The idea of the two offsets is that of Hugging Face's text-generation-inference
 * ({@code decode_token}); the rules for what is final are our own.
 *
 * <p>For one thread at a time. It does not own the tokenizer.
 */
public final class TokenStream {
    /** The window is cut back to {@link #CONTEXT} tokens when it grows longer than this. */
    private static final int LONGEST_WINDOW = 24;
    /** A character has at most four bytes and a token at least one: four tokens would do; more keep odd decoders in step. */
    private static final int CONTEXT = 8;

    private final Tokenizer tokenizer;
    private final boolean skipSpecial;
    private int[] window = new int[LONGEST_WINDOW + 1];
    private int length;
    /** How much of the window's text is out, in chars. */
    private int emitted;

    public TokenStream(Tokenizer tokenizer, boolean skipSpecial) {
        this.tokenizer = tokenizer;
        this.skipSpecial = skipSpecial;
    }

    /** The text that the id completes; empty when its characters are unfinished or it has no text. */
    public String next(int id) {
        Vocabulary vocabulary = tokenizer.vocabulary();
        // the decoder never sees these: they are no context, and bytes before and after them are in a row
        if (skipSpecial && vocabulary.isSpecial(id)) return "";
        if (!vocabulary.knows(id) && tokenizer.decode(new int[] {id}, false).isEmpty()) return "";
        if (length == window.length) window = Arrays.copyOf(window, length * 2);
        window[length++] = id;
        if (vocabulary.isByte(id)) return "";
        String text = decode(0);
        String piece = emit(text, text.endsWith("\uFFFD") ? text.length() - 1 : text.length());
        if (length > LONGEST_WINDOW) cut(text);
        return piece;
    }

    /** What is still held back. After this the stream starts anew, for another sequence of ids. */
    public String finish() {
        String text = decode(0);
        String piece = emit(text, text.length());
        length = 0;
        emitted = 0;
        return piece;
    }

    private String emit(String text, int end) {
        if (end <= emitted) return "";
        String piece = text.substring(emitted, end);
        emitted = end;
        return piece;
    }

    private void cut(String text) {
        int held = text.length() - emitted;
        String context = decode(length - CONTEXT);
        // a context without text would not shield the next token from being taken for the first one
        if (context.length() <= held) return;
        System.arraycopy(window, length - CONTEXT, window, 0, CONTEXT);
        length = CONTEXT;
        emitted = context.length() - held;
    }

    private String decode(int from) {
        return tokenizer.decode(window, from, length, skipSpecial);
    }
}
