package dev.winnow.runtime.eval.questions;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.weights.Quoted;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.convert.GroupRecordConverter;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.io.ColumnIOFactory;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.io.RecordReader;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.LogicalTypeAnnotation.ListLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.StringLogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.Type;

/**
 * Tables of questions in Parquet as Hugging Face's datasets library writes them (huggingface.co/docs/datasets, "Image" of its main
 * classes): a picture is a structure of {@code bytes} and {@code path}, several pictures are several such columns or a list of
 * structures; the other columns go by the names of {@link QuestionRecord}, and a {@code label} that is a text is an answer. Names of
 * classes are taken from the library's own description of the table. Where {@code bytes} is null, {@code path} is a file in the folder
 * of the table. Pictures are read from the table when asked for, each with its row group's column of pictures.
 *
 * <p>The reader is parquet-java's, without Hadoop: parquet-floor stands in for the few classes of it that are asked for.
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
    private interface Work<T> {
        T on(ParquetFileReader table) throws IOException;
    }

    /** Opens a table for some work; whatever a damaged file makes the library throw becomes one sentence. */
    private static <T> T open(Path file, Work<T> work) {
        ParquetReadOptions options = ParquetReadOptions.builder(new PlainParquetConfiguration())
                .withCodecFactory(new ParquetCodecs()).build();
        try (ParquetFileReader table = ParquetFileReader.open(new LocalInputFile(file), options)) {
            return work.on(table);
        } catch (QuestionsException e) {
            throw e;
        } catch (IOException | RuntimeException | StackOverflowError | OutOfMemoryError e) {
            String why = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
            String name = file.getFileName().toString();
            throw new QuestionsException(name + ": is damaged or unsupported as a Parquet file (" + Quoted.plain(why) + ")", e);
        }
    }

    private void read() {
        open(file, table -> {
            MessageType schema = table.getFileMetaData().getSchema();
            MessageType wanted = new MessageType(schema.getName(), schema.getFields().stream().map(ParquetTable::withoutBytes).toList());
            List<String> classes = classes(table.getFileMetaData().getKeyValueMetaData().get("huggingface"));
            table.setRequestedSchema(wanted);
            long row = 0;
            for (PageReadStore pages = table.readNextRowGroup(); pages != null; pages = table.readNextRowGroup()) {
                RecordReader<Group> rows = rows(pages, wanted);
                for (long last = row + pages.getRowCount(); row < last; row++) add(rows.read(), row, classes);
            }
            return null;
        });
    }

    private static RecordReader<Group> rows(PageReadStore pages, MessageType schema) {
        return new ColumnIOFactory().getColumnIO(schema).getRecordReader(pages, new GroupRecordConverter(schema));
    }

    private void add(Group cells, long row, List<String> classes) {
        String where = file.getFileName() + " row " + row;
        ObjectNode fields = JsonNodeFactory.instance.objectNode();
        List<Picture> pictures = new ArrayList<>();
        for (Type column : cells.getType().getFields()) {
            if (!holdsPictures(column)) fields.set(column.getName(), json(cells, column.getName()));
            else addPictures(cells, row, column, where + " " + column.getName(), pictures);
        }
        nameLabel(fields, classes);
        into.add(QuestionRecord.of(new Fields(fields, where), prefix + row, pictures), where);
    }

    private void addPictures(Group cells, long row, Type column, String where, List<Picture> pictures) {
        String name = column.getName();
        if (cells.getFieldRepetitionCount(name) == 0) return;
        if (!isList(column)) {
            pictures.add(new Picture.InTable(where, file, row, name, -1, folder));
            return;
        }
        int count = cells.getGroup(name, 0).getFieldRepetitionCount(0);
        for (int i = 0; i < count; i++) pictures.add(new Picture.InTable(where + "[" + i + "]", file, row, name, i, folder));
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
        return picture(file, row, column, index,
                cell -> cell.getFieldRepetitionCount("bytes") == 0 ? null : cell.getBinary("bytes", 0).getBytes());
    }

    /** The path of one picture, or null. */
    static String path(Path file, long row, String column, int index) {
        return picture(file, row, column, index, cell -> cell.getFieldRepetitionCount("path") == 0 ? null : cell.getString("path", 0));
    }

    private static <T> T picture(Path file, long row, String column, int index, Function<Group, T> take) {
        return open(file, table -> {
            MessageType schema = table.getFileMetaData().getSchema();
            MessageType wanted = new MessageType(schema.getName(), schema.getType(column));
            table.setRequestedSchema(wanted);
            long before = 0;
            int group = 0;
            List<BlockMetaData> groups = table.getRowGroups();
            while (group < groups.size() && before + groups.get(group).getRowCount() <= row) before += groups.get(group++).getRowCount();
            if (group == groups.size()) throw new QuestionsException(file.getFileName() + ": is shorter than when its questions were read");
            RecordReader<Group> rows = rows(table.readRowGroup(group), wanted);
            Group cells = rows.read();
            for (long r = before; r < row; r++) cells = rows.read();
            Group cell = cells.getGroup(column, 0);
            return take.apply(index < 0 ? cell : element(cell, index));
        });
    }

    /** An element of a list, which is the repeated group or what it wraps. */
    private static Group element(Group list, int index) {
        Group repeated = list.getGroup(0, index);
        return wraps(repeated.getType()) ? repeated.getGroup(0, 0) : repeated;
    }

    private static boolean wraps(GroupType repeated) {
        return repeated.getFieldCount() == 1 && !repeated.getName().equals("array");
    }

    private static boolean isList(Type column) {
        return column.getLogicalTypeAnnotation() instanceof ListLogicalTypeAnnotation && !column.isPrimitive()
                && column.asGroupType().getFieldCount() == 1 && column.asGroupType().getType(0).isRepetition(Type.Repetition.REPEATED);
    }

    private static boolean holdsPictures(Type column) {
        if (column.isPrimitive()) return false;
        if (isList(column)) {
            Type repeated = column.asGroupType().getType(0);
            return !repeated.isPrimitive()
                    && holdsPictures(wraps(repeated.asGroupType()) ? repeated.asGroupType().getType(0) : repeated.asGroupType());
        }
        GroupType group = column.asGroupType();
        // with its bytes, or without as they are asked for first
        return group.containsField("path")
                && group.getFields().stream().allMatch(f -> f.getName().equals("bytes") || f.getName().equals("path"));
    }

    /** A column of pictures without their bytes, which are read one by one. */
    private static Type withoutBytes(Type column) {
        return holdsPictures(column) ? withoutBytesInside(column) : column;
    }

    private static Type withoutBytesInside(Type type) {
        if (type.isPrimitive()) return type;
        return type.asGroupType().withNewFields(type.asGroupType().getFields().stream().filter(f -> !f.getName().equals("bytes"))
                .map(ParquetTable::withoutBytesInside).toList());
    }

    private static JsonNode json(Group cells, String name) {
        Type type = cells.getType().getType(name);
        int at = cells.getType().getFieldIndex(name);
        if (cells.getFieldRepetitionCount(at) == 0) return JsonNodeFactory.instance.nullNode();
        return json(cells, type, at, 0);
    }

    private static JsonNode json(Group cells, Type type, int at, int i) {
        if (!type.isPrimitive()) return isList(type) ? list(cells.getGroup(at, i)) : structure(cells.getGroup(at, i));
        return switch (type.asPrimitiveType().getPrimitiveTypeName()) {
            case INT32 -> JsonNodeFactory.instance.numberNode(cells.getInteger(at, i));
            case INT64 -> JsonNodeFactory.instance.numberNode(cells.getLong(at, i));
            case FLOAT -> JsonNodeFactory.instance.numberNode(cells.getFloat(at, i));
            case DOUBLE -> JsonNodeFactory.instance.numberNode(cells.getDouble(at, i));
            case BOOLEAN -> JsonNodeFactory.instance.booleanNode(cells.getBoolean(at, i));
            case BINARY -> type.getLogicalTypeAnnotation() instanceof StringLogicalTypeAnnotation
                    ? JsonNodeFactory.instance.textNode(cells.getString(at, i)) : JsonNodeFactory.instance.nullNode();
            // no field of a question is one
            case FIXED_LEN_BYTE_ARRAY, INT96 -> JsonNodeFactory.instance.nullNode();
        };
    }

    private static ObjectNode structure(Group group) {
        ObjectNode object = JsonNodeFactory.instance.objectNode();
        for (Type field : group.getType().getFields()) object.set(field.getName(), json(group, field.getName()));
        return object;
    }

    private static ArrayNode list(Group list) {
        ArrayNode array = JsonNodeFactory.instance.arrayNode();
        Type repeated = list.getType().getType(0);
        for (int i = 0; i < list.getFieldRepetitionCount(0); i++) {
            if (repeated.isPrimitive()) array.add(json(list, repeated, 0, i));
            else if (wraps(repeated.asGroupType())) array.add(json(list.getGroup(0, i), repeated.asGroupType().getType(0).getName()));
            else array.add(structure(list.getGroup(0, i)));
        }
        return array;
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
