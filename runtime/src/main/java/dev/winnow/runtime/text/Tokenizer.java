package dev.winnow.runtime.text;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.ModelDirectory;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.LongFunction;

/**
 * Text to token ids and back, as the {@code tokenizer.json} of a model says. The work is done by Hugging Face's own
 * <a href="https://github.com/huggingface/tokenizers">tokenizers</a>, so ids agree with theirs for every kind of tokenizer.
 * Truncation and padding that the file may ask for are turned off: a prompt is never cut or filled up silently.
 *
 * <p>Like {@code tokenizers} and unlike {@code transformers}, decoding does not apply {@code clean_up_tokenization_spaces}.
 *
 * <p>Safe for use by many threads. Holds native memory: close it.
 */
public final class Tokenizer implements AutoCloseable {
    /** The name of the file that defines a tokenizer. */
    static final String FILE = "tokenizer.json";

    private static final long LARGEST_FILE = 256L << 20;

    private final TokenizersLibrary library;
    private final String file;
    private final Vocabulary vocabulary;
    // native calls hold the read lock, so that closing cannot free memory that one of them is using
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
    private long handle;

    private Tokenizer(TokenizersLibrary library, long handle, Vocabulary vocabulary, String file) {
        this.library = library;
        this.handle = handle;
        this.vocabulary = vocabulary;
        this.file = file;
    }

    /**
     * Opens the tokenizer of a model.
     *
     * @throws CheckpointException   when the directory has no {@code tokenizer.json}, or one that cannot be used
     * @throws IllegalStateException when the native library cannot be loaded on this machine
     */
    public static Tokenizer open(ModelDirectory dir) {
        Path path = dir.path().resolve(FILE);
        if (!Files.exists(path)) {
            throw new CheckpointException(dir.path() + " has no tokenizer.json, which Winnow needs to turn text into tokens");
        }
        return parse(read(path), path.toString());
    }

    /** A tokenizer from the text of a tokenizer.json; {@code file} is how messages call it. */
    static Tokenizer parse(String json, String file) {
        NativeHazards.check(json, file);
        TokenizersLibrary library = NativeTokenizers.library();
        // both readings of a large file take a good part of a second
        CompletableFuture<Vocabulary> vocabulary = CompletableFuture.supplyAsync(() -> Vocabulary.parse(json, file));
        long handle;
        try {
            handle = library.createTokenizerFromString(json);
        } catch (RuntimeException e) {
            throw new CheckpointException(file + " is not a valid tokenizer: " + e.getMessage(), e);
        }
        try {
            library.disableTruncation(handle);
            library.disablePadding(handle);
            return new Tokenizer(library, handle, vocabulary.join(), file);
        } catch (CompletionException e) {
            library.deleteTokenizer(handle);
            throw e.getCause() instanceof CheckpointException known ? known : e;
        }
    }

    private static String read(Path path) {
        try {
            if (Files.size(path) > LARGEST_FILE) throw new CheckpointException(path + " is over " + LARGEST_FILE + " bytes");
            return Files.readString(path);
        } catch (CharacterCodingException e) {
            throw new CheckpointException(path + " is not UTF-8", e);
        } catch (IOException e) {
            throw new CheckpointException(path + " cannot be read: " + e.getMessage(), e);
        }
    }

    /**
     * The ids of a text. Special tokens written in the text, such as {@code <image>}, are recognised.
     *
     * @param addSpecialTokens whether to add what the tokenizer puts around a sequence, such as {@code <s>}; a prompt made by a
     *                         {@link ChatTemplate} usually holds these already
     */
    public int[] encode(String text, boolean addSpecialTokens) {
        // a lone surrogate has no UTF-8 form; this way around it becomes a question mark instead of mangling the whole text
        String valid = new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
        return withHandle(tokenizer -> {
            long encoding;
            try {
                encoding = library.encode(tokenizer, valid, addSpecialTokens);
            } catch (RuntimeException e) {
                throw new CheckpointException(file + " cannot encode this text: " + e.getMessage(), e);
            }
            try {
                return ids(library.getTokenIds(encoding));
            } finally {
                library.deleteEncoding(encoding);
            }
        });
    }

    /** The text of ids. Ids that no token has are left out, as are special tokens where asked for. */
    public String decode(int[] ids, boolean skipSpecialTokens) {
        return decode(ids, 0, ids.length, skipSpecialTokens);
    }

    String decode(int[] ids, int from, int to, boolean skipSpecialTokens) {
        long[] wide = new long[to - from];
        // an id outside the unsigned 32 bits of the native side would wrap around to another one
        for (int i = from; i < to; i++) wide[i - from] = Math.max(ids[i], -1);
        return withHandle(tokenizer -> library.decode(tokenizer, wide, skipSpecialTokens));
    }

    /** The id of exactly this token of the vocabulary, in the spelling of tokenizer.json ("Ġthe", "<image>"). */
    public OptionalInt id(String token) {
        return vocabulary.id(token);
    }

    /** One more than the highest id of a token. The logits of a model may be wider. */
    public int vocabularySize() {
        return vocabulary.size();
    }

    private <T> T withHandle(LongFunction<T> call) {
        lock.readLock().lock();
        try {
            if (handle == 0) throw new IllegalStateException("the tokenizer of " + file + " is closed");
            return call.apply(handle);
        } finally {
            lock.readLock().unlock();
        }
    }

    private int[] ids(long[] wide) {
        int[] ids = new int[wide.length];
        for (int i = 0; i < ids.length; i++) {
            // only a damaged file gives such ids to its special tokens
            if (wide[i] > Integer.MAX_VALUE) throw new CheckpointException(file + " uses the impossible token id " + wide[i]);
            ids[i] = (int) wide[i];
        }
        return ids;
    }

    Vocabulary vocabulary() {
        return vocabulary;
    }

    /** Frees the native memory. Closing twice is fine; using a closed tokenizer is an IllegalStateException. */
    @Override
    public void close() {
        lock.writeLock().lock();
        try {
            if (handle != 0) library.deleteTokenizer(handle);
            handle = 0;
        } finally {
            lock.writeLock().unlock();
        }
    }
}
