package dev.winnow.reduction;

import dev.winnow.reduction.methods.FastV;
import dev.winnow.reduction.methods.FasterVlm;
import dev.winnow.reduction.methods.LayerDrop;
import dev.winnow.reduction.methods.PyramidDrop;
import dev.winnow.reduction.methods.SnapKv;
import dev.winnow.reduction.methods.ToMe;
import dev.winnow.reduction.methods.VisionZip;
import java.util.List;

/** Every method there is. */
public final class Methods {
    private static final List<MethodType> ALL =
            List.of(ToMe.TYPE, VisionZip.TYPE, FasterVlm.TYPE, FastV.TYPE, PyramidDrop.TYPE, SnapKv.TYPE, LayerDrop.TYPE);

    private Methods() {}

    public static List<MethodType> all() {
        return ALL;
    }

    /** @throws PlanException when there is none of that name */
    public static MethodType named(String name) {
        for (MethodType t : ALL) if (t.name().equals(name)) return t;
        throw new PlanException("unknown reduction method '" + name + "'; there are "
                + String.join(", ", ALL.stream().map(MethodType::name).toList()));
    }
}
