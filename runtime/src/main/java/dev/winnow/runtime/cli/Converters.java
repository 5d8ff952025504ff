package dev.winnow.runtime.cli;

import dev.winnow.runtime.eval.Judge;
import dev.winnow.runtime.models.Quantization;
import java.nio.file.Path;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads the values of options, with messages for people who do not know what an int is. */
final class Converters {
    private Converters() {}

    static void register(CommandLine line) {
        ITypeConverter<Integer> integers = number("a whole number of at most 32 bits", Integer::valueOf);
        ITypeConverter<Long> longs = number("a whole number of at most 64 bits", Long::valueOf);
        line.registerConverter(int.class, integers);
        line.registerConverter(Integer.class, integers);
        line.registerConverter(long.class, longs);
        line.registerConverter(Double.class, number("a number", Double::valueOf));
        line.registerConverter(Path.class, Converters::path);
        line.registerConverter(Quantization.class, Converters::quantization);
        line.registerConverter(Judge.class, Converters::judge);
    }

    private static <T> ITypeConverter<T> number(String what, Function<String, T> parse) {
        return text -> {
            try {
                return parse.apply(text);
            } catch (NumberFormatException e) {
                throw new TypeConversionException("'" + text + "' is not " + what);
            }
        };
    }

    private static Quantization quantization(String text) {
        return switch (text) {
            case "q8" -> Quantization.Q8;
            case "q4" -> Quantization.Q4;
            default -> throw new TypeConversionException("should be q8 or q4 but is '" + text + "'");
        };
    }

    private static Judge judge(String text) {
        try {
            return Judge.named(text);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }

    // the empty path means the current directory to Java, and a variable that was not set to the user
    private static Path path(String text) {
        if (text.isBlank()) throw new TypeConversionException("the name is empty");
        return Path.of(text);
    }
}
