package dev.winnow.runtime.bench;

import com.sun.management.OperatingSystemMXBean;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.management.ManagementFactory;

/**
 * Processor time of a process, all threads together. On a shared machine wall time also counts the turns of others; processor time
 * mostly does not (caches and memory stay shared).
 */
public final class CpuClock {
    /** CLOCK_PROCESS_CPUTIME_ID of Linux. */
    private static final int PROCESS = 2;
    private static final MethodHandle CLOCK_GETTIME = System.getProperty("os.name").equals("Linux")
            ? Linker.nativeLinker().downcallHandle(Linker.nativeLinker().defaultLookup().findOrThrow("clock_gettime"),
                    FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS))
            : null;
    private static final MemorySegment TIME = Arena.global().allocate(16, 8);

    private CpuClock() {}

    /** Nanoseconds of this process. The JDK's own reading, the fallback, has steps of 10 ms. */
    public static long nanos() {
        if (CLOCK_GETTIME == null) {
            return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
        }
        return read(PROCESS);
    }

    /** Nanoseconds of another process, by the same clock. */
    public static long nanos(long pid) {
        if (CLOCK_GETTIME == null) throw new UnsupportedOperationException("the processor time of another process is read on Linux only");
        // what clock_getcpuclockid gives: the scheduler's precise count of a whole process
        return read((int) (~pid << 3 | 2));
    }

    private static synchronized long read(int clock) {
        try {
            int failed = (int) CLOCK_GETTIME.invokeExact(clock, TIME);
            if (failed != 0) throw new IllegalStateException("clock_gettime failed");
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
        return TIME.get(ValueLayout.JAVA_LONG, 0) * 1_000_000_000 + TIME.get(ValueLayout.JAVA_LONG, 8);
    }
}
