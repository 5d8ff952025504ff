package dev.winnow.runtime.text;

/** A chat template that is not valid, or that will not make a prompt of the messages given. The message names its file. */
public final class TemplateException extends RuntimeException {
    TemplateException(String message, Throwable cause) {
        super(message, cause);
    }
}
