package dev.winnow.reduction;

/** What happens to positions when tokens go. */
public enum PositionPolicy {
    /** Kept tokens keep their position ids; gaps appear. */
    PRESERVE,
    /** Positions become contiguous again for the layers that follow. */
    RENUMBER
}
