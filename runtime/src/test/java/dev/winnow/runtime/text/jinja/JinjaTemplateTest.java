package dev.winnow.runtime.text.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.winnow.weights.Settings;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JinjaTemplateTest {
    private static final String TWO_DEEP_LISTS = "{% set n = namespace(s=1, t=1) %}"
            + "{% for a in range(60) %}{% set n.s = [n.s, n.s] %}{% set n.t = [n.t, n.t] %}{% endfor %}";

    private static String render(String template) {
        return JinjaTemplate.parse(template).render(Map.of());
    }

    /** Small templates and what Python's jinja2 makes of them; null where it fails. */
    @TestFactory
    Stream<DynamicTest> agreesWithPython() throws IOException, URISyntaxException {
        Path file = Path.of(JinjaTemplateTest.class.getResource("/text/snippets.json").toURI());
        List<Settings> cases = Settings.read(file).sections("cases");
        return IntStream.range(0, cases.size()).mapToObj(i -> {
            Settings snippet = cases.get(i);
            String source = snippet.string("template");
            return dynamicTest(i + ": " + source.replace('\n', '¶'), () -> {
                if (snippet.has("output")) assertThat(render(source)).isEqualTo(snippet.string("output"));
                else assertThatThrownBy(() -> render(source)).isInstanceOf(JinjaException.class);
            });
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% set n = namespace(s='x') %}{% for a in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}",
        "{% set n = namespace(s='x') %}{% for a in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
        "{% set n = namespace(s=['x']) %}{% for a in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}",
        "{% set n = namespace(s=1) %}{% for a in range(99) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s }}",
        "{% set n = namespace(s=1) %}{% for a in range(99) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s | tojson }}",
        TWO_DEEP_LISTS + "{{ n.s == n.t }}",
        TWO_DEEP_LISTS + "{{ n.s < n.t }}",
        "{% set n = namespace(s=1) %}{% for a in range(60) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ {n.s: 1} }}",
        "{{ 'x' * 999999999 * 999999999 }}",
        "{{ ('x' * 1000000).replace('', 'x' * 1000000) }}",
        "{{ ('x' * 1000000).join(('x' * 1000000) | list) }}",
        "{{ ('\n' * 9000000) | indent(1000, blank=true) }}",
        "{{ '%999999999d' % 1 }}",
        "{{ range(0, 999999999) }}",
        "{{ 9 ** 9 ** 9 ** 9 }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m(n) %}{{ m(n) }}{{ m(n) }}{% endmacro %}{{ m(1) }}",
        "{{ 9999999999999999999 }}",
    })
    void whatTakesTooMuchIsRefusedSoon(String template) {
        Assertions.assertTimeoutPreemptively(Duration.ofSeconds(20),
                () -> assertThatThrownBy(() -> render(template)).isInstanceOf(JinjaException.class));
    }

    @Test
    void deepNestingIsRefused() {
        for (String unit : List.of("(", "[", "{1:", "not ", "-", "x if x else ", "x[", "x(", "a ~ ")) {
            assertThatThrownBy(() -> render("{{ " + unit.repeat(100_000) + "1")).as(unit).isInstanceOf(JinjaException.class);
        }
        assertThatThrownBy(() -> render("{% if x %}".repeat(100_000))).isInstanceOf(JinjaException.class);
        assertThatThrownBy(() -> render("{% if x %}" + "{% elif y %}".repeat(100_000) + "{% endif %}"))
                .isInstanceOf(JinjaException.class);
        assertThatThrownBy(() -> render("{{ 1" + " + 1".repeat(100_000) + " }}")).isInstanceOf(JinjaException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "{{ ''.getClass() }}", "{{ x.class }}{{ x.class.name }}", "{{ [].append(1) }}", "{{ {}.update(a=1) }}",
        "{{ messages.__init__.__globals__ }}", "{{ ''|attr('getClass')() }}", "{% include 'x' %}",
        "{% import 'x' as y %}", "{% extends 'x' %}",
        "{{ self.x() }}", "{{ range.__func__() }}", "{{ namespace.x.y }}", "{% set x.y = 1 %}",
    })
    void thereIsNoWayOut(String template) {
        assertThatThrownBy(() -> JinjaTemplate.parse(template).render(Map.of("x", "text", "messages", List.of())))
                .isInstanceOf(JinjaException.class);
    }

    @Test
    void whatIsNotThereIsUndefined() {
        assertThat(render("{{ ''.__class__ }}{{ ''.getClass is defined }}{{ range.class is defined }}")).isEqualTo("FalseFalse");
    }

    @Test
    void textThatLooksLikeATemplateStaysText() {
        assertThat(JinjaTemplate.parse("{{ x }}").render(Map.of("x", "{{ 1 + 1 }}{% if %}"))).isEqualTo("{{ 1 + 1 }}{% if %}");
    }

    @Test
    void theVariablesAreNotChanged() {
        Map<String, Object> message = new HashMap<>(Map.of("role", "user", "n", 3, "f", 1.5f));
        List<Object> messages = List.of(message);
        String template = "{% set messages = messages + [1] %}{{ messages | length }} {{ messages[0].n + messages[0].f }}";
        assertThat(JinjaTemplate.parse(template).render(Map.of("messages", messages))).isEqualTo("2 4.5");
        assertThat(messages).containsExactly(message);
    }

    @Test
    void failuresTellTheLine() {
        assertThatThrownBy(() -> render("a\nb {{ c }}\n{{ c.d }}")).isInstanceOfSatisfying(JinjaException.class, e -> {
            assertThat(e.line()).isEqualTo(3);
            assertThat(e.isRaised()).isFalse();
            assertThat(e).hasMessage("'c' is undefined");
        });
        assertThatThrownBy(() -> render("\n{# #}\n{% if 'x\n' %}{{ raise_exception('no') }}{% endif %}"))
                .isInstanceOfSatisfying(JinjaException.class, e -> {
                    assertThat(e.line()).isEqualTo(4);
                    assertThat(e.isRaised()).isTrue();
                    assertThat(e).hasMessage("no");
                });
    }

    @Test
    void datesAreWrittenAsPythonDoes() {
        Clock clock = Clock.fixed(Instant.parse("2025-03-09T14:05:07Z"), ZoneOffset.UTC);
        JinjaTemplate template = JinjaTemplate.parse(
                "{{ strftime_now('%d %b %Y|%A %a %B %-d %e|%H:%M:%S|%I %p|%j %y %m %F %T %D %R %%') }}");
        assertThat(template.render(Map.of("strftime_now", Strftime.now(() -> clock))))
                .isEqualTo("09 Mar 2025|Sunday Sun March 9  9|14:05:07|02 PM|068 25 03 2025-03-09 14:05:07 03/09/25 14:05 %");
        JinjaTemplate unknown = JinjaTemplate.parse("{{ strftime_now('%Q') }}");
        assertThatThrownBy(() -> unknown.render(Map.of("strftime_now", Strftime.now(() -> clock))))
                .hasMessage("the date directive '%Q' is not known");
    }
}
