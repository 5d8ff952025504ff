package dev.winnow.layers;

import java.util.List;

/** The feed-forward half of a layer. */
public sealed interface Mlp {
    /** One MLP for all tokens. */
    sealed interface Dense extends Mlp {
        /** The map whose outputs the activation takes. */
        Linear first();

        Linear down();

        Activation activation();
    }

    /** down(f(up(x))). */
    record Plain(Linear up, Linear down, Activation activation) implements Dense {
        @Override
        public Linear first() {
            return up;
        }
    }

    /** down(f(gate(x)) * up(x)) (Shazeer 2020). */
    record Gated(Linear gate, Linear up, Linear down, Activation activation) implements Dense {
        @Override
        public Linear first() {
            return gate;
        }
    }

    /**
     * Each token gets the weighted sum of a few experts, those with the highest probabilities of the router (Shazeer et al. 2017).
     *
     * @param router     [experts, width]; its softmax over all experts are the probabilities
     * @param experts    all of the same shapes
     * @param active     experts of a token; of equal ones the first
     * @param normalised whether the weights of a token's experts are brought to the sum of 1
     */
    record MixtureOfExperts(Linear router, List<Dense> experts, int active, boolean normalised) implements Mlp {
        public MixtureOfExperts {
            if (active < 1 || active > experts.size() || router.out() != experts.size()) {
                throw new IllegalArgumentException("a router of " + router.out() + " outputs cannot choose " + active + " of "
                        + experts.size() + " experts");
            }
            experts = List.copyOf(experts);
        }
    }
}
