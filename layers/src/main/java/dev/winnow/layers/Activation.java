package dev.winnow.layers;

/** Element-wise functions between the two projections of an MLP, by their Hugging Face names. */
public enum Activation {
    /** f(x) = x. */
    NONE("linear"),
    /** x * sigmoid(x). */
    SILU("silu"),
    /** The exact form with erf. */
    GELU("gelu"),
    /** The tanh approximation; {@code gelu_new} and {@code gelu_pytorch_tanh} are the same function. */
    GELU_TANH("gelu_pytorch_tanh"),
    /** x * sigmoid(1.702 x), CLIP's. */
    QUICK_GELU("quick_gelu"),
    RELU("relu"),
    TANH("tanh"),
    /** max(x, 0) squared (So et al. 2021). */
    RELU_SQUARED("relu2");

    private final String huggingFaceName;

    Activation(String huggingFaceName) {
        this.huggingFaceName = huggingFaceName;
    }

    /** The function that a configuration's {@code hidden_act} names. */
    public static Activation named(String name) {
        for (Activation a : values()) {
            if (a.huggingFaceName.equals(name)) return a;
        }
        return switch (name) {
            case "swish" -> SILU;
            case "gelu_new", "gelu_fast" -> GELU_TANH;
            default -> throw new IllegalArgumentException("unknown activation function '" + name + "'");
        };
    }
}
