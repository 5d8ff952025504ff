package dev.winnow.runtime.eval.questions;

import io.airlift.compress.Decompressor;
import io.airlift.compress.snappy.SnappyDecompressor;
import io.airlift.compress.zstd.ZstdDecompressor;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.GZIPInputStream;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.compression.CompressionCodecFactory;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;

/** The compressions of Parquet tables that are in use, in Java: none, Snappy, Zstandard and gzip; pages of a bounded size. */
final class ParquetCodecs implements CompressionCodecFactory {
    private static final int LARGEST_PAGE = 1 << 30;

    /** Unpacks a page of a known size. */
    private interface Unpacking {
        byte[] unpack(byte[] packed, int size) throws IOException;
    }

    private record Page(Unpacking unpacking) implements BytesInputDecompressor {
        @Override
        public BytesInput decompress(BytesInput bytes, int size) throws IOException {
            if (size < 0 || size > LARGEST_PAGE) throw new IOException("a page states a size of " + size + " bytes");
            byte[] page = unpacking.unpack(bytes.toByteArray(), size);
            if (page.length != size) throw new IOException("a page holds " + page.length + " bytes and states " + size);
            return BytesInput.from(page);
        }

        @Override
        public void decompress(ByteBuffer input, int packed, ByteBuffer output, int size) throws IOException {
            byte[] bytes = new byte[packed];
            input.get(bytes);
            output.put(decompress(BytesInput.from(bytes), size).toByteArray());
        }

        @Override
        public void release() {}
    }

    @Override
    public BytesInputDecompressor getDecompressor(CompressionCodecName codec) {
        return switch (codec) {
            case UNCOMPRESSED -> new Page((packed, size) -> packed);
            case SNAPPY -> new Page((packed, size) -> unpacked(new SnappyDecompressor(), packed, size));
            case ZSTD -> new Page((packed, size) -> unpacked(new ZstdDecompressor(), packed, size));
            case GZIP -> new Page((packed, size) -> {
                try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(packed))) {
                    return in.readNBytes(size);
                }
            });
            default -> throw new IllegalArgumentException("its compression, " + codec + ", is not supported");
        };
    }

    private static byte[] unpacked(Decompressor decompressor, byte[] packed, int size) {
        byte[] page = new byte[size];
        int length = decompressor.decompress(packed, 0, packed.length, page, 0, size);
        if (length != size) throw new IllegalArgumentException("a page holds " + length + " bytes and states " + size);
        return page;
    }

    @Override
    public BytesInputCompressor getCompressor(CompressionCodecName codec) {
        throw new UnsupportedOperationException("tables are read only");
    }

    @Override
    public void release() {}
}
