package dev.winnow.examples.localisation;

import dev.winnow.weights.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A question about places in a demo scene whose answer follows from where its objects were drawn, in the words that the checkpoint was
 * trained with ({@code examples/demo/train/data.py}): where each object is that has no double, and which object is the only one on some
 * side of it.
 *
 * @param scene   number of the scene
 * @param image   its picture
 * @param objects that must be seen to answer
 */
record SceneQuestion(int scene, String image, String text, String answer, Kind kind, List<SceneObject> objects) {
    enum Kind { POSITION, RELATION }

    /** Where the objects lie that a question is about. */
    enum Half { TOP, BOTTOM, BOTH }

    /** Pixels of a picture's side. */
    static final int SIDE = 96;
    private static final List<String> CELLS = List.of("top left", "top", "top right", "left", "center", "right", "bottom left", "bottom",
            "bottom right");
    private static final List<String> SIDES = List.of("left of", "right of", "above", "below");
    /** Pixels by which an object must be off another's axis to be on a side of it. */
    private static final double CLEAR = 5;

    /** An object by its colour and shape, its centre and radius in pixels. */
    record SceneObject(String name, double x, double y, double radius) {
        /** Whether a patch of this side, by its row and column, lies on the object. */
        boolean covers(int row, int column, int patch) {
            return Math.hypot((column + 0.5) * patch - x, (row + 0.5) * patch - y) <= radius;
        }

        private String cell() {
            return CELLS.get((int) (y / (SIDE / 3)) * 3 + (int) (x / (SIDE / 3)));
        }

        /** How far the other lies on a side, in pixels. */
        private double offset(SceneObject other, String side) {
            return switch (side) {
                case "left of" -> x - other.x;
                case "right of" -> other.x - x;
                case "above" -> y - other.y;
                default -> other.y - y;
            };
        }
    }

    /** All such questions about the scenes of a question set, in their order. */
    static List<SceneQuestion> read(Path questions) throws IOException {
        List<SceneQuestion> all = new ArrayList<>();
        List<String> lines = Files.readAllLines(questions.resolve("scenes.jsonl"));
        for (int i = 0; i < lines.size(); i++) {
            Settings scene = Settings.of(lines.get(i), "scenes.jsonl line " + (i + 1));
            List<SceneObject> objects = scene.sections("objects").stream().map(o -> new SceneObject(o.string("color") + " "
                    + o.string("shape"), o.number("x"), o.number("y"), o.number("radius"))).toList();
            for (SceneObject one : objects) {
                if (objects.stream().filter(o -> o.name().equals(one.name())).count() > 1) continue;
                String where = "Where is the " + one.name() + "?";
                all.add(new SceneQuestion(i, scene.string("image"), where, one.cell(), Kind.POSITION, List.of(one)));
                for (String side : SIDES) {
                    onlyOneOn(side, one, objects).ifPresent(other -> all.add(relation(all.getLast(), side, one, other)));
                }
            }
        }
        return all;
    }

    private static SceneQuestion relation(SceneQuestion sameScene, String side, SceneObject one, SceneObject other) {
        String text = "What is " + side + " the " + one.name() + "?";
        return new SceneQuestion(sameScene.scene, sameScene.image, text, other.name(), Kind.RELATION, List.of(one, other));
    }

    /** The object on a side of another, if there is one, only one, and none in between whose side is in doubt. */
    private static Optional<SceneObject> onlyOneOn(String side, SceneObject one, List<SceneObject> objects) {
        List<SceneObject> others = objects.stream().filter(o -> o != one).toList();
        if (others.stream().anyMatch(o -> Math.abs(one.offset(o, side)) <= CLEAR)) return Optional.empty();
        List<SceneObject> there = others.stream().filter(o -> one.offset(o, side) > CLEAR).toList();
        return there.size() == 1 ? Optional.of(there.getFirst()) : Optional.empty();
    }

    Half half() {
        long top = objects.stream().filter(o -> o.y() < SIDE / 2.0).count();
        return top == objects.size() ? Half.TOP : top == 0 ? Half.BOTTOM : Half.BOTH;
    }
}
