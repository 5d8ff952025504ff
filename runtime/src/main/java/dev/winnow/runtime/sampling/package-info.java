/** From logits to the next token, in the order and with the names of Hugging Face's generation. */
package dev.winnow.runtime.sampling;
