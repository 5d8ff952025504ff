/** Between words and token ids: tokenizer, chat templates, and text as it comes out token by token. */
package dev.winnow.runtime.text;
