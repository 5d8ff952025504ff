package dev.winnow.runtime.explain;

import dev.winnow.runtime.Explanation;

/**
 * A panel's title in its parts.
 *
 * @param method what acted
 * @param site   where, or nothing
 */
record PanelTitle(String method, String site) {
    static PanelTitle of(Explanation.Panel panel) {
        return new PanelTitle(panel.method(), panel.site());
    }
}
