package dev.winnow.runtime.cli;

import dev.winnow.runtime.Explanation;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.explain.ExplanationPicture;
import dev.winnow.runtime.images.RgbImage;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Option;

/** The picture of what was kept. */
final class ExplainOption {
    @Option(names = "--explain", paramLabel = "FILE.png", description = "draw which patches each reduction kept and merged")
    private Path file;

    /** Finds out before the model runs whether there will be a picture to draw and a place to put it. */
    void check(List<Path> images) {
        if (file == null) return;
        if (images.isEmpty()) throw new UsageException("--explain draws on pictures, but there is no --image");
        OutputFile.require("--explain", file, images);
    }

    void write(Explanation explanation, List<RgbImage> pictures, Winnow winnow, String caption, PrintWriter err) {
        if (file == null) return;
        ExplanationPicture.write(file, explanation, pictures, pictures.stream().map(winnow::seen).toList(), caption);
        err.println("wrote " + file);
    }
}
