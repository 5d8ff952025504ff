package dev.winnow.reduction;

import dev.winnow.reduction.methods.cache.AdaKv;
import dev.winnow.reduction.methods.cache.ExpectedAttention;
import dev.winnow.reduction.methods.cache.H2o;
import dev.winnow.reduction.methods.cache.KNorm;
import dev.winnow.reduction.methods.cache.KeyDiff;
import dev.winnow.reduction.methods.cache.KeyRotation;
import dev.winnow.reduction.methods.cache.Keyformer;
import dev.winnow.reduction.methods.cache.Kivi;
import dev.winnow.reduction.methods.cache.LagKv;
import dev.winnow.reduction.methods.cache.LookM;
import dev.winnow.reduction.methods.cache.PyramidKv;
import dev.winnow.reduction.methods.cache.Quest;
import dev.winnow.reduction.methods.cache.SnapKv;
import dev.winnow.reduction.methods.cache.StreamingLlm;
import dev.winnow.reduction.methods.cache.Tova;
import dev.winnow.reduction.methods.depth.AVit;
import dev.winnow.reduction.methods.depth.Acm;
import dev.winnow.reduction.methods.depth.Cats;
import dev.winnow.reduction.methods.depth.ClassExit;
import dev.winnow.reduction.methods.depth.DyVte;
import dev.winnow.reduction.methods.depth.LayerDrop;
import dev.winnow.reduction.methods.depth.LayerSkip;
import dev.winnow.reduction.methods.depth.MixtureOfDepths;
import dev.winnow.reduction.methods.depth.PMod;
import dev.winnow.reduction.methods.depth.SwiftKv;
import dev.winnow.reduction.methods.depth.Yopo;
import dev.winnow.reduction.methods.language.AdaptInfer;
import dev.winnow.reduction.methods.language.Aim;
import dev.winnow.reduction.methods.language.Catp;
import dev.winnow.reduction.methods.language.CoreMatching;
import dev.winnow.reduction.methods.language.Dart;
import dev.winnow.reduction.methods.language.FastV;
import dev.winnow.reduction.methods.language.Feather;
import dev.winnow.reduction.methods.language.GreedyPrune;
import dev.winnow.reduction.methods.language.HiDrop;
import dev.winnow.reduction.methods.language.HoliTomInner;
import dev.winnow.reduction.methods.language.MustDrop;
import dev.winnow.reduction.methods.language.Ppe;
import dev.winnow.reduction.methods.language.PyramidDrop;
import dev.winnow.reduction.methods.language.SparseVlm;
import dev.winnow.reduction.methods.language.TokenSparseAttention;
import dev.winnow.reduction.methods.language.TransPrune;
import dev.winnow.reduction.methods.language.VirtualUnmerging;
import dev.winnow.reduction.methods.language.VisionDrop;
import dev.winnow.reduction.methods.language.VlaPruner;
import dev.winnow.reduction.methods.projector.CdPruner;
import dev.winnow.reduction.methods.projector.ChatUniVi;
import dev.winnow.reduction.methods.projector.DivPrune;
import dev.winnow.reduction.methods.projector.FasterVlm;
import dev.winnow.reduction.methods.projector.FoPru;
import dev.winnow.reduction.methods.projector.GPrune;
import dev.winnow.reduction.methods.projector.GlobalCom2;
import dev.winnow.reduction.methods.projector.HiRed;
import dev.winnow.reduction.methods.projector.MmTok;
import dev.winnow.reduction.methods.projector.Pool;
import dev.winnow.reduction.methods.projector.PruMerge;
import dev.winnow.reduction.methods.projector.RandomSelection;
import dev.winnow.reduction.methods.projector.Script;
import dev.winnow.reduction.methods.projector.ToDre;
import dev.winnow.reduction.methods.projector.Uniform;
import dev.winnow.reduction.methods.projector.VFlowOpt;
import dev.winnow.reduction.methods.projector.VScan;
import dev.winnow.reduction.methods.projector.VisPruner;
import dev.winnow.reduction.methods.projector.VisionZip;
import dev.winnow.reduction.methods.projector.VtcCls;
import dev.winnow.reduction.methods.projector.ZooPrune;
import dev.winnow.reduction.methods.tower.Ats;
import dev.winnow.reduction.methods.tower.CrossGet;
import dev.winnow.reduction.methods.tower.DToMe;
import dev.winnow.reduction.methods.tower.Dct;
import dev.winnow.reduction.methods.tower.DiffRate;
import dev.winnow.reduction.methods.tower.EVit;
import dev.winnow.reduction.methods.tower.Expedit;
import dev.winnow.reduction.methods.tower.FlowCut;
import dev.winnow.reduction.methods.tower.GtpVit;
import dev.winnow.reduction.methods.tower.Mctf;
import dev.winnow.reduction.methods.tower.PiToMe;
import dev.winnow.reduction.methods.tower.ToFu;
import dev.winnow.reduction.methods.tower.ToMe;
import dev.winnow.reduction.methods.tower.ZeroTPrune;
import dev.winnow.reduction.methods.video.HoliTom;
import java.util.List;
import java.util.stream.Stream;

