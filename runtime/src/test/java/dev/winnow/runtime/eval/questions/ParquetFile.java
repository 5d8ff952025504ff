package dev.winnow.runtime.eval.questions;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * A Parquet table made for a test, column by column, with one data page per column and row group and plain values (format at
 * parquet.apache.org and parquet.thrift; Thrift's compact protocol).
 */
final class ParquetFile {
    static final int INT64 = 2;
    static final int BYTES = 6;
    private static final int UTF8 = 0;
    private static final int LIST = 3;
    private static final int REQUIRED = 0;
    private static final int OPTIONAL = 1;
    private static final int REPEATED = 2;

    /** An element of the schema; a leaf has a type and no children. */
    private record Element(String name, int repetition, int type, int children, int annotation) {}

    /** A leaf: its levels and values, one row group after the other. */
    private record Leaf(List<String> path, int type, int mostDefined, int mostRepeated, List<List<Cell>> groups) {}

    /** One value or its absence. */
    private record Cell(int repeated, int defined, Object value) {}

    private final List<Element> schema = new ArrayList<>();
    private final List<Leaf> leaves = new ArrayList<>();
    private final int[] groupRows;
    private int columns;
    private int codec;
    private UnaryOperator<byte[]> compression = bytes -> bytes;
    private String description;

    /** @param groupRows rows of each row group */
    ParquetFile(int... groupRows) {
        this.groupRows = groupRows;
    }

    ParquetFile compressed(int codec, UnaryOperator<byte[]> compression) {
        this.codec = codec;
        this.compression = compression;
        return this;
    }

    /** What the datasets library says of the features. */
    ParquetFile described(String json) {
        description = json;
        return this;
    }

    ParquetFile texts(String name, String... values) {
        schema.add(new Element(name, OPTIONAL, BYTES, 0, UTF8));
        return flat(List.of(name), BYTES, 1, values);
    }

    ParquetFile numbers(String name, Long... values) {
        schema.add(new Element(name, OPTIONAL, INT64, 0, -1));
        return flat(List.of(name), INT64, 1, values);
    }

    /** Pictures as structures of bytes and path; a row with neither is null. */
    ParquetFile pictures(String name, byte[][] bytes, String[] paths) {
        schema.add(new Element(name, OPTIONAL, -1, 2, -1));
        schema.add(new Element("bytes", OPTIONAL, BYTES, 0, -1));
        schema.add(new Element("path", OPTIONAL, BYTES, 0, UTF8));
        for (Object[] child : new Object[][] {bytes, paths}) {
            List<Cell> cells = new ArrayList<>();
            for (int r = 0; r < child.length; r++) {
                cells.add(new Cell(0, child[r] != null ? 2 : bytes[r] != null || paths[r] != null ? 1 : 0, child[r]));
            }
            leaves.add(new Leaf(List.of(name, child == bytes ? "bytes" : "path"), BYTES, 2, 0, grouped(cells)));
        }
        columns++;
        return this;
    }

    /** Lists of texts; none may be null. */
    ParquetFile textLists(String name, List<List<String>> rows) {
        list(name);
        schema.add(new Element("element", OPTIONAL, BYTES, 0, UTF8));
        leaves.add(new Leaf(List.of(name, "list", "element"), BYTES, 3, 1, listed(rows, 3)));
        return this;
    }

    /** Lists of pictures, each with bytes and a path; none may be null. */
    ParquetFile pictureLists(String name, List<List<byte[]>> rows) {
        list(name);
        schema.add(new Element("element", OPTIONAL, -1, 2, -1));
        schema.add(new Element("bytes", OPTIONAL, BYTES, 0, -1));
        schema.add(new Element("path", OPTIONAL, BYTES, 0, UTF8));
        leaves.add(new Leaf(List.of(name, "list", "element", "bytes"), BYTES, 4, 1, listed(rows, 4)));
        List<List<String>> paths = rows.stream().map(row -> row.stream().map(b -> "x.png").toList()).toList();
        leaves.add(new Leaf(List.of(name, "list", "element", "path"), BYTES, 4, 1, listed(paths, 4)));
        return this;
    }

    private void list(String name) {
        schema.add(new Element(name, OPTIONAL, -1, 1, LIST));
        schema.add(new Element("list", REPEATED, -1, 1, -1));
        columns++;
    }

    private ParquetFile flat(List<String> path, int type, int defined, Object... values) {
        List<Cell> cells = new ArrayList<>();
        for (Object value : values) cells.add(new Cell(0, value == null ? 0 : defined, value));
        leaves.add(new Leaf(path, type, defined, 0, grouped(cells)));
        columns++;
        return this;
    }

    private List<List<Cell>> listed(List<? extends List<?>> rows, int defined) {
        List<List<Cell>> groups = new ArrayList<>();
        int row = 0;
        for (int count : groupRows) {
            List<Cell> group = new ArrayList<>();
            for (List<?> items : rows.subList(row, row + count)) {
                if (items.isEmpty()) group.add(new Cell(0, 1, null));
                for (int i = 0; i < items.size(); i++) group.add(new Cell(i == 0 ? 0 : 1, defined, items.get(i)));
            }
            groups.add(group);
            row += count;
        }
        return groups;
    }

    private List<List<Cell>> grouped(List<Cell> cells) {
        List<List<Cell>> groups = new ArrayList<>();
        int row = 0;
        for (int count : groupRows) groups.add(cells.subList(row, row += count));
        return groups;
    }

    Path write(Path file) throws IOException {
        return Files.write(file, bytes());
    }

    byte[] bytes() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes("PAR1".getBytes(StandardCharsets.US_ASCII));
        Thrift groups = new Thrift();
        groups.last = 3;
        groups.list(4, Thrift.STRUCT, groupRows.length);
        long rows = 0;
        for (int g = 0; g < groupRows.length; g++) {
            group(g, groups, out);
            rows += groupRows[g];
        }
        Thrift footer = new Thrift();
        footer.number(1, Thrift.I32, 1);
        footer.list(2, Thrift.STRUCT, schema.size() + 1);
        element(new Element("schema", REQUIRED, -1, columns, -1), footer);
        for (Element e : schema) element(e, footer);
        footer.number(3, Thrift.I64, rows);
        footer.append(groups);
        footer.last = 4;
        if (description != null) {
            footer.list(5, Thrift.STRUCT, 1);
            Thrift pair = new Thrift();
            pair.text(1, "huggingface");
            pair.text(2, description);
            footer.append(pair.end());
        }
        byte[] end = footer.end().bytes();
        out.writeBytes(end);
        out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(end.length).array());
        out.writeBytes("PAR1".getBytes(StandardCharsets.US_ASCII));
        return out.toByteArray();
    }

    private static void element(Element e, Thrift into) {
        Thrift t = new Thrift();
        if (e.type() >= 0) t.number(1, Thrift.I32, e.type());
        t.number(3, Thrift.I32, e.repetition());
        t.text(4, e.name());
        if (e.children() > 0) t.number(5, Thrift.I32, e.children());
        if (e.annotation() >= 0) t.number(6, Thrift.I32, e.annotation());
        into.append(t.end());
    }

    private void group(int g, Thrift groups, ByteArrayOutputStream out) {
        Thrift group = new Thrift();
        group.list(1, Thrift.STRUCT, leaves.size());
        long total = 0;
        for (Leaf leaf : leaves) {
            byte[] page = page(leaf, leaf.groups().get(g));
            byte[] packed = compression.apply(page);
            byte[] header = pageHeader(page.length, packed.length, leaf.groups().get(g).size());
            Thrift chunk = new Thrift();
            chunk.number(2, Thrift.I64, out.size());
            int values = leaf.groups().get(g).size();
            chunk.struct(3, meta(leaf, values, header.length + page.length, header.length + packed.length, out.size()));
            group.append(chunk.end());
            out.writeBytes(header);
            out.writeBytes(packed);
            total += header.length + page.length;
        }
        group.number(2, Thrift.I64, total);
        group.number(3, Thrift.I64, groupRows[g]);
        groups.append(group.end());
    }

    private Thrift meta(Leaf leaf, int values, long uncompressed, long compressed, long offset) {
        Thrift meta = new Thrift();
        meta.number(1, Thrift.I32, leaf.type());
        meta.list(2, Thrift.I32, 2);
        meta.zigzag(0);
        meta.zigzag(3);
        meta.list(3, Thrift.BINARY, leaf.path().size());
        leaf.path().forEach(meta::item);
        meta.number(4, Thrift.I32, codec);
        meta.number(5, Thrift.I64, values);
        meta.number(6, Thrift.I64, uncompressed);
        meta.number(7, Thrift.I64, compressed);
        meta.number(9, Thrift.I64, offset);
        return meta;
    }

    private static byte[] pageHeader(int uncompressed, int compressed, int values) {
        Thrift header = new Thrift();
        header.number(1, Thrift.I32, 0);
        header.number(2, Thrift.I32, uncompressed);
        header.number(3, Thrift.I32, compressed);
        Thrift data = new Thrift();
        data.number(1, Thrift.I32, values);
        data.number(2, Thrift.I32, 0);
        data.number(3, Thrift.I32, 3);
        data.number(4, Thrift.I32, 3);
        header.struct(5, data);
        return header.end().bytes();
    }

    private static byte[] page(Leaf leaf, List<Cell> cells) {
        ByteArrayOutputStream page = new ByteArrayOutputStream();
        if (leaf.mostRepeated() > 0) page.writeBytes(levels(cells.stream().map(Cell::repeated).toList()));
        page.writeBytes(levels(cells.stream().map(Cell::defined).toList()));
        for (Cell cell : cells) {
            switch (cell.value()) {
                case null -> { }
                case Long l -> page.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(l).array());
                case byte[] bytes -> value(bytes, page);
                default -> value(cell.value().toString().getBytes(StandardCharsets.UTF_8), page);
            }
        }
        return page.toByteArray();
    }

    private static void value(byte[] bytes, ByteArrayOutputStream page) {
        page.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(bytes.length).array());
        page.writeBytes(bytes);
    }

    /** Each level as a run of one, with the length of all in front. */
    private static byte[] levels(List<Integer> levels) {
        ByteBuffer runs = ByteBuffer.allocate(4 + 2 * levels.size()).order(ByteOrder.LITTLE_ENDIAN).putInt(2 * levels.size());
        for (int level : levels) runs.put((byte) 2).put((byte) level);
        return runs.array();
    }

    /** Thrift's compact protocol, as far as a footer needs it. */
    private static final class Thrift {
        static final int I32 = 5;
        static final int I64 = 6;
        static final int BINARY = 8;
        static final int STRUCT = 12;

        private final ByteArrayOutputStream out = new ByteArrayOutputStream();
        private int last;

        private void field(int id, int type) {
            out.write((id - last) << 4 | type);
            last = id;
        }

        void number(int id, int type, long value) {
            field(id, type);
            zigzag(value);
        }

        void text(int id, String text) {
            field(id, BINARY);
            item(text);
        }

        void struct(int id, Thrift inner) {
            field(id, STRUCT);
            append(inner.end());
        }

        /** A list; its items follow. */
        void list(int id, int type, int size) {
            field(id, 9);
            if (size < 15) {
                out.write(size << 4 | type);
            } else {
                out.write(0xf0 | type);
                varint(size);
            }
        }

        void item(String text) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            varint(bytes.length);
            out.writeBytes(bytes);
        }

        void zigzag(long value) {
            varint(value << 1 ^ value >> 63);
        }

        private void varint(long value) {
            for (; (value & ~0x7fL) != 0; value >>>= 7) out.write((int) (value & 0x7f | 0x80));
            out.write((int) value);
        }

        void append(Thrift other) {
            out.writeBytes(other.bytes());
        }

        Thrift end() {
            out.write(0);
            return this;
        }

        byte[] bytes() {
            return out.toByteArray();
        }
    }
}
