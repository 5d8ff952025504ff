/** Evaluation results as tables, JSON, Markdown and one HTML page. */
package dev.winnow.runtime.eval.report;
