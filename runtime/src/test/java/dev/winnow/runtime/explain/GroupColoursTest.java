package dev.winnow.runtime.explain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.reduction.Grid;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class GroupColoursTest {
    @Test
    void aGrowingGroupKeepsItsColour() {
        GroupColours colours = new GroupColours(new Grid(4, 4));
        int[] before = colours.next(List.of(new int[] {0, 1}, new int[] {14, 15}, new int[] {7}));
        int[] after = colours.next(List.of(new int[] {3, 7}, new int[] {10, 14, 15}, new int[] {0, 1}));
        assertThat(after[1]).isEqualTo(before[1]);
        assertThat(after[2]).isEqualTo(before[0]);
        assertThat(after[0]).isNotIn(before[0], before[1]);
    }

    @Test
    void touchingGroupsDiffer() {
        int grid = 12;
        List<int[]> pairs = new ArrayList<>();
        for (int p = 0; p < grid * grid; p += 2) pairs.add(new int[] {p, p + 1});
        int[] colours = new GroupColours(new Grid(grid, grid)).next(pairs);
        for (int a = 0; a < pairs.size(); a++) {
            for (int b = 0; b < a; b++) {
                int rows = Math.abs(pairs.get(a)[0] / grid - pairs.get(b)[0] / grid);
                int columns = Math.abs(pairs.get(a)[0] % grid - pairs.get(b)[0] % grid);
                if (rows <= 1 && columns <= 2) assertThat(colours[a]).as(a + " and " + b).isNotEqualTo(colours[b]);
            }
        }
    }

    @Test
    void aDozenGroupsAreAllDifferent() {
        List<int[]> groups = new ArrayList<>();
        for (int i = 0; i < GroupColours.PALETTE.length; i++) groups.add(new int[] {2 * i, 2 * i + 1});
        assertThat(new GroupColours(new Grid(5, 5)).next(groups)).doesNotHaveDuplicates();
    }
}
