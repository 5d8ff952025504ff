package dev.winnow.runtime.eval.questions;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hardwood.HardwoodContext;
import dev.hardwood.InputFile;
import dev.hardwood.metadata.PhysicalType;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.RowReader;
import dev.hardwood.row.PqList;
import dev.hardwood.row.PqStruct;
import dev.hardwood.row.StructAccessor;
import dev.hardwood.schema.ColumnProjection;
import dev.hardwood.schema.SchemaNode;
import dev.hardwood.schema.SchemaNode.GroupNode;
import dev.hardwood.schema.SchemaNode.PrimitiveNode;
import dev.winnow.weights.Quoted;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Tables of questions in Parquet as Hugging Face's datasets library writes them (huggingface.co/docs/datasets, "Image" of its main
 * classes): a picture is a structure of {@code bytes} and {@code path}, several pictures are several such columns or a list of
 * structures; the other columns go by the names of {@link QuestionRecord}, and a {@code label} that is a text is an answer. Names of
 * classes are taken from the library's own description of the table. Where {@code bytes} is null, {@code path} is a file in the folder
 * of the table. Pictures are read from the table when asked for.
 */
final class ParquetTable {
    private final Path file;
    private final Folder folder;
    private final QuestionCollector into;
    private final String prefix;

    private ParquetTable(Path file, Folder folder, String prefix, QuestionCollector into) {
        this.file = file;
        this.folder = folder;
        this.prefix = prefix;
        this.into = into;
    }

    /** Reads tables in their order; the number of a row, with the file's name in front where there are several, is its id by default. */
    static void read(List<Path> files, Folder folder, QuestionCollector into) {
        for (Path file : files) new ParquetTable(file, folder, files.size() == 1 ? "" : file.getFileName() + "/", into).read();
    }

    /** Does something with an open table. */
    interface Work<T> {
        T on(ParquetFileReader table) throws IOException;
    }

    /** Opens a table for some work; whatever a damaged file makes the library throw becomes one sentence. */
    static <T> T open(Path file, Work<T> work) {
        try (HardwoodContext oneThread = HardwoodContext.create(1);
             ParquetFileReader table = ParquetFileReader.open(InputFile.of(file), oneThread)) {
            return work.on(table);
        } catch (QuestionsException e) {
            throw e;
        } catch (IOException | RuntimeException | StackOverflowError | OutOfMemoryError e) {
            String why = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
            throw new QuestionsException(file.getFileName() + ": is damaged or unsupported as a Parquet file (" + Quoted.plain(why) + ")", e);
        }
    }

    private void read() {
        open(file, table -> {
            GroupNode root = table.getFileSchema().getRootNode();
            List<SchemaNode> pictures = root.children().stream().filter(ParquetTable::holdsPictures).toList();
            List<SchemaNode> texts = root.children().stream().filter(c -> !holdsPictures(c) && !holdsBytes(c)).toList();
            String[] projected = Stream.concat(texts.stream().map(SchemaNode::name), pictures.stream().map(ParquetTable::pathColumn))
                    .toArray(String[]::new);
            if (projected.length == 0) throw new QuestionsException(file.getFileName() + ": has no columns of questions");
            List<String> classes = classes(table.getFileMetaData().keyValueMetadata().get("huggingface"));
            try (RowReader rows = table.buildRowReader().projection(ColumnProjection.columns(projected)).build()) {
                for (long row = 0; rows.hasNext(); row++) {
                    rows.next();
                    add(rows, row, texts, pictures, classes);
                }
            }
            return null;
        });
    }

    private void add(RowReader rows, long row, List<SchemaNode> texts, List<SchemaNode> pictures, List<String> classes) {
        String where = file.getFileName() + " row " + row;
        ObjectNode fields = JsonText.MAPPER.createObjectNode();
        for (SchemaNode column : texts) fields.set(column.name(), json(rows.getValue(column.name())));
        nameLabel(fields, classes);
        List<Picture> shown = new ArrayList<>();
        for (SchemaNode column : pictures) addPictures(rows, row, column, where + " " + column.name(), shown);
        into.add(QuestionRecord.of(new Fields(fields, where), prefix + row, shown), where);
    }

    private void addPictures(RowReader rows, long row, SchemaNode column, String where, List<Picture> shown) {
        if (rows.isNull(column.name())) return;
        if (!isList(column)) shown.add(new Picture.InTable(where, file, row, column.name(), -1, folder));
        int count = isList(column) ? rows.getList(column.name()).size() : 0;
        for (int i = 0; i < count; i++) shown.add(new Picture.InTable(where + "[" + i + "]", file, row, column.name(), i, folder));
    }

