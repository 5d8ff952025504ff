package dev.winnow.runtime.eval.questions;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.weights.Quoted;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

/**
 * WebDataset (format at github.com/webdataset/webdataset, "The WebDataset Format"): tar files in which consecutive entries of one name up
 * to its first dot make a sample. Pictures (jpg, png, ...; of several in one sample in their order) stay in the tar and are read from
 * their place in it; {@code json} is an object with the fields of {@link QuestionRecord}; {@code cls} is a class counted from 0;
 * {@code txt} is the reference text of a picture that has no other words; other parts are ignored. The id is the name, with the file's
 * in front of it where there are several. Compressed tars are refused: pictures in them have no place to be read from.
 *
 * <p>Names in a tar are never used as paths. Texts are of bounded size, and a tar of nothing but headers ends with an error.
 */
final class WebDataset {
    private static final int LARGEST_TEXT = 16 << 20;
    private static final int LARGEST_PICTURE = 512 << 20;
    private static final int MOST_ENTRIES = 50_000_000;

    /** Parts of one sample as they come. */
    private static final class Sample {
        final String key;
        final List<Picture> pictures = new ArrayList<>();
        ObjectNode fields = JsonText.MAPPER.createObjectNode();
        String text;

        Sample(String key) {
            this.key = key;
        }
    }

    private final Path tar;
    private final String prefix;
    private final QuestionCollector into;
    private Sample sample;

    private WebDataset(Path tar, String prefix, QuestionCollector into) {
        this.tar = tar;
        this.prefix = prefix;
        this.into = into;
    }

    static void read(List<Path> tars, QuestionCollector into) {
        for (Path tar : tars) new WebDataset(tar, tars.size() == 1 ? "" : tar.getFileName() + "/", into).read();
    }

    private void read() {
        try (FileChannel file = FileChannel.open(tar, StandardOpenOption.READ);
             TarArchiveInputStream in = new TarArchiveInputStream(Channels.newInputStream(file), StandardCharsets.UTF_8.name())) {
            int entries = 0;
            for (TarArchiveEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
                if (++entries > MOST_ENTRIES) {
                    throw new QuestionsException(tar.getFileName() + ": has more than " + MOST_ENTRIES + " entries");
                }
                // headers are read record by record with nothing buffered, so the file stands where the entry's bytes begin
                if (entry.isFile() && !entry.isLink() && !entry.isSymbolicLink()) part(entry, in, file.position(), file.size());
            }
            finish();
        } catch (IOException | IllegalArgumentException | OutOfMemoryError e) {
            String why = Quoted.plain(String.valueOf(e.getMessage()));
            throw new QuestionsException(tar.getFileName() + ": is damaged or not a tar file (" + why + ")", e);
        }
    }

    private void part(TarArchiveEntry entry, TarArchiveInputStream in, long at, long fileSize) throws IOException {
        String name = entry.getName();
        int dot = name.indexOf('.', name.lastIndexOf('/') + 1);
        String base = name.substring(name.lastIndexOf('/') + 1);
        if (dot < 0 || base.startsWith(".")) return;
        String key = name.substring(0, dot);
        String ending = name.substring(dot + 1).toLowerCase(Locale.ROOT);
        if (sample == null || !sample.key.equals(key)) {
            finish();
            sample = new Sample(key);
        }
        if (PictureFiles.isPicture(name)) {
            sample.pictures.add(picture(entry, at, fileSize));
        } else if (ending.equals("json")) {
            sample.fields = object(text(entry, in), where(name));
        } else if (ending.equals("txt")) {
            sample.text = text(entry, in).strip();
        } else if (ending.equals("cls") || ending.equals("cls.txt")) {
            sample.fields.put("label", label(text(entry, in).strip(), where(name)));
        }
    }

    private Picture picture(TarArchiveEntry entry, long at, long fileSize) {
        String where = where(entry.getName());
        long size = entry.getSize();
        if (entry.isSparse()) throw new QuestionsException(where + ": is stored with holes, which is not supported");
        if (size > LARGEST_PICTURE) throw new QuestionsException(where + ": is over the limit of " + LARGEST_PICTURE + " bytes");
        if (at + size > fileSize) throw new QuestionsException(where + ": ends after the end of the file");
        return new Picture.InArchive(where, tar, at, (int) size);
    }

    private String text(TarArchiveEntry entry, TarArchiveInputStream in) throws IOException {
        if (entry.getSize() > LARGEST_TEXT) {
            throw new QuestionsException(where(entry.getName()) + ": is over the limit of " + LARGEST_TEXT + " bytes");
        }
        byte[] bytes = in.readNBytes(LARGEST_TEXT);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw new QuestionsException(where(entry.getName()) + ": is not valid UTF-8", e);
        }
    }

    /** The object of a sample, with what was found before it. */
    private ObjectNode object(String text, String where) {
        ObjectNode object = (ObjectNode) JsonText.object(text, where).node();
        object.setAll(sample.fields);
        return object;
    }

    private static int label(String text, String where) {
        if (text.matches("[0-9]{1,9}")) return Integer.parseInt(text);
        throw new QuestionsException(where + ": the label should be a whole number from 0 but is " + Quoted.name(text));
    }

    private void finish() {
        if (sample == null || sample.pictures.isEmpty() && sample.fields.isEmpty() && sample.text == null) return;
        Fields fields = new Fields(sample.fields, where(sample.key));
        boolean wordless = !fields.has("question") && !fields.has("prompt") && !fields.has("label") && !fields.has("reference");
        if (wordless && sample.text != null) sample.fields.put("reference", sample.text);
        into.add(QuestionRecord.of(fields, prefix + sample.key, sample.pictures), fields.where());
    }

    private String where(String name) {
        return tar.getFileName() + " entry " + Quoted.plain(name);
    }
}
