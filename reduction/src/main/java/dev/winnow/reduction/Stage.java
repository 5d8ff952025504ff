package dev.winnow.reduction;

/** The two stacks of layers a token can be in. */
public enum Stage { VISION, LANGUAGE }
