package dev.winnow.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HeaderRefusalTest {
    private static final String A = "'a':{'dtype':'U8','shape':[4],'data_offsets':[0,4]}";

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 7})
    void fileTooShortForALength(int size) {
        refused(new byte[size], size + " bytes are too few");
    }

    @Test
    void negativeHeaderLength() {
        refused(HeaderBytes.file(-1, "{}".getBytes(StandardCharsets.UTF_8), 0), "header length -1 is negative");
        refused(HeaderBytes.file(Long.MIN_VALUE, new byte[2], 0), "is negative");
    }

    @Test
    void headerLengthOverTheLimit() {
        refused(HeaderBytes.file(100_000_001, new byte[2], 0), "header length 100000001 is over the limit");
        refused(HeaderBytes.file(Long.MAX_VALUE, new byte[2], 0), "is over the limit");
    }

    @Test
    void headerLengthPastTheEnd() {
        byte[] header = "{}".getBytes(StandardCharsets.UTF_8);
        refused(HeaderBytes.file(3, header, 0), "header length 3 goes past the end of the file (10 bytes)");
        refused(HeaderBytes.file(100_000_000, new byte[2], 0), "goes past the end");
    }

    @Test
    void gitLfsPointer() {
        refused("version https://git-lfs.github.com/spec/v1\n".getBytes(StandardCharsets.UTF_8), "Git LFS pointer");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " {}", "[]", "null", "\ufeff{}"})
    void headerNotStartingWithABrace(String header) {
        refused(header, 0, "does not start with '{'");
    }

    @Test
    void malformedUtf8() {
        byte[] header = ("{" + A + "}").replace('\'', '"').getBytes(StandardCharsets.UTF_8);
        header[2] = (byte) 0xff;
        refused(HeaderBytes.file(header, 4), "not valid UTF-8");
    }

    @Test
    void escapedHalfOfASurrogatePair() {
        refused("{'\\ud800':{'dtype':'U8','shape':[0],'data_offsets':[0,0]}}", 0, "not valid Unicode");
        refused("{'__metadata__':{'k':'\\udc00'}}", 0, "not valid Unicode");
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "{", "{" + A, "{" + A + ",}", "{" + A + " 'b'}", "{a:1}", "{" + A + "/* no */}", "{'a':NaN}", "{'a':01}"
    })
    void invalidJson(String header) {
        refused(header, 4, "not valid JSON");
    }

    @Test
    void duplicateTensor() {
        refused("{" + A + "," + A + "}", 4, "Duplicate field 'a'");
        refused("{" + A + ",'\\u0061':{'dtype':'U8','shape':[0],'data_offsets':[4,4]}}", 4, "Duplicate field 'a'");
    }

    @Test
    void duplicateKeyInsideAnEntry() {
        refused("{'a':{'dtype':'U8','dtype':'U8','shape':[4],'data_offsets':[0,4]}}", 4, "Duplicate field 'dtype'");
    }

    @Test
    void duplicateMetadata() {
        refused("{'__metadata__':{},'__metadata__':{}}", 0, "Duplicate field '__metadata__'");
        refused("{'__metadata__':{'k':'1','k':'2'}}", 0, "Duplicate field 'k'");
    }

    @Test
    void deepNesting() {
        String deep = "[".repeat(100_000);
        refused("{'a':" + deep, 0, "tensor 'a' is not described by an object");
        refused("{'a':{'shape':" + deep, 0, "its shape holds something other than integers");
        refused("{'a':{'x':" + deep, 0, "unknown field 'x'");
        refused("{'__metadata__':{'k':" + deep, 0, "'k' is not a string");
        refused("{'a':".repeat(100_000), 0, "unknown field 'a'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"x", "{}", "   ,", "\u0000", "   \n"})
    void somethingAfterTheHeader(String rest) {
        refused("{" + A + "}" + rest, 4, "goes on after its closing brace");
    }

    @ParameterizedTest
    @ValueSource(strings = {"1", "null", "'x'", "[]", "true"})
    void entryThatIsNoObject(String entry) {
        refused("{'a':" + entry + "}", 0, "tensor 'a' is not described by an object");
    }

    @ParameterizedTest
    @ValueSource(strings = {"F8", "f32", "", "F4", "U8 "})
    void unknownDtype(String dtype) {
        refused("{'a':{'dtype':'" + dtype + "','shape':[4],'data_offsets':[0,4]}}", 4, "unknown dtype '" + dtype + "'");
    }

    @Test
    void dtypeThatIsNoString() {
        refused("{'a':{'dtype':8,'shape':[4],'data_offsets':[0,4]}}", 4, "dtype that is not a string");
    }

    @Test
    void missingFields() {
        refused("{'a':{'shape':[4],'data_offsets':[0,4]}}", 4, "tensor 'a' has no dtype");
        refused("{'a':{'dtype':'U8','data_offsets':[0,4]}}", 4, "tensor 'a' has no shape");
        refused("{'a':{'dtype':'U8','shape':[4]}}", 4, "tensor 'a' has no data_offsets");
        refused("{'a':{}}", 0, "tensor 'a' has no dtype");
    }

    @Test
    void extraField() {
        refused("{'a':{'dtype':'U8','shape':[4],'data_offsets':[0,4],'strides':[1]}}", 4, "unknown field 'strides'");
    }

    @Test
    void negativeSize() {
        refused(entry("U8", "[-4]", "[0,4]"), 4, "its shape holds the negative number -4");
        refused(entry("U8", "[-2,-2]", "[0,4]"), 4, "its shape holds the negative number -2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"[4.0]", "[4e0]", "['4']", "[null]", "[[4]]", "[true]"})
    void sizeThatIsNoInteger(String shape) {
        refused(entry("U8", shape, "[0,4]"), 4, "its shape holds something other than integers");
    }

    @Test
    void shapeThatIsNoArray() {
        refused(entry("U8", "4", "[0,4]"), 4, "its shape is not an array");
        refused(entry("U8", "{}", "[0,4]"), 4, "its shape is not an array");
    }

    @Test
    void sizeOutOfRange() {
        refused(entry("U8", "[9223372036854775808]", "[0,4]"), 4, "9223372036854775808, which is out of range");
    }

    @Test
    void overflowingShape() {
        refused(entry("U8", "[4294967296,4294967296]", "[0,0]"), 0, "its shape [4294967296, 4294967296] overflows");
        refused(entry("U8", "[2147483648,4294967296,2]", "[0,0]"), 0, "overflows");
        refused(entry("F64", "[2305843009213693952]", "[0,0]"), 0, "overflows");
    }

    @Test
    void tooManyDimensions() {
        refused(entry("U8", "[" + "1,".repeat(64) + "1]", "[0,1]"), 1, "more than 64 integers");
    }

    @Test
    void offsetsThatAreNotTwoIntegers() {
        refused(entry("U8", "[4]", "[]"), 4, "0 data_offsets instead of two");
        refused(entry("U8", "[4]", "[4]"), 4, "1 data_offsets instead of two");
        refused(entry("U8", "[4]", "[0,4,8]"), 4, "3 data_offsets instead of two");
        refused(entry("U8", "[4]", "[0,4.0]"), 4, "its data_offsets holds something other than integers");
        refused(entry("U8", "[4]", "[-4,0]"), 4, "its data_offsets holds the negative number -4");
        refused(entry("U8", "[4]", "[0,18446744073709551620]"), 4, "out of range");
        refused(entry("U8", "[4]", "null"), 4, "its data_offsets is not an array");
    }

    @Test
    void beginAfterEnd() {
        refused(entry("U8", "[4]", "[4,0]"), 4, "begins at 4, after its end at 0");
    }

    @Test
    void endOutsideTheFile() {
        refused(entry("U8", "[5]", "[0,5]"), 4, "ends at byte 5 of the data, which has only 4");
        refused(entry("U8", "[5]", "[0,9223372036854775807]"), 4, "which has only 4");
    }

    @Test
    void sizeThatIsNotTheShapes() {
        refused(entry("U8", "[3]", "[0,4]"), 4, "spans 4 bytes, but U8[3] takes 3");
        refused(entry("F32", "[1,2]", "[0,4]"), 4, "spans 4 bytes, but F32[1, 2] takes 8");
        refused(entry("F32", "[]", "[0,0]"), 0, "spans 0 bytes, but F32[] takes 4");
    }

    @Test
    void overlap() {
        refused("{" + A + ",'b':{'dtype':'U8','shape':[4],'data_offsets':[2,6]}}", 6, "tensors 'a' and 'b' overlap");
        refused("{" + A + ",'b':{'dtype':'U8','shape':[4],'data_offsets':[0,4]}}", 4, "tensors 'a' and 'b' overlap");
        refused("{" + A + ",'b':{'dtype':'U8','shape':[0],'data_offsets':[2,2]}}", 4, "tensors 'a' and 'b' overlap");
    }

    @Test
    void hole() {
        refused("{" + A + ",'b':{'dtype':'U8','shape':[2],'data_offsets':[5,7]}}", 7, "the 1 bytes of data before tensor 'b'");
        refused(entry("U8", "[2]", "[2,4]"), 4, "the 2 bytes of data before tensor 'a'");
    }

    @Test
    void dataAfterTheLastTensor() {
        refused("{" + A + "}", 7, "the last 3 bytes of the file belong to no tensor");
        refused("{}", 1, "the last 1 bytes of the file belong to no tensor");
    }

    @Test
    void metadataThatIsNotAllStrings() {
        refused("{'__metadata__':[]}", 0, "__metadata__ is not an object");
        refused("{'__metadata__':null}", 0, "__metadata__ is not an object");
        refused("{'__metadata__':{'step':7}}", 0, "__metadata__ entry 'step' is not a string");
        refused("{'__metadata__':{'step':{}}}", 0, "__metadata__ entry 'step' is not a string");
    }

    @Test
    void messagesStayOnOneShortLine() {
        assertThatThrownBy(() -> HeaderBytes.parse("{\"" + "\\n".repeat(5000) + "\":1}", 0))
                .isInstanceOf(CheckpointException.class)
                .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(2000).doesNotContain("\n").contains("\\u000a"));
    }

    private static String entry(String dtype, String shape, String offsets) {
        return "{'a':{'dtype':'" + dtype + "','shape':" + shape + ",'data_offsets':" + offsets + "}}";
    }

    private static void refused(String header, int dataBytes, String why) {
        refused(HeaderBytes.file(header.replace('\'', '"'), dataBytes), why);
    }

    private static void refused(byte[] file, String why) {
        assertThatThrownBy(() -> HeaderBytes.parse(file)).isExactlyInstanceOf(CheckpointException.class)
                .hasMessageStartingWith("test.safetensors: ").hasMessageContaining(why);
    }
}
