package dev.winnow.runtime.explain;
public final class ExplanationPicture { public static void write(java.nio.file.Path p, Object a, Object b, Object c, String s) {} }
