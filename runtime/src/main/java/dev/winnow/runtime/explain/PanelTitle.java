package dev.winnow.runtime.explain;

import dev.winnow.runtime.Explanation;

/**
 * A panel's title in its parts.
 *
 * @param method what acted
 * @param site   where, or nothing
 */
record PanelTitle(String method, String site) {
    private static final String BETWEEN = ", ";

    static PanelTitle of(Explanation.Panel panel) {
        String title = panel.title();
        int at = title.lastIndexOf(BETWEEN);
        return at < 0 ? new PanelTitle(title, "") : new PanelTitle(title.substring(0, at), title.substring(at + BETWEEN.length()));
    }
}
