package dev.winnow.tornado;

import java.util.ArrayList;
import java.util.List;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * A task graph whose sizes are data: each task finds offsets and counts in its section of an array that goes along with every execution,
 * so that a program is compiled once and runs for any layer and any number of tokens. Programs run one after another, but behind the
 * host: what they read is changed only when they have run.
 */
final class Program {
    private final DevicePlan plan;
    private final String name;
    private final TaskGraph graph;
    private final IntArray arguments;
    private final int section;
    private final List<WorkerGrid1D> grids = new ArrayList<>();
    private final List<Integer> locals = new ArrayList<>();
    private int index;
    /** When it ran last, counted over all of the plan. */
    private long ran;

    /**
     * @param tasks   at most so many
     * @param section ints of each task
     */
    Program(DevicePlan plan, String name, int tasks, int section) {
        this.plan = plan;
        this.name = name;
        this.graph = new TaskGraph(name);
        this.section = section;
        this.arguments = new IntArray(tasks * section);
    }

    String name() {
        return name;
    }

    TaskGraph graph() {
        return graph;
    }

    IntArray arguments() {
        return arguments;
    }

    List<WorkerGrid1D> grids() {
        return grids;
    }

    int index() {
        return index;
    }

    void index(int i) {
        index = i;
    }

    long ran() {
        return ran;
    }

    void ran(long when) {
        ran = when;
    }

    /** Where the arguments of the task that is added next begin. */
    int next() {
        return grids.size() * section;
    }

    /** The name of the task that is added next. */
    String task() {
        return "t" + grids.size();
    }

    /** Called once a task has been added, which runs in groups of so many work items. */
    int added(int local) {
        WorkerGrid1D grid = new WorkerGrid1D(local);
        grid.setLocalWork(local, 1, 1);
        grids.add(grid);
        locals.add(local);
        return grids.size() - 1;
    }

    /** What a task runs with this time. */
    void set(int task, int groups, int... values) {
        plan.settle(this);
        WorkerGrid1D grid = grids.get(task);
        grid.setGlobalWork((long) groups * locals.get(task), 1, 1);
        // makes the number of groups anew
        grid.setLocalWork(locals.get(task), 1, 1);
        for (int i = 0; i < values.length; i++) arguments.set(task * section + i, values[i]);
    }

    /** Further arguments of a task. */
    void more(int task, int from, int... values) {
        for (int i = 0; i < values.length; i++) arguments.set(task * section + from + i, values[i]);
    }
}
