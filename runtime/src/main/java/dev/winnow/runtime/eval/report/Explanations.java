package dev.winnow.runtime.eval.report;

import dev.winnow.runtime.eval.Results;
import java.util.ArrayList;
import java.util.List;

/** What the columns of a report mean. */
final class Explanations {
    private Explanations() {}

    static List<String> all(Results results) {
        List<String> texts = new ArrayList<>();
        texts.add("Answers are greedy. The dense model is the reference; every plan answered the same questions.");
        if (results.judged()) {
            texts.add("Intervals are 95% percentile bootstrap intervals over questions (10,000 draws, fixed seed). The difference to dense is paired"
                    + " question by question. p is McNemar's exact test on the answers that changed sides (lost: right dense, wrong reduced;"
                    + " gained: the other way); no correction is made for testing several plans.");
        }
        texts.add("Agreement is the share of answers that are the dense model's. KL is KL(dense || plan) of next-token distributions in nats: the"
                + " plan is made to follow the dense answer token by token, and the mean is taken over its tokens, then over questions.");
        if (!Double.isNaN(results.dense().perplexity())) {
            texts.add("Perplexity is that of the reference texts, each token given those before it; of a text without a prompt the first half is"
                    + " read and the second is scored.");
        }
        texts.add("Visual tokens are those that really ran a layer, mean over layers and questions. FLOP counts every operation up to the first"
                + " token, in percent of dense; cache is the bytes of keys and values after the prompt.");
        return texts;
    }
}
