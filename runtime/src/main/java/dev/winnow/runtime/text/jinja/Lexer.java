package dev.winnow.runtime.text.jinja;

import java.util.ArrayList;
import java.util.List;

/**
 * Cuts a template into tokens and applies its rules of white space: {@code trim_blocks} (the line break after a block tag or
 * comment goes) and {@code lstrip_blocks} (so does the indentation before one), which Hugging Face sets for chat templates,
 * and the signs {@code -} and {@code +} of single tags. As Jinja does, one line break at the very end of the template is
 * dropped.
 */
final class Lexer {
    private static final String[] OPERATORS = {
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~",
        "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"
    };

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private int line = 1;
    /** Whether the text before {@code at} ends a line, by which lstrip_blocks knows indentation right after a tag. */
    private boolean lineStarts = true;

    private Lexer(String source) {
        this.source = source;
    }

    static List<Token> tokens(String template) {
        String source = template.replace("\r\n", "\n").replace('\r', '\n');
        if (source.endsWith("\n")) source = source.substring(0, source.length() - 1);
        Lexer lexer = new Lexer(source);
        lexer.run();
        return lexer.tokens;
    }

    private void run() {
        while (at < source.length()) {
            int tag = nextTag(at);
            if (tag == source.length()) {
                data(source.substring(at));
                at = tag;
                break;
            }
            char kind = source.charAt(tag + 1);
            char sign = tag + 2 < source.length() ? source.charAt(tag + 2) : ' ';
            data(beforeTag(at, tag, kind, sign));
            line += breaks(at, tag);
            at = tag + (sign == '-' || sign == '+' && kind != '{' ? 3 : 2);
            switch (kind) {
                case '#' -> comment();
                case '{' -> code(Token.Kind.OUTPUT_BEGIN, Token.Kind.OUTPUT_END, "}}");
                default -> {
                    if (!raw()) code(Token.Kind.BLOCK_BEGIN, Token.Kind.BLOCK_END, "%}");
                }
            }
        }
        add(Token.Kind.END, "");
    }

    private int nextTag(int from) {
        for (int i = from; i + 1 < source.length(); i++) {
            if (source.charAt(i) == '{' && "{%#".indexOf(source.charAt(i + 1)) >= 0) return i;
        }
        return source.length();
    }

    private String beforeTag(int from, int tag, char kind, char sign) {
        int end = tag;
        if (sign == '-') {
            while (end > from && PythonText.isSpace(source.charAt(end - 1))) end--;
        } else if (sign != '+' && kind != '{') {
            int lineStart = tag;
            while (lineStart > from && isIndentation(source.charAt(lineStart - 1))) lineStart--;
            boolean indentation = lineStart > from ? source.charAt(lineStart - 1) == '\n' : lineStarts;
            if (indentation) end = lineStart;
        }
        return source.substring(from, end);
    }

    private static boolean isIndentation(char c) {
        return c != '\n' && PythonText.isSpace(c);
    }

    private void comment() {
        int close = source.indexOf("#}", at);
        if (close < 0) throw new JinjaException("a comment has no end", line);
        boolean signed = close > at && "-+".indexOf(source.charAt(close - 1)) >= 0;
        afterTag(close, signed ? source.charAt(close - 1) : ' ', true);
    }

    /** Steps over the two characters that close a tag at {@code close} and the white space that goes with them. */
    private void afterTag(int close, char sign, boolean block) {
        int end = close + 2;
        if (sign == '-') {
            while (end < source.length() && PythonText.isSpace(source.charAt(end))) end++;
        } else if (sign != '+' && block && end < source.length() && source.charAt(end) == '\n') {
            end++;
        }
        line += breaks(at, end);
        lineStarts = source.charAt(end - 1) == '\n';
        at = end;
    }

    /** Takes a whole {@code {% raw %}} block, whose opening characters are already behind, if there is one. */
    private boolean raw() {
        int p = word(at, "raw");
        if (p < 0) return false;
        boolean strip = source.startsWith("-%}", p);
        if (!strip && !source.startsWith("%}", p)) return false;
        afterTag(strip ? p + 1 : p, strip ? '-' : '+', true);
        for (int tag = source.indexOf("{%", at); tag >= 0; tag = source.indexOf("{%", tag + 2)) {
            char sign = tag + 2 < source.length() ? source.charAt(tag + 2) : ' ';
            int q = word(sign == '-' || sign == '+' ? tag + 3 : tag + 2, "endraw");
            if (q < 0) continue;
            boolean signed = q < source.length() && "-+".indexOf(source.charAt(q)) >= 0;
            if (!source.startsWith("%}", signed ? q + 1 : q)) continue;
            data(beforeTag(at, tag, '%', sign));
            afterTag(signed ? q + 1 : q, signed ? source.charAt(q) : ' ', true);
            return true;
        }
        throw new JinjaException("a raw block has no end", line);
    }

    /** The place after {@code word} and the spaces around it, or -1. */
    private int word(int from, String word) {
        int p = skipSpace(from);
        return source.startsWith(word, p) ? skipSpace(p + word.length()) : -1;
    }

    private int skipSpace(int p) {
        while (p < source.length() && PythonText.isSpace(source.charAt(p))) p++;
        return p;
    }

