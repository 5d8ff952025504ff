package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.math.TornadoMath;

/** Numbers that stand for "not at all" where an infinity would, and the way from a product to a logit. */
public final class Scores {
    /** What no score or distance comes near. */
    static final float FAR = 1e30f;
    /** The logit or score of what must not count. */
    public static final float NEVER = -FAR;
    /** What is below this must not count; minus infinity of the host is. */
    static final float HARDLY = -1e29f;

    private Scores() {}

    /** {@code c tanh(scale * product / c) + bias}, without the bound where c is 0. */
    static float logit(float product, float scale, float softcap, float bias) {
        float logit = product * scale;
        if (softcap > 0f) logit = softcap * TornadoMath.tanh(logit / softcap);
        return bias < HARDLY ? NEVER : logit + bias;
    }

    /** exp(logit - most), or 0 for what must not count. */
    static float weight(float logit, float most) {
        return logit < HARDLY ? 0f : TornadoMath.exp(logit - most);
    }
}
