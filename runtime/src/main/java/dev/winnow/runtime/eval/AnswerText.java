package dev.winnow.runtime.eval;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Answers made comparable as the evaluation of VQA does (Antol et al. 2015, <i>VQA: Visual Question Answering</i>, and its released
 * evaluation code): lower case, no articles, numbers up to ten as digits, contractions with their apostrophes, no punctuation. A
 * punctuation mark beside a space, and every mark of a text that has a comma between digits, is dropped; any other becomes a space. A
 * full stop is dropped unless a digit follows.
 */
final class AnswerText {
    private static final String MARKS = ";/[]\"{}()=+\\_-><@`,?!";
    private static final Pattern COMMA_IN_NUMBER = Pattern.compile("\\d,\\d");
    private static final Pattern FULL_STOP = Pattern.compile("\\.(?!\\d)");
    private static final Pattern SPACE = Pattern.compile("\\s+");
    private static final Set<String> ARTICLES = Set.of("a", "an", "the");
    private static final Map<String, String> NUMBERS = Map.ofEntries(Map.entry("none", "0"), Map.entry("zero", "0"), Map.entry("one", "1"),
            Map.entry("two", "2"), Map.entry("three", "3"), Map.entry("four", "4"), Map.entry("five", "5"), Map.entry("six", "6"),
            Map.entry("seven", "7"), Map.entry("eight", "8"), Map.entry("nine", "9"), Map.entry("ten", "10"));
    /** Spellings without some of their apostrophes, to those with all. */
    private static final Map<String, String> CONTRACTIONS = contractions("""
            ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd he'd've he's
            how'd how'll how's isn't it'd it'd've it'll let's ma'am mightn't mightn't've might've mustn't must've needn't not've o'clock
            oughtn't shan't she'd've she's should've shouldn't shouldn't've somebody'd somebody'd've somebody'll somebody's someone'd
            someone'd've someone'll someone's something'd something'd've something'll that's there'd there'd've there're there's they'd
            they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's what've when's where'd where's
            where've who'd who'd've who'll who's who've why'll why're why's won't would've wouldn't wouldn't've y'all y'all'll y'all'd've
            you'd you'd've you'll you're you've""");

    private AnswerText() {}

    private static Map<String, String> contractions(String words) {
        Map<String, String> map = new HashMap<>();
        for (String word : SPACE.split(words)) for (String without : withoutSomeApostrophes(word)) map.put(without, word);
        return map;
    }

    private static List<String> withoutSomeApostrophes(String word) {
        int at = word.indexOf('\'');
        if (at < 0) return List.of(word);
        List<String> spellings = new ArrayList<>();
        for (String rest : withoutSomeApostrophes(word.substring(at + 1))) {
            spellings.add(word.substring(0, at) + rest);
            spellings.add(word.substring(0, at + 1) + rest);
        }
        return spellings;
    }

    /** The comparable form; empty for a text of nothing but articles and marks. */
    static String normalised(String text) {
        List<String> words = new ArrayList<>();
        for (String word : SPACE.split(withoutMarks(SPACE.matcher(text).replaceAll(" ").strip()).toLowerCase(Locale.ROOT))) {
            String known = NUMBERS.getOrDefault(word, word);
            if (!known.isEmpty() && !ARTICLES.contains(known)) words.add(CONTRACTIONS.getOrDefault(known, known));
        }
        return String.join(" ", words);
    }

    private static String withoutMarks(String text) {
        boolean number = COMMA_IN_NUMBER.matcher(text).find();
        String without = text;
        for (char mark : MARKS.toCharArray()) {
            boolean besideSpace = text.contains(mark + " ") || text.contains(" " + mark);
            without = without.replace(Character.toString(mark), number || besideSpace ? "" : " ");
        }
        return FULL_STOP.matcher(without).replaceAll("");
    }
}