    /** The tokens of a tag up to its end, which counts as such only outside brackets. */
    private void code(Token.Kind begin, Token.Kind end, String closing) {
        add(begin, closing);
        StringBuilder open = new StringBuilder();
        while (true) {
            int start = skipSpace(at);
            line += breaks(at, start);
            at = start;
            if (at >= source.length()) throw new JinjaException("a tag has no '" + closing + "'", line);
            if (open.isEmpty()) {
                boolean block = end == Token.Kind.BLOCK_END;
                boolean signed = source.charAt(at) == '-' || block && source.charAt(at) == '+';
                if (source.startsWith(closing, signed ? at + 1 : at)) {
                    add(end, closing);
                    afterTag(signed ? at + 1 : at, signed ? source.charAt(at) : ' ', block);
                    return;
                }
            }
            char c = source.charAt(at);
            if (c == '"' || c == '\'') string(c);
            else if (Character.isDigit(c)) number();
            else if (Character.isUnicodeIdentifierStart(c) || c == '_') name();
            else operator(open);
        }
    }

    private void name() {
        int start = at;
        while (at < source.length() && (Character.isUnicodeIdentifierPart(source.charAt(at)) || source.charAt(at) == '_')) at++;
        add(Token.Kind.NAME, source.substring(start, at));
    }

    private void operator(StringBuilder open) {
        for (String operator : OPERATORS) {
            if (!source.startsWith(operator, at)) continue;
            int opening = "([{".indexOf(operator);
            int closing = ")]}".indexOf(operator);
            if (opening >= 0) open.append(")]}".charAt(opening));
            if (closing >= 0) {
                if (open.isEmpty() || open.charAt(open.length() - 1) != operator.charAt(0)) {
                    throw new JinjaException("unexpected '" + operator + "'", line);
                }
                open.setLength(open.length() - 1);
            }
            add(Token.Kind.OPERATOR, operator);
            at += operator.length();
            return;
        }
        throw new JinjaException("unexpected character '" + source.charAt(at) + "'", line);
    }

    private void number() {
        int start = at;
        boolean real = false;
        while (at < source.length()) {
            char c = source.charAt(at);
            boolean digitFollows = isDigit(at + 1);
            boolean signFollows = at + 1 < source.length() && "+-".indexOf(source.charAt(at + 1)) >= 0 && isDigit(at + 2);
            if (Character.isDigit(c) || c == '_') {
                at++;
            } else if (c == '.' && digitFollows && !real) {
                real = true;
                at++;
            } else if ((c == 'e' || c == 'E') && (digitFollows || signFollows)) {
                real = true;
                at += 2;
            } else {
                break;
            }
        }
        String digits = source.substring(start, at).replace("_", "");
        try {
            if (real) add(Token.Kind.FLOAT, Double.valueOf(digits));
            else add(Token.Kind.INTEGER, Long.valueOf(digits));
        } catch (NumberFormatException e) {
            throw new JinjaException("'" + digits + "' is not a number this engine can hold", line);
        }
    }

    private boolean isDigit(int place) {
        return place < source.length() && Character.isDigit(source.charAt(place));
    }

    private void string(char quote) {
        StringBuilder text = new StringBuilder();
        int start = at++;
        while (at < source.length() && source.charAt(at) != quote) {
            if (source.charAt(at) == '\\') escape(text);
            else text.append(source.charAt(at++));
        }
        if (at >= source.length()) throw new JinjaException("a string has no end", line);
        at++;
        add(Token.Kind.STRING, text.toString());
        line += breaks(start, at);
    }

    private void escape(StringBuilder text) {
        if (++at >= source.length()) return;
        char c = source.charAt(at++);
        switch (c) {
            case 'n' -> text.append('\n');
            case 't' -> text.append('\t');
            case 'r' -> text.append('\r');
            case 'b' -> text.append('\b');
            case 'f' -> text.append('\f');
            case 'a' -> text.append('\u0007');
            case 'v' -> text.append('\u000B');
            case '\\', '\'', '"' -> text.append(c);
            case '\n' -> { }
            case 'x' -> code(text, 2);
            case 'u' -> code(text, 4);
            case 'U' -> code(text, 8);
            case '0', '1', '2', '3', '4', '5', '6', '7' -> {
                int end = at;
                while (end < source.length() && end < at + 2 && source.charAt(end) >= '0' && source.charAt(end) <= '7') end++;
                text.append((char) Integer.parseInt(source.substring(at - 1, end), 8));
                at = end;
            }
            default -> text.append('\\').append(c);
        }
    }

    private void code(StringBuilder text, int digits) {
        try {
            text.appendCodePoint(Integer.parseUnsignedInt(source, at, at + digits, 16));
        } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
            throw new JinjaException("a string holds an escape that is no character", line);
        }
        at += digits;
    }

    private void data(String text) {
        if (!text.isEmpty()) add(Token.Kind.DATA, text);
    }

    private void add(Token.Kind kind, Object value) {
        tokens.add(new Token(kind, value, line));
    }

    private int breaks(int from, int to) {
        int count = 0;
        for (int i = from; i < to; i++) if (source.charAt(i) == '\n') count++;
        return count;
    }
}
