package dev.winnow.runtime.text.jinja;

import java.time.Clock;
import java.time.LocalDateTime;
import java.util.function.Supplier;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** Python's {@code strftime}, in English: the directives that dates in prompts use. */
public final class Strftime {
    private Strftime() {}

    /** The function {@code strftime_now(format)} of Hugging Face's templates. */
    public static Callable now(Supplier<Clock> clock) {
        return given -> format(LocalDateTime.now(clock.get()), given.text(0, "format"));
    }

    static String format(LocalDateTime time, String format) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%' || i + 1 == format.length()) {
                out.append(c);
                continue;
            }
            c = format.charAt(++i);
            // glibc's way to leave out the padding
            boolean bare = c == '-' && i + 1 < format.length();
            if (bare) c = format.charAt(++i);
            String text = directive(time, c);
            out.append(bare && text.length() > 1 ? text.replaceFirst("^[0 ]+(?=.)", "") : text);
        }
        return out.toString();
    }

    private static String directive(LocalDateTime time, char directive) {
        String pattern = switch (directive) {
            case 'Y' -> "uuuu";
            case 'y' -> "uu";
            case 'm' -> "MM";
            case 'd' -> "dd";
            case 'H' -> "HH";
            case 'I' -> "hh";
            case 'M' -> "mm";
            case 'S' -> "ss";
            case 'j' -> "DDD";
            case 'p' -> "a";
            case 'A' -> "EEEE";
            case 'a' -> "EEE";
            case 'B' -> "MMMM";
            case 'b', 'h' -> "MMM";
            case 'F' -> "uuuu-MM-dd";
            case 'T' -> "HH:mm:ss";
            case 'R' -> "HH:mm";
            case 'D' -> "MM/dd/uu";
            case 'e' -> "ppd";
            case '%' -> "'%'";
            default -> throw new JinjaException("the date directive '%" + directive + "' is not known");
        };
        return DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(time);
    }
}
