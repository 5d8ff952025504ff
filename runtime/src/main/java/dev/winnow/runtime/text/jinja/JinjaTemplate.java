package dev.winnow.runtime.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The part of <a href="https://jinja.palletsprojects.com">Jinja</a> that chat templates use, with the settings of Hugging
 * Face's {@code apply_chat_template}: {@code trim_blocks}, {@code lstrip_blocks}, loop controls, {@code raise_exception},
 * their tojson, and {@code {% generation %}} blocks, which only mark text. Not there: inheritance, includes, recursive loops,
 * async.
 *
 * <p>Templates are downloaded with models and not to be trusted. A template reaches only the values given to it and methods
 * listed by name; it changes none of them; and each rendering has a {@link Budget}.
 *
 * <p>Immutable; safe for use by many threads.
 */
public final class JinjaTemplate {
    private final List<Statement> statements;

    private JinjaTemplate(List<Statement> statements) {
        this.statements = statements;
    }

    /** @throws JinjaException when the text is not a template or uses what is not supported */
    public static JinjaTemplate parse(String source) {
        try {
            return new JinjaTemplate(Parser.parse(source));
        } catch (StackOverflowError e) {
            throw new JinjaException("the template is nested too deeply");
        }
    }

    /**
     * The text the template makes of variables.
     *
     * @param variables String, Integer, Long, Double, Boolean, null, List, Map with String keys, or {@link Callable}
     * @throws JinjaException when the template fails, raises an exception, or does too much
     */
    public String render(Map<String, ?> variables) {
        Scope globals = new Scope(null);
        globals.set("range", (Callable) JinjaTemplate::range);
        globals.set("dict", (Callable) given -> new LinkedHashMap<Object, Object>(given.named()));
        globals.set("namespace", (Callable) Namespace::of);
        globals.set("raise_exception", (Callable) given -> {
            throw JinjaException.raised(PythonText.str(given.get(0)));
        });
        variables.forEach((name, value) -> globals.set(name, Values.of(value)));
        try {
            return Budget.within(length(variables), () -> new Renderer().render(statements, globals));
        } catch (StackOverflowError e) {
            throw new JinjaException("the template is nested too deeply");
        }
    }

    /** How many characters the values hold. */
    private static long length(Object value) {
        return switch (value) {
            case String text -> text.length();
            case List<?> list -> list.stream().mapToLong(JinjaTemplate::length).sum();
            case Map<?, ?> map -> map.values().stream().mapToLong(JinjaTemplate::length).sum();
            case null, default -> 0;
        };
    }

    private static List<Object> range(Arguments given) {
        boolean oneBound = given.positional().size() == 1;
        int from = oneBound ? 0 : Values.index(given.get(0));
        int to = Values.index(given.get(oneBound ? 0 : 1));
        int step = given.positional().size() > 2 ? Values.index(given.get(2)) : 1;
        if (step == 0) throw new JinjaException("a range cannot have the step 0");
        // as Jinja's sandbox
        if (((long) to - from) / step > 100_000) throw new JinjaException("a range has more than 100000 numbers");
        List<Object> numbers = new ArrayList<>();
        for (long i = from; step > 0 ? i < to : i > to; i += step) numbers.add(i);
        return numbers;
    }
}
