package dev.winnow.runtime.explain;

import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Sets of prompt tokens, each written once: one bit a token, the lowest bit of a byte first, in Base64. */
final class TokenSets {
    private final int tokens;
    private final List<String> all = new ArrayList<>();
    private final Map<String, Integer> numbers = new HashMap<>();

    TokenSets(int tokens) {
        this.tokens = tokens;
    }

    int number(int[] members) {
        byte[] bits = new byte[(tokens + 7) / 8];
        for (int m : members) bits[m >> 3] |= (byte) (1 << (m & 7));
        return numbers.computeIfAbsent(Base64.getEncoder().encodeToString(bits), set -> {
            all.add(set);
            return all.size() - 1;
        });
    }

    List<String> all() {
        return all;
    }
}
