package dev.winnow.runtime.text.jinja;

import java.util.HashMap;
import java.util.Map;

/** What {@code namespace()} makes: the one value whose attributes a template can set. */
record Namespace(Map<String, Object> attributes) {
    static Namespace of(Arguments given) {
        Map<String, Object> attributes = new HashMap<>();
        if (!given.positional().isEmpty()) Values.dict(given.get(0)).forEach((k, v) -> attributes.put(PythonText.str(k), v));
        attributes.putAll(given.named());
        return new Namespace(attributes);
    }
}
