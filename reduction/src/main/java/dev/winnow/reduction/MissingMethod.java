package dev.winnow.reduction;

import java.util.List;

/**
 * A published method, or a part of one, that the library does not have. Nothing is guessed: what could not be read in a paper or in its
 * authors' code is left out.
 *
 * @param name as its authors call it
 * @param why  what stands in the way
 */
public record MissingMethod(String name, String why) {
    private static final List<MissingMethod> ALL = List.of(
            new MissingMethod("Token Transforming (2506.05709)",
                    "the authors' repository holds a README, and no text with the matrix W could be reached; any TokenMap can be written by"
                            + " hand meanwhile"),
            new MissingMethod("Cluster aggregation (Token Sequence Compression, 2504.17892)",
                    "which clustering the paper uses could not be read; there is no code"),
            new MissingMethod("Recoverable Compression (2409.01179)",
                    "its outlier cuts and scores are defined in the space of CLIP's text tower, which LLaVA directories do not have"),
            new MissingMethod("Token-level correlation (TokenCorrCompressor, 2407.14439)",
                    "the authors' repository holds no code; reviews tell that the share of patches with alike keys is the redundancy, but"
                            + " not from which cosine on, nor which layers' class attention is combined"),
            new MissingMethod("Sparsity Meets Similarity (long-tail knee, 2409.01162)",
                    "the knee rule and the second stage's criterion exist only as abstract text"),
            new MissingMethod("Pyramid Token Pruning (2509.15704)",
                    "the fusion with the instruction's attention could be read in a third party's adaptation, but that changes the region"
                            + " stage, of which no other text could be reached"),
            new MissingMethod("SkipDecode (2307.02628)",
                    "sources agree that the number of layers falls linearly with the position between two bounds and that lower ones are"
                            + " left out behind a warm-up; treatment of the prompt, rounding and the length of the warm-up are unknown"),
            new MissingMethod("METok (2506.02850)",
                    "the authors' repository holds a README; of its three stages a review tells the first in part, events cut at the"
                            + " lowest similarities of neighbouring frames, and nothing of the pruning and cache rules"),
            new MissingMethod("DToMe across frames",
                    "no published rule; DyMU merges within a picture (dtome)"),
            new MissingMethod("VLA-Pruner's action attention",
                    "needs state across requests of a robot's control loop; vlapruner is its first, stateless step"),
            new MissingMethod("VFlowOpt's pixel entropy",
                    "its weight is 0 in every published setting"),
            new MissingMethod("YOPO's neighbour attention and half MLP",
                    "need a mask of token pairs and a checkpoint tuned for it; yopo skips layers"));

    public static List<MissingMethod> all() {
        return ALL;
    }
}
