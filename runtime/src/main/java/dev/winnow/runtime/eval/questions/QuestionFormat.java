package dev.winnow.runtime.eval.questions;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The formats that questions come in, told apart by what is in the files rather than by their names. */
enum QuestionFormat {
    JSON_LINES("JSON lines"),
    JSON_ARRAY("an array of JSON objects"),
    LABELS("labels in CSV"),
    VQA("VQA questions"),
    TEXTVQA("TextVQA"),
    GQA("GQA"),
    POPE("POPE"),
    MME("MME"),
    IMAGE_FOLDER("a folder of pictures per class"),
    WEBDATASET("WebDataset"),
    PARQUET("Parquet");

    /** A format and the files that hold it; one folder for the formats that are folders. */
    record Found(QuestionFormat format, List<Path> files) {}

    private static final int TAR_MAGIC = 257;
    private static final int HEAD = 4096;
    private static final List<String> SPLITS = List.of("train", "val", "valid", "validation", "test");

    private final String words;

    QuestionFormat(String words) {
        this.words = words;
    }

    /** In words, for reports. */
    String words() {
        return words;
    }

    static Found of(Path path) {
        return Files.isDirectory(path) ? inFolder(path) : inFile(path);
    }

    private static Found inFolder(Path folder) {
        for (String name : List.of("qa.jsonl", "questions.jsonl", "metadata.jsonl", "labels.csv")) {
            if (Files.isRegularFile(folder.resolve(name))) return inFile(folder.resolve(name));
        }
        for (String ending : List.of("parquet", "tar")) {
            Path data = folder.resolve("data");
            List<Path> files = PictureFiles.files(folder, ending);
            if (files.isEmpty() && Files.isDirectory(data)) files = PictureFiles.files(data, ending);
            if (!files.isEmpty()) return new Found(ending.equals("tar") ? WEBDATASET : PARQUET, files);
        }
        List<Path> json = Stream.concat(PictureFiles.files(folder, "jsonl").stream(), PictureFiles.files(folder, "json").stream())
                .filter(f -> !f.getFileName().toString().endsWith("annotations.json")).toList();
        if (json.size() == 1) return inFile(json.getFirst());
        if (json.size() > 1) {
            throw new QuestionsException(folder + ": holds " + json.size() + " JSON files, such as " + json.getFirst().getFileName()
                    + "; name the one to read");
        }
        if (Mme.isAt(folder)) return new Found(MME, List.of(folder));
        return new Found(IMAGE_FOLDER, List.of(classesAt(folder)));
    }

    private static Path classesAt(Path folder) {
        List<Path> folders = PictureFiles.folders(folder);
        boolean splits = !folders.isEmpty() && folders.stream().allMatch(f -> SPLITS.contains(f.getFileName().toString())
                && PictureFiles.pictures(f).isEmpty());
        if (splits) {
            throw new QuestionsException(folder + ": holds the splits of a set; name one, such as " + folders.getFirst().getFileName());
        }
        if (folders.stream().noneMatch(f -> !PictureFiles.allPictures(f).isEmpty())) {
            throw new QuestionsException(folder + ": holds no questions in a known format (qa.jsonl, labels.csv, JSON of VQA, TextVQA, GQA"
                    + " or POPE, texts and pictures of MME, tar, Parquet, or a folder of pictures per class)");
        }
        return folder;
    }

    private static Found inFile(Path file) {
        byte[] head = head(file);
        String start = new String(head, StandardCharsets.ISO_8859_1);
        String name = file.getFileName().toString();
        if (start.startsWith("PAR1")) return new Found(PARQUET, List.of(file));
        if (start.startsWith("ustar", TAR_MAGIC) || name.endsWith(".tar")) return new Found(WEBDATASET, List.of(file));
        if (start.startsWith("\u001f\u008b") || start.startsWith("PK\u0003\u0004") || start.startsWith("(\u00b5/\u00fd")) {
            throw new QuestionsException(name + ": is compressed; unpack it first");
        }
        if (name.endsWith(".csv")) return new Found(LABELS, List.of(file));
        String text = start.replaceFirst("^\u00ef\u00bb\u00bf", "").stripLeading();
        if (text.startsWith("[")) return new Found(JSON_ARRAY, List.of(file));
        if (text.startsWith("{")) return ofObject(file);
        throw new QuestionsException(name + ": is in none of the known formats (JSON, CSV, tar, Parquet)");
    }

    private static Found ofObject(Path file) {
        JsonNode header;
        try {
            header = JsonRecords.header(file).node();
        } catch (QuestionsException e) {
            // damaged within the first object: reading it as lines says in which
            return new Found(JSON_LINES, List.of(file));
        }
        if (header.path("annotations").isArray()) return new Found(VQA, List.of(VqaPair.questions(file)));
        return new Found(ofKeys(header), List.of(file));
    }

    private static QuestionFormat ofKeys(JsonNode header) {
        if (header.path("questions").isArray()) return VQA;
        if (header.path("data").isArray()) return TEXTVQA;
        if (header.has("text") && header.has("image") && !header.has("question") && !header.has("prompt")) return POPE;
        boolean records = !header.isEmpty();
        for (JsonNode value : header) records &= value.has("imageId");
        return records ? GQA : JSON_LINES;
    }

    private static byte[] head(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return in.readNBytes(HEAD);
        } catch (IOException e) {
            throw TextFile.failed(file, e);
        }
    }
}
