package dev.winnow.runtime.eval.questions;

/** Questions that cannot be read; the message is one sentence that names the file and the line or record. */
public final class QuestionsException extends RuntimeException {
    public QuestionsException(String message) {
        super(message);
    }

    public QuestionsException(String message, Throwable cause) {
        super(message, cause);
    }
}
