import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Run by the build on winnow.jar: gives the classes of a package that were compiled for Java 5, which are picocli's, stack maps and the
 * version of Java 8. Without stack maps the JVM verifies a class the slow way, at each start, and keeps none in its archive of classes.
 */
final class StackMaps {
    private StackMaps() {}

    /** @param args the jar, and the package's folder in it */
    public static void main(String[] args) throws IOException {
        Path jar = Path.of(args[0]);
        try (URLClassLoader types = new URLClassLoader(new URL[] {jar.toUri().toURL()});
             FileSystem entries = FileSystems.newFileSystem(jar)) {
            ClassFile classes = ClassFile.of(ClassFile.StackMapsOption.GENERATE_STACK_MAPS,
                    ClassFile.ClassHierarchyResolverOption.of(ClassHierarchyResolver.ofResourceParsing(types)));
            List<Path> files;
            try (Stream<Path> found = Files.walk(entries.getPath(args[1]))) {
                files = found.filter(f -> f.toString().endsWith(".class")).toList();
            }
            for (Path file : files) {
                ClassModel old = classes.parse(Files.readAllBytes(file));
                if (old.majorVersion() >= ClassFile.JAVA_6_VERSION) continue;
                // methods are taken apart and built anew, or they would be copied as they are
                Files.write(file, classes.transformClass(old, ClassTransform.transformingMethodBodies(CodeTransform.ACCEPT_ALL)
                        .andThen(ClassTransform.endHandler(c -> c.withVersion(ClassFile.JAVA_8_VERSION, 0)))));
            }
        }
    }
}
