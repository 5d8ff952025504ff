package dev.winnow.runtime.eval.questions;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

/** Folders of pictures, in an order that does not depend on the file system. */
final class PictureFiles {
    private static final Set<String> ENDINGS = Set.of("png", "jpg", "jpeg", "gif", "bmp", "webp");
    private static final int DEEPEST = 16;

    private PictureFiles() {}

    static boolean isPicture(String name) {
        return ENDINGS.contains(ending(name));
    }

    /** What follows the last dot, in small letters. */
    static String ending(String name) {
        return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
    }

    /** What precedes the last dot. */
    static String stem(Path file) {
        String name = file.getFileName().toString();
        int dot = name.lastIndexOf('.');
        return dot < 0 ? name : name.substring(0, dot);
    }

    /** Folders within a folder, without hidden ones, by name. */
    static List<Path> folders(Path folder) {
        return listed(folder).stream().filter(Files::isDirectory).toList();
    }

    /** Files within a folder that end so, without hidden ones, by name. */
    static List<Path> files(Path folder, String ending) {
        return listed(folder).stream().filter(f -> Files.isRegularFile(f) && ending(f.getFileName().toString()).equals(ending)).toList();
    }

    /** Pictures in a folder itself, by name. */
    static List<Path> pictures(Path folder) {
        return listed(folder).stream().filter(f -> isPicture(f.getFileName().toString()) && Files.isRegularFile(f)).toList();
    }

    /** Pictures in a folder and its folders, by path. */
    static List<Path> allPictures(Path folder) {
        try (Stream<Path> files = Files.walk(folder, DEEPEST)) {
            return files.filter(f -> isPicture(f.getFileName().toString()) && Files.isRegularFile(f)).sorted().toList();
        } catch (IOException e) {
            throw TextFile.failed(folder, e);
        }
    }

    private static List<Path> listed(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(f -> !f.getFileName().toString().startsWith(".")).sorted().toList();
        } catch (IOException e) {
            throw TextFile.failed(folder, e);
        }
    }
}
