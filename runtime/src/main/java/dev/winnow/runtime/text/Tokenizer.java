package dev.winnow.runtime.text;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.ModelDirectory;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.LongFunction;
import java.util.stream.Stream;

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
     * Opens the tokenizer of a model: its {@code tokenizer.json}, else {@code vocab.json} and {@code merges.txt}, in either case with what
     * {@code tokenizer_config.json} says beside it.
     *
     * @throws CheckpointException   when the directory has none of these, or files that cannot be used
     * @throws IllegalStateException when the native library cannot be loaded on this machine
     */
    public static Tokenizer open(ModelDirectory dir) {
        Path path = dir.path().resolve(FILE);
        TokenizerConfig config = TokenizerConfig.of(dir);
        boolean whole = Files.exists(path);
        String json = whole ? read(path) : bytePairs(dir, config);
        String file = whole ? path.toString() : dir.path().resolve(BytePairFiles.VOCABULARY).toString();
        Tokenizer tokenizer = parse(json, file);
        try {
            Optional<String> over = config.over(json, tokenizer.vocabulary, tokenizer.encode("", true));
            if (over.isEmpty()) return tokenizer;
            Vocabulary known = tokenizer.vocabulary;
            List<AddedToken> missing = config.missing(known).stream().filter(token -> known.id(token.content()).isEmpty()).toList();
            Tokenizer better = parse(over.get(), file);
            tokenizer.close();
            tokenizer = better;
            tokenizer.requireIds(missing);
            return tokenizer;
        } catch (RuntimeException e) {
            tokenizer.close();
            throw e;
        }
    }

    /** The native side gives added tokens ids of its own where those they should have are not free. */
    private void requireIds(List<AddedToken> tokens) {
        for (AddedToken token : tokens) {
            int[] ids = encode(token.content(), false);
            if (ids.length == 1 && ids[0] == token.id()) continue;
            throw new CheckpointException(TokenizerConfig.FILE + " gives the token '" + token.content() + "' the id " + token.id()
                    + ", but " + file + " makes it " + Arrays.toString(ids));
        }
    }

    private static String bytePairs(ModelDirectory dir, TokenizerConfig config) {
        Path vocabulary = dir.path().resolve(BytePairFiles.VOCABULARY);
        Path merges = dir.path().resolve(BytePairFiles.MERGES);
        if (!Files.exists(vocabulary) || !Files.exists(merges)) throw missing(dir);
        BytePairFiles kind = BytePairFiles.of(config.tokenizerClass(), dir.config().string("model_type", ""), dir.path().toString());
        String begin = config.begin() == null ? kind.begin : config.begin();
        String end = config.end() == null ? kind.end : config.end();
        List<AddedToken> special = new ArrayList<>();
        dir.optional("added_tokens.json").ifPresent(all -> {
            for (String token : all.keys()) special.add(AddedToken.special(all.integer(token), token));
        });
        special.removeIf(token -> config.added().stream().anyMatch(a -> a.content().equals(token.content())));
        special.addAll(config.added());
        for (String token : Arrays.asList(begin, end)) {
            if (token != null && special.stream().noneMatch(a -> a.content().equals(token))) special.add(AddedToken.special(-1, token));
        }
        special.sort(Comparator.comparingInt(token -> token.id() < 0 ? Integer.MAX_VALUE : token.id()));
        return kind.json(read(vocabulary), read(merges), special, begin, end);
    }

    private static CheckpointException missing(ModelDirectory dir) {
        List<String> others = Stream.of("tokenizer.model", "spiece.model", "tekken.json", "vocab.txt")
                .filter(name -> Files.exists(dir.path().resolve(name))).toList();
        if (others.isEmpty()) {
            return new CheckpointException(dir.path() + " has no tokenizer.json, which Winnow needs to turn text into tokens");
        }
        return new CheckpointException(dir.path() + " has a " + others.getFirst() + " but no tokenizer.json, which Winnow needs to turn text"
                + " into tokens; AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR) of transformers converts it");
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
