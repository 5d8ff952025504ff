package dev.winnow.runtime.eval.questions;

import java.nio.file.Path;
import java.util.List;

/**
 * A folder per class with its pictures inside (torchvision's ImageFolder, Hugging Face's imagefolder): the classes are the folders'
 * names in order, counted from 0, as both libraries count them. Pictures in folders of a class belong to the class.
 */
final class ImageFolder {
    private ImageFolder() {}

    static void read(Path root, QuestionCollector into) {
        List<Path> classes = PictureFiles.folders(root);
        for (int label = 0; label < classes.size(); label++) {
            for (Path file : PictureFiles.allPictures(classes.get(label))) {
                String name = root.relativize(file).toString().replace('\\', '/');
                into.add(Question.labelled(name, new Picture.InFile(name, file), label, classes.get(label).getFileName().toString()), name);
            }
        }
    }
}
