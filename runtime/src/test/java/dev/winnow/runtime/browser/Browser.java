package dev.winnow.runtime.browser;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A headless Chromium with one tab, driven over its DevTools protocol, for tests of pages that Winnow writes. The program is that of the
 * variable {@code WINNOW_BROWSER}, or one of the usual names on the path.
 */
public final class Browser implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern LISTENING = Pattern.compile("DevTools listening on (ws://\\S+)");
    private static final int SECONDS = 60;

    private final Process process;
    private final HttpClient client = HttpClient.newHttpClient();
    private final WebSocket socket;
    private final AtomicInteger ids = new AtomicInteger();
    private final Map<Integer, CompletableFuture<JsonNode>> answers = new ConcurrentHashMap<>();
    private final List<String> complaints = new CopyOnWriteArrayList<>();
    private CompletableFuture<Void> loaded = new CompletableFuture<>();
    private final String session;

    /** The program to test with, where there is one. */
    public static Optional<Path> program() {
        String named = System.getenv("WINNOW_BROWSER");
        if (named != null && !named.isBlank()) return Optional.of(Path.of(named));
        String path = System.getenv().getOrDefault("PATH", "");
        return Stream.of("chromium", "chromium-browser", "google-chrome")
                .flatMap(name -> Stream.of(path.split(File.pathSeparator)).map(folder -> Path.of(folder, name)))
                .filter(Files::isExecutable).findFirst();
    }

    /** @param profile an empty folder for what the browser keeps */
    public Browser(Path program, Path profile) throws IOException {
        process = new ProcessBuilder(program.toString(), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--hide-scrollbars", "--no-first-run", "--disable-extensions", "--disable-background-networking",
                "--remote-debugging-port=0", "--user-data-dir=" + profile, "about:blank").redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
        socket = client.newWebSocketBuilder().buildAsync(URI.create(address()), new Listener()).join();
        String target = call(null, "Target.createTarget", Map.of("url", "about:blank")).get("targetId").asText();
        session = call(null, "Target.attachToTarget", Map.of("targetId", target, "flatten", true)).get("sessionId").asText();
        for (String domain : List.of("Page", "Runtime", "Log")) call(session, domain + ".enable", Map.of());
    }

    private String address() throws IOException {
        BufferedReader said = process.errorReader(StandardCharsets.UTF_8);
        StringBuilder all = new StringBuilder();
        for (String line = said.readLine(); line != null; line = said.readLine()) {
            Matcher m = LISTENING.matcher(line);
            if (m.find()) {
                // whatever else it says has to go somewhere
                Thread.ofVirtual().start(() -> said.lines().forEach(l -> { }));
                return m.group(1);
            }
            all.append(line).append('\n');
        }
        throw new IOException("the browser did not start: " + all);
    }

    /** Opens a page at a width and height in CSS pixels; returns once it has loaded. */
    public void open(URI page, int width, int height, boolean dark) {
        call(session, "Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", false));
        call(session, "Emulation.setEmulatedMedia",
                Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light"))));
        // a page of another address only differing behind # would not be loaded anew
        navigate("about:blank");
        navigate(page.toString());
    }

    private void navigate(String url) {
        loaded = new CompletableFuture<>();
        call(session, "Page.navigate", Map.of("url", url));
        wait(loaded, url);
    }

    /** The value of an expression on the page. */
    public JsonNode evaluate(String expression) {
        JsonNode result = call(session, "Runtime.evaluate", Map.of("expression", expression, "returnByValue", true, "awaitPromise", true));
        if (result.has("exceptionDetails")) throw new IllegalStateException(expression + ": " + result.get("exceptionDetails"));
        return result.get("result").path("value");
    }

    /** Presses and releases a key where the focus is. */
    public void press(String key) {
        int code = Map.of("ArrowLeft", 37, "ArrowUp", 38, "ArrowRight", 39, "ArrowDown", 40, "Tab", 9, "Enter", 13).getOrDefault(key, 0);
        for (String type : List.of("rawKeyDown", "keyUp")) {
            call(session, "Input.dispatchKeyEvent", Map.of("type", type, "key", key, "code", key, "windowsVirtualKeyCode", code));
        }
    }

    /** Moves the pointer to a place of the window. */
    public void point(double x, double y) {
        call(session, "Input.dispatchMouseEvent", Map.of("type", "mouseMoved", "x", x, "y", y));
    }

    /** Errors and warnings on the console, and exceptions, so far. */
    public List<String> complaints() {
        return new ArrayList<>(complaints);
    }

    /** The whole page as a PNG file. */
    public void screenshot(Path png) {
        String image = call(session, "Page.captureScreenshot", Map.of("format", "png", "captureBeyondViewport", true)).get("data").asText();
        try {
            Files.write(png, Base64.getDecoder().decode(image));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private JsonNode call(String to, String method, Map<String, ?> parameters) {
        int id = ids.incrementAndGet();
        ObjectNode message = JSON.createObjectNode().put("id", id).put("method", method);
        message.set("params", JSON.valueToTree(parameters));
        if (to != null) message.put("sessionId", to);
        CompletableFuture<JsonNode> answer = new CompletableFuture<>();
        answers.put(id, answer);
        socket.sendText(message.toString(), true).join();
        return wait(answer, method);
    }

    private static <T> T wait(CompletableFuture<T> future, String what) {
        return future.orTimeout(SECONDS, TimeUnit.SECONDS).exceptionally(e -> {
            throw new IllegalStateException("the browser did not answer to " + what, e);
        }).join();
    }

    private void heard(JsonNode message) {
        if (message.has("id")) {
            CompletableFuture<JsonNode> answer = answers.remove(message.get("id").asInt());
            if (message.has("error")) answer.completeExceptionally(new IllegalStateException(message.get("error").toString()));
            else answer.complete(message.get("result"));
            return;
        }
        JsonNode p = message.path("params");
        switch (message.path("method").asText()) {
            case "Page.loadEventFired" -> loaded.complete(null);
            case "Runtime.exceptionThrown" -> complaints.add(p.path("exceptionDetails").toString());
            case "Log.entryAdded" -> complain(p.path("entry").path("level").asText(), p.path("entry").path("text").asText());
            case "Runtime.consoleAPICalled" -> complain(p.path("type").asText(), p.path("args").toString());
            default -> { }
        }
    }

    private void complain(String level, String text) {
        if (level.equals("error") || level.equals("warning") || level.equals("assert")) complaints.add(level + ": " + text);
    }

    /** Puts the parts of messages together. */
    private final class Listener implements WebSocket.Listener {
        private final StringBuilder parts = new StringBuilder();

        @Override
        public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
            parts.append(data);
            if (last) {
                try {
                    heard(JSON.readTree(parts.toString()));
                } catch (JsonProcessingException e) {
                    complaints.add("not JSON: " + e.getOriginalMessage());
                }
                parts.setLength(0);
            }
            from.request(1);
            return null;
        }
    }

    @Override
    public void close() {
        // the last of them writes to the profile to the end
        List<ProcessHandle> all = process.descendants().toList();
        try {
            socket.sendText("{\"id\":0,\"method\":\"Browser.close\"}", true).orTimeout(SECONDS, TimeUnit.SECONDS).join();
            if (!process.waitFor(10, TimeUnit.SECONDS)) process.destroyForcibly();
            process.waitFor();
            for (ProcessHandle p : all) {
                p.destroyForcibly();
                p.onExit().orTimeout(SECONDS, TimeUnit.SECONDS).join();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        } finally {
            client.shutdownNow();
        }
    }
}
