package dev.winnow.weights;

/** Text taken from an untrusted file, made fit for a one-line message. */
public final class Quoted {
    private static final int LONGEST = 160;

    private Quoted() {}

    /** In single quotes. */
    public static String name(String text) {
        return "'" + plain(text) + "'";
    }

    /** On one line, without control characters, cut when long. */
    public static String plain(String text) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < Math.min(text.length(), LONGEST); i++) {
            char c = text.charAt(i);
            if (Character.isISOControl(c) || Character.isSurrogate(c)) out.append(String.format("\\u%04x", (int) c));
            else out.append(c);
        }
        return text.length() > LONGEST ? out.append("...").toString() : out.toString();
    }

    /** Whether the text can be written as UTF-8: every surrogate has its partner. JSON escapes can spell text that cannot. */
    static boolean encodable(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!Character.isSurrogate(c)) continue;
            boolean pair = Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1));
            if (!pair) return false;
            i++;
        }
        return true;
    }
}
