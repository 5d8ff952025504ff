package dev.winnow.reduction;

/** A reduction plan that cannot be understood or does not fit the model. The message names the part. */
public final class PlanException extends IllegalArgumentException {
    public PlanException(String message) {
        super(message);
    }
}
