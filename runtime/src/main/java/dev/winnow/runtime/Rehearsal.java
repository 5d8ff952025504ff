package dev.winnow.runtime;

import java.nio.file.Path;
import java.util.List;

/**
 * Usual requests one after the other, for the JVM to note which classes they load. {@code ./winnow} runs it once, and keeps those classes
 * for quicker starts.
 */
final class Rehearsal {
    private Rehearsal() {}

    /** @param args the folder {@code examples/demo} */
    public static void main(String[] args) {
        Path demo = Path.of(args[0]);
        String picture = demo.resolve("questions-vlm/0015.png").toString();
        String talker = demo.resolve("shapes-vlm").toString();
        List<List<String>> requests = List.of(
                List.of("--version"),
                List.of("--help"),
                List.of("generate", "--model", talker, "--image", picture, "--prompt", "What is this?", "--max-new-tokens", "2"),
                List.of("generate", "--model", talker, "--image", picture, "--prompt", "What is this?", "--reduce", "tome:r=8"),
                List.of("classify", "--model", demo.resolve("shapes-vit").toString(), "--image", picture),
                List.of("demo", "--quick"));
        int worst = 0;
        for (List<String> request : requests) worst = Math.max(worst, Main.run(request.toArray(String[]::new)));
        System.exit(worst);
    }
}
