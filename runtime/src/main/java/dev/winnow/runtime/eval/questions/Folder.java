package dev.winnow.runtime.eval.questions;

import dev.winnow.weights.Quoted;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;

/**
 * The folder that paths in a data file start from. A path must stay in it; links that lie in the folder are the user's own and are
 * followed.
 */
record Folder(Path root) {
    /** The folder of a file. */
    static Folder of(Path file) {
        return new Folder(file.toAbsolutePath().getParent());
    }

    /** A picture by the path that a data file gives; {@code where} names the file and line for messages. */
    Picture picture(String path, String where) {
        Path file = resolve(path, where);
        if (!Files.isRegularFile(file)) throw new QuestionsException(where + ": picture " + Quoted.name(path) + " is not there");
        return new Picture.InFile(path, file);
    }

    /** The first of several paths where a picture is; formats say where their pictures are in more than one way. */
    Picture pictureAtAny(List<String> paths, String where) {
        for (String path : paths) if (Files.isRegularFile(resolve(path, where))) return picture(path, where);
        throw new QuestionsException(where + ": picture " + Quoted.name(paths.getFirst()) + " is not there"
                + (paths.size() == 1 ? "" : ", nor at " + paths.size() + " places that are usual for this format"));
    }

    private Path resolve(String path, String where) {
        try {
            Path relative = Path.of(path);
            Path file = root.resolve(relative).normalize();
            // a backslash is a separator to some systems and part of a name to others; no question set needs it
            boolean leaves = path.isEmpty() || path.contains("\\") || relative.isAbsolute() || !file.startsWith(root.normalize());
            for (Path part : relative) leaves |= part.toString().equals("..");
            if (!leaves) return file;
        } catch (InvalidPathException e) {
            throw new QuestionsException(where + ": " + Quoted.name(path) + " is not a path", e);
        }
        throw new QuestionsException(where + ": path " + Quoted.name(path) + " should stay in the folder of the data");
    }
}
