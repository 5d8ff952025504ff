package dev.winnow.runtime.eval.questions;

import dev.winnow.runtime.images.ImageException;
import dev.winnow.runtime.images.RgbImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A picture that a question is about, decoded when it is asked for and kept by nobody. Two questions on one picture have equal ones. */
public sealed interface Picture {
    /** What to call it: the path from the questions' folder, or the archive and the name inside it. Unique within a set of questions. */
    String name();

    /**
     * The pixels.
     *
     * @throws ImageException when it is missing, damaged or too large
     */
    RgbImage read();

    /** A file of its own. */
    record InFile(String name, Path file) implements Picture {
        @Override
        public RgbImage read() {
            return RgbImage.read(file);
        }
    }

    /** Bytes within a larger file that is not compressed. */
    record InArchive(String name, Path archive, long offset, int length) implements Picture {
        @Override
        public RgbImage read() {
            return RgbImage.decode(bytes(), name);
        }

        private byte[] bytes() {
            ByteBuffer bytes = ByteBuffer.allocate(length);
            try (FileChannel in = FileChannel.open(archive, StandardOpenOption.READ)) {
                while (bytes.hasRemaining() && in.read(bytes, offset + bytes.position()) > 0) { }
            } catch (IOException e) {
                throw new ImageException(name + ": cannot be read (" + e.getMessage() + ")", e);
            }
            if (bytes.hasRemaining()) throw new ImageException(name + ": the archive is shorter than when its questions were read");
            return bytes.array();
        }
    }

    /**
     * A cell of a Parquet table.
     *
     * @param index  place in a cell that holds several, or -1
     * @param folder where files lie that a cell names instead of holding
     */
    record InTable(String name, Path table, long row, String column, int index, Folder folder) implements Picture {
        @Override
        public RgbImage read() {
            try {
                byte[] bytes = ParquetTable.bytes(table, row, column, index);
                if (bytes != null) return RgbImage.decode(bytes, name);
                String path = ParquetTable.path(table, row, column, index);
                if (path == null) throw new ImageException(name + ": has neither bytes nor a path");
                return folder.picture(path, name).read();
            } catch (QuestionsException e) {
                throw new ImageException(e.getMessage(), e);
            }
        }
    }
}
