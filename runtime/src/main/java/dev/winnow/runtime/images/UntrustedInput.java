package dev.winnow.runtime.images;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * The bytes of a file for ImageIO, without its temporary files. The WebP decoder answers the end of a file with zeros, so that a
 * short file that claims to be large keeps it busy for minutes; here it may ask so often and no more.
 */
final class UntrustedInput extends MemoryCacheImageInputStream {
    private static final int PATIENCE = 1000;

    private int readsPastTheEnd;

    UntrustedInput(byte[] bytes) {
        super(new ByteArrayInputStream(bytes));
    }

    @Override
    public int read() throws IOException {
        return counted(super.read());
    }

    @Override
    public int read(byte[] to, int offset, int length) throws IOException {
        return counted(super.read(to, offset, length));
    }

    private int counted(int result) {
        // not as an EOFException, which is what gets swallowed
        if (result == -1 && ++readsPastTheEnd > PATIENCE) throw new UncheckedIOException("cut short", new EOFException());
        return result;
    }
}
