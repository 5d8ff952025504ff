/**
 * Questions and labelled pictures from files: one plain format of JSON lines, and the formats in which public question sets are kept on
 * disk. Files are not trusted: paths inside them must stay in their folder, and every size and field is checked.
 */
package dev.winnow.runtime.eval.questions;