    /** A label in words is an answer, and a number's name one too, if it is known. */
    private static void nameLabel(ObjectNode fields, List<String> classes) {
        JsonNode label = fields.path("label");
        if (fields.hasNonNull("answer") || fields.hasNonNull("answers")) return;
        if (label.isTextual()) fields.set("answer", fields.remove("label"));
        else if (label.canConvertToInt() && label.asInt() >= 0 && label.asInt() < classes.size()) {
            fields.put("answer", classes.get(label.asInt()));
        }
    }

    /** The bytes of one picture, or null where the table names a file instead; {@code index} is negative for a column that is no list. */
    static byte[] bytes(Path file, long row, String column, int index) {
        return picture(file, row, column, index, picture -> picture.getBinary("bytes"));
    }

    /** The path of one picture, or null. */
    static String path(Path file, long row, String column, int index) {
        return picture(file, row, column, index, picture -> picture.getString("path"));
    }

    private static <T> T picture(Path file, long row, String column, int index, Function<StructAccessor, T> take) {
        return open(file, table -> {
            try (RowReader rows = table.buildRowReader().projection(ColumnProjection.columns(column)).skip(row).head(1).build()) {
                if (!rows.hasNext()) throw new QuestionsException(file.getFileName() + ": is shorter than when its questions were read");
                rows.next();
                return take.apply(index < 0 ? rows.getStruct(column) : rows.getList(column).structs().get(index));
            }
        });
    }

    private static boolean isList(SchemaNode column) {
        return column instanceof GroupNode group && group.isList();
    }

    private static boolean holdsPictures(SchemaNode column) {
        SchemaNode node = isList(column) ? ((GroupNode) column).getListElement() : column;
        return node instanceof GroupNode group && group.isStruct() && group.children().size() == 2
                && group.children().stream().allMatch(c -> c.name().equals("bytes") || c.name().equals("path"));
    }

    /** Bytes that are no text say nothing about a question. */
    private static boolean holdsBytes(SchemaNode column) {
        return column instanceof PrimitiveNode leaf && leaf.type() == PhysicalType.BYTE_ARRAY && leaf.logicalType() == null;
    }

    /** The column that tells whether there is a picture without reading it. */
    private static String pathColumn(SchemaNode column) {
        if (!isList(column)) return column.name() + ".path";
        GroupNode repeated = (GroupNode) ((GroupNode) column).children().getFirst();
        SchemaNode element = ((GroupNode) column).getListElement();
        return column.name() + "." + repeated.name() + (element == repeated ? "" : "." + element.name()) + ".path";
    }

    private static JsonNode json(Object value) {
        return switch (value) {
            case PqList list -> {
                ArrayNode array = JsonText.MAPPER.createArrayNode();
                for (int i = 0; i < list.size(); i++) array.add(json(list.get(i)));
                yield array;
            }
            case PqStruct struct -> {
                ObjectNode object = JsonText.MAPPER.createObjectNode();
                for (int i = 0; i < struct.getFieldCount(); i++) object.set(struct.getFieldName(i), json(struct.getValue(i)));
                yield object;
            }
            case null -> JsonText.MAPPER.nullNode();
            case String s -> JsonText.MAPPER.getNodeFactory().textNode(s);
            case Integer i -> JsonText.MAPPER.getNodeFactory().numberNode(i);
            case Long l -> JsonText.MAPPER.getNodeFactory().numberNode(l);
            case Boolean b -> JsonText.MAPPER.getNodeFactory().booleanNode(b);
            case Float f -> JsonText.MAPPER.getNodeFactory().numberNode(f);
            case Double d -> JsonText.MAPPER.getNodeFactory().numberNode(d);
            // dates, decimals, maps: no field of a question is one
            default -> JsonText.MAPPER.nullNode();
        };
    }

    /** Names of the label's classes in the description that the datasets library leaves in the file. */
    private List<String> classes(String description) {
        if (description == null) return List.of();
        JsonNode names = JsonText.object(description, file.getFileName() + " description of features").node()
                .path("info").path("features").path("label").path("names");
        List<String> classes = new ArrayList<>();
        if (names.isArray()) names.forEach(name -> classes.add(name.asText()));
        return classes;
    }
}
