package dev.winnow.reduction;

/** The patches of one image in raster order. */
public record Grid(int height, int width) {
    public static final Grid NONE = new Grid(0, 0);

    /** The square grid of so many patches; {@link #NONE} when they make no square. */
    public static Grid square(int patches) {
        int side = (int) Math.round(Math.sqrt(patches));
        return side * side == patches ? new Grid(side, side) : NONE;
    }

    /** Written out: what the JVM makes of a record at its first comparison takes it milliseconds of a start. */
    @Override
    public boolean equals(Object other) {
        return other instanceof Grid g && g.height == height && g.width == width;
    }

    @Override
    public int hashCode() {
        return 31 * height + width;
    }

    public int cells() {
        return height * width;
    }

    public int row(int cell) {
        return cell / width;
    }

    public int column(int cell) {
        return cell % width;
    }
}
