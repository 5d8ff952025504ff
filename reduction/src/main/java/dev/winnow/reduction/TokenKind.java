package dev.winnow.reduction;

/** What a token stands for. */
public enum TokenKind {
    /** The class token of an encoder. */
    CLASS,
    /** Distillation and register tokens. */
    REGISTER,
    /** A patch of a picture, or a group of them. */
    VISUAL,
    /** A piece of text. */
    TEXT,
    /** A separator between rows of patches. */
    NEWLINE,
    /** Text in front of the picture that every answer depends on. */
    SYSTEM
}