/** Every method there is. */
public final class Methods {
    /** Where in the forward pass a family of methods works. */
    public enum Family {
        TOWER("In the vision encoder"),
        PROJECTOR("After the encoder, before the language model"),
        LANGUAGE("Inside the language model"),
        DEPTH("Depth and width"),
        CACHE("KV cache"),
        VIDEO("Video and several frames");

        private final String title;

        Family(String title) {
            this.title = title;
        }

        public String title() {
            return title;
        }
    }

    private static final List<MethodType> TOWER = List.of(
            ToMe.TYPE, GtpVit.TYPE, Ats.TYPE, ZeroTPrune.TYPE, FlowCut.TYPE, Expedit.TYPE, EVit.TYPE, DiffRate.TYPE, Mctf.TYPE,
            PiToMe.TYPE, ToFu.TYPE, CrossGet.TYPE, DToMe.TYPE, Dct.TYPE);

    private static final List<MethodType> PROJECTOR = List.of(
            VisionZip.TYPE, FasterVlm.TYPE, DivPrune.TYPE, CdPruner.TYPE, Script.TYPE, MmTok.TYPE, ToDre.TYPE, ZooPrune.TYPE,
            GPrune.TYPE, Pool.TYPE, ChatUniVi.TYPE, Uniform.TYPE, RandomSelection.TYPE, VtcCls.TYPE, FoPru.TYPE, HiRed.TYPE,
            GlobalCom2.TYPE, PruMerge.TYPE, VisPruner.TYPE, VScan.TYPE, VFlowOpt.TYPE);

    private static final List<MethodType> LANGUAGE = List.of(
            FastV.TYPE, PyramidDrop.TYPE, VisionDrop.TYPE, Aim.TYPE, SparseVlm.TYPE, Feather.TYPE, TransPrune.TYPE,
            AdaptInfer.TYPE, Dart.TYPE, HoliTomInner.TYPE, MustDrop.TYPE, HiDrop.TYPE, VlaPruner.TYPE, CoreMatching.TYPE,
            GreedyPrune.TYPE, Catp.TYPE, TokenSparseAttention.TYPE, VirtualUnmerging.TYPE, Ppe.TYPE);

    private static final List<MethodType> DEPTH = List.of(
            LayerDrop.TYPE, ClassExit.TYPE, Yopo.TYPE, DyVte.TYPE, MixtureOfDepths.TYPE, PMod.TYPE, SwiftKv.TYPE, LayerSkip.TYPE,
            Cats.TYPE, Acm.TYPE, AVit.TYPE);

    private static final List<MethodType> CACHE = List.of(
            SnapKv.TYPE, StreamingLlm.TYPE, H2o.TYPE, Tova.TYPE, Keyformer.TYPE, PyramidKv.TYPE, AdaKv.TYPE, KNorm.TYPE,
            KeyDiff.TYPE, LagKv.TYPE, ExpectedAttention.TYPE, LookM.TYPE, KeyRotation.TYPE, Kivi.TYPE, Quest.TYPE);

    private static final List<MethodType> VIDEO = List.of(
            HoliTom.TYPE);

    private static final List<MethodType> ALL = Stream.of(Family.values()).flatMap(f -> of(f).stream()).toList();

    private Methods() {}

    public static List<MethodType> all() {
        return ALL;
    }

    /** The methods of a family. */
    public static List<MethodType> of(Family family) {
        return switch (family) {
            case TOWER -> TOWER;
            case PROJECTOR -> PROJECTOR;
            case LANGUAGE -> LANGUAGE;
            case DEPTH -> DEPTH;
            case CACHE -> CACHE;
            case VIDEO -> VIDEO;
        };
    }

    public static Family familyOf(MethodType type) {
        return Stream.of(Family.values()).filter(f -> of(f).contains(type)).findFirst().orElseThrow();
    }

    /** @throws PlanException when there is none of that name */
    public static MethodType named(String name) {
        for (MethodType t : ALL) if (t.name().equals(name)) return t;
        throw new PlanException("unknown reduction method '" + name + "'; there are "
                + String.join(", ", ALL.stream().map(MethodType::name).toList()));
    }
}
