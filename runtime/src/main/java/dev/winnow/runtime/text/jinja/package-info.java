/**
 * A small Jinja for chat templates: {@code Lexer} to {@code Parser} to {@code Renderer}, with Python's rules for values. Of its
 * own because templates are code from strangers: here they reach nothing but what is listed in {@code Methods},
 * {@code Filters} and {@code Tests}, and print what Python's Jinja prints, white space included.
 */
package dev.winnow.runtime.text.jinja;
