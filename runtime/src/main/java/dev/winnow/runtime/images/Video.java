package dev.winnow.runtime.images;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A film as pictures in the order of time.
 *
 * @param frames at least one, at most {@link #MOST_FRAMES}
 * @param fps    frames a second
 */
public record Video(List<RgbImage> frames, double fps) {
    /** Frames a second where nobody says: what Qwen's processors take for granted. */
    public static final double USUAL_FPS = 2;
    /** Far beyond any context. */
    public static final int MOST_FRAMES = 4096;

    private static final Set<String> FILMS = Set.of("mp4", "m4v", "mov", "mkv", "webm", "avi", "mpg", "mpeg", "wmv", "flv", "ogv", "ts");
    private static final Set<String> PICTURES = Set.of("png", "jpg", "jpeg", "gif", "bmp", "webp");

    public Video {
        frames = List.copyOf(frames);
        if (frames.isEmpty()) throw new ImageException("a video needs a frame at least");
        requireFew(frames.size());
        requireFps(fps);
    }

    /** @throws ImageException when a rate is no number of frames a second */
    public static void requireFps(double fps) {
        if (!(fps > 0 && fps <= 1000)) throw new ImageException("frames a second should be above 0 and at most 1000 but are " + fps);
    }

    private static void requireFew(int frames) {
        if (frames <= MOST_FRAMES) return;
        throw new ImageException("a video of " + frames + " frames is too long; " + MOST_FRAMES + " are the most");
    }

    /**
     * Reads the frames of a film.
     *
     * @param places picture files in the order of time, or one folder, whose pictures are taken in the order of their names
     * @throws ImageException when a file is a film itself, which nothing here decodes, or no picture
     */
    public static Video read(List<Path> places, double fps) {
        List<Path> files = files(places);
        requireFew(files.size());
        requireFps(fps);
        return new Video(files.stream().map(RgbImage::read).toList(), fps);
    }

    /** The picture files of a film. */
    public static List<Path> files(List<Path> places) {
        if (places.size() == 1 && Files.isDirectory(places.getFirst())) return inside(places.getFirst());
        for (Path file : places) {
            if (!FILMS.contains(extension(file))) continue;
            throw new ImageException(file + " is a film, and Winnow decodes pictures only: take frames out of it, as 'ffmpeg -i FILM -vf"
                    + " fps=2 FOLDER/%05d.png' does, and name their folder");
        }
        return List.copyOf(places);
    }

    private static List<Path> inside(Path folder) {
        List<Path> files = new ArrayList<>();
        try (Stream<Path> all = Files.list(folder)) {
            all.filter(f -> PICTURES.contains(extension(f))).sorted().forEach(files::add);
        } catch (IOException e) {
            throw new ImageException(folder + " cannot be read: " + e.getMessage(), e);
        }
        if (files.isEmpty()) throw new ImageException(folder + " holds no pictures (PNG, JPEG, GIF, BMP, WebP), which frames should be");
        return files;
    }

    private static String extension(Path file) {
        String name = file.getFileName() == null ? "" : file.getFileName().toString();
        return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
    }
}
