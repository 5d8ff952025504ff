import java.io.IOException;
import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassElement;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.NewObjectInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Run by the build on winnow.jar: Jackson's parsers get the four decimals that they compare large numbers with where they do so, and not
 * when the first parser is made. For the first BigDecimal of a process the JDK raises 5 to the power 65536, which took longer than to
 * read all the JSON of a small model.
 */
final class LateDecimals {
    private static final List<String> PARSERS = List.of("core/base/ParserMinimalBase", "core/base/ParserBase",
            "databind/util/TokenBuffer$Parser");
    private static final ClassDesc DECIMAL = BigDecimal.class.describeConstable().orElseThrow();
    private static final ClassDesc INTEGER = BigInteger.class.describeConstable().orElseThrow();

    private LateDecimals() {}

    /** @param args the jar */
    public static void main(String[] args) throws IOException {
        Path jar = Path.of(args[0]);
        try (URLClassLoader types = new URLClassLoader(new URL[] {jar.toUri().toURL()});
             FileSystem entries = FileSystems.newFileSystem(jar)) {
            ClassFile classes = ClassFile.of(ClassFile.ClassHierarchyResolverOption.of(ClassHierarchyResolver.ofResourceParsing(types)));
            for (String parser : PARSERS) {
                Path file = entries.getPath("com/fasterxml/jackson/" + parser + ".class");
                Files.write(file, classes.transformClass(classes.parse(Files.readAllBytes(file)), LateDecimals::late));
            }
        }
    }

    private static void late(ClassBuilder rewritten, ClassElement e) {
        if (e instanceof MethodModel method) {
            boolean initialises = method.methodName().equalsString(ConstantDescs.CLASS_INIT_NAME);
            CodeTransform late = initialises ? new Dropping() : LateDecimals::makeWhereLoaded;
            rewritten.transformMethod(method, MethodTransform.transformingCode(late));
        } else {
            rewritten.with(e);
        }
    }

    private static boolean isDecimal(CodeElement e) {
        return e instanceof FieldInstruction f && f.typeSymbol().equals(DECIMAL) && f.name().stringValue().startsWith("BD_");
    }

    /** BD_X, a decimal, is made of BI_X, an integer. */
    private static void makeWhereLoaded(CodeBuilder code, CodeElement e) {
        if (isDecimal(e) && e instanceof FieldInstruction f) {
            code.new_(DECIMAL).dup()
                    .getstatic(f.owner().asSymbol(), "BI_" + f.name().stringValue().substring("BD_".length()), INTEGER)
                    .invokespecial(DECIMAL, ConstantDescs.INIT_NAME, MethodTypeDesc.of(ConstantDescs.CD_void, INTEGER));
        } else {
            code.with(e);
        }
    }

    /** Leaves out what makes a decimal and stores it. */
    private static final class Dropping implements CodeTransform {
        private boolean dropping;

        @Override
        public void accept(CodeBuilder code, CodeElement e) {
            dropping |= e instanceof NewObjectInstruction n && n.className().asSymbol().equals(DECIMAL);
            if (!dropping) code.with(e);
            dropping &= !isDecimal(e);
        }

        @Override
        public void atEnd(CodeBuilder code) {
            if (dropping) throw new IllegalStateException("decimals are made in another way than they were");
        }
    }
}
