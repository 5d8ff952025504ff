package dev.winnow.runtime.cli;

import dev.winnow.runtime.images.ImageException;
import dev.winnow.runtime.images.Video;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/** Films as their frames. */
final class VideoOption {
    @Option(names = "--video", paramLabel = "FOLDER|FILE,...",
            description = "a video as its frames: a folder of pictures in the order of their names, or picture files with commas"
                    + " between them; may be repeated")
    private List<String> videos = new ArrayList<>();
    @Option(names = "--fps", paramLabel = "N", description = "frames a second of each --video; default 2")
    private Double fps;

    boolean isGiven() {
        return !videos.isEmpty();
    }

    List<Video> read() {
        if (fps != null && videos.isEmpty()) throw new UsageException("--fps is the rate of a --video, but there is none");
        double rate = fps == null ? Video.USUAL_FPS : fps;
        try {
            Video.requireFps(rate);
        } catch (ImageException e) {
            throw new UsageException("--fps: " + e.getMessage());
        }
        return videos.stream().map(v -> Video.read(Stream.of(v.split(",")).map(Path::of).toList(), rate)).toList();
    }

    /** The frames, as names of pictures. */
    List<Path> files() {
        return videos.stream().flatMap(v -> Video.files(Stream.of(v.split(",")).map(Path::of).toList()).stream()).toList();
    }
}
