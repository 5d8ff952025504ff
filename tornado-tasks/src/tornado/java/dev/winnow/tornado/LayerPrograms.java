package dev.winnow.tornado;

import dev.winnow.layers.Activation;
import dev.winnow.layers.KeyScore;
import dev.winnow.tornado.Bank.Activations;
import dev.winnow.tornado.DevicePlan.Weights;
import dev.winnow.tornado.LayerShape.NormShape;
import dev.winnow.tornado.LayerWeights.NormPlace;
import dev.winnow.tornado.WeightStore.Place;
import dev.winnow.tornado.kernels.CacheEntries;
import dev.winnow.tornado.kernels.CosineMatrix;
import dev.winnow.tornado.kernels.DecodeAttention;
import dev.winnow.tornado.kernels.ElementWise;
import dev.winnow.tornado.kernels.FlashAttention;
import dev.winnow.tornado.kernels.GreedyChoice;
import dev.winnow.tornado.kernels.KeyScores;
import dev.winnow.tornado.kernels.LowestSlots;
import dev.winnow.tornado.kernels.Norms;
import dev.winnow.tornado.kernels.Partners;
import dev.winnow.tornado.kernels.RowProducts;
import dev.winnow.tornado.kernels.TiledProducts;
import dev.winnow.tornado.kernels.TokenRows;
import dev.winnow.tornado.kernels.TokenScores;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** The programs of a bank: layers and their halves, for few and for many tokens, and what caches and observers need. */
final class LayerPrograms {
    /** Up to so many tokens a product's rows are taken one by one. */
    static final int FEW = 4;
    /** Arguments of a task, less those of which there is one for each key head. */
    private static final int ARGUMENTS = 16;
    /** Work-groups that a few queries' attention is worth being split into. */
    private static final int GROUPS = 256;

    /** Tasks of either half at most, and of the first half up to the attention itself. */
    private static final int ENTRY_TASKS = 5;
    private static final int ATTEND_TASKS = ENTRY_TASKS + 5;
    private static final int MLP_TASKS = 6;

    private final LayerShape shape;
    private final Layer few;
    private final Layer many;
    private final Program probabilities;
    private final Program sums;
    private final Program combine;
    private final Program gather;
    private final Program scatter;
    private final Program partners;
    private final Program means;
    private final Program ranks;
    private final Program products;
    private final Program choose;
    private final Program keyLengths;
    private final Program keyLikeness;
    private final Program lowest;
    private final Program copy;
    private final Program keep;
    /** Pieces of the keys that a few queries look at side by side. */
    private final int pieces;

    /** Queries and cache entries of tokens among the tasks of a program: what attention begins with. */
    private final class EntryTasks {
        private final Program program;
        private final boolean rows;
        private final int normed;
        private final int attending;
        private final int queryNorm;
        private final int keyNorm;
        private final int appended;

        EntryTasks(DevicePlan plan, Program p, boolean rows) {
            this.program = p;
            this.rows = rows;
            normed = norm(plan, p, shape.attentionNorm());
            attending = product(plan, p, rows, shape.width(), Activation.NONE);
            queryNorm = norm(plan, p, shape.queryNorm());
            keyNorm = norm(plan, p, shape.keyNorm());
            if (shape.half() > 0) {
                p.graph().task(p.task(), CacheEntries::appendTurned, plan.context(), p.arguments(), p.next(), plan.arena(), shape.heads(),
                        shape.kvHeads(), shape.headDim(), shape.half());
            } else {
                p.graph().task(p.task(), CacheEntries::append, plan.context(), p.arguments(), p.next(), plan.arena(), shape.kvHeads(),
                        shape.headDim());
            }
            appended = p.added(CacheEntries.LOCAL);
        }

        private void append(Activations at, int n, int keys, int stride, Sight sight) {
            Entries r = sight.entries;
            int values = keys + shape.keyWidth();
            if (shape.half() > 0) {
                program.set(appended, CacheEntries.turnedGroups(n, shape.heads(), shape.kvHeads(), shape.headDim(), shape.half()), n,
                        at.attending(), keys, values, stride, r.keys(), r.values(), r.capacity(), at.angles(),
                        at.angles() + n * shape.half());
                program.more(appended, 10, sight.lengths);
            } else {
                program.set(appended, CacheEntries.groups(n * shape.keyWidth()), n, keys, values, stride, r.keys(), r.values(),
                        r.capacity());
                program.more(appended, 7, sight.lengths);
            }
        }

        void set(LayerWeights w, Activations at, int n, Sight sight) {
            Program p = program;
            int width = shape.width();
            int all = shape.attendingWidth();
            int keys = at.attending() + shape.queryWidth();
            setNorm(p, normed, n, 1, at.x(), width, at.normed(), width, w.attentionNorm());
            setProduct(p, attending, rows, n, normed < 0 ? at.x() : at.normed(), width, at.attending(), all, w.attending(), 0);
            setNorm(p, queryNorm, n, parts(shape.queryNorm(), shape.queryWidth()), at.attending(), all, at.attending(), all, w.queryNorm());
            setNorm(p, keyNorm, n, parts(shape.keyNorm(), shape.keyWidth()), keys, all, keys, all, w.keyNorm());
            append(at, n, keys, all, sight);
        }
    }

    /** The attention half among the tasks of a program. */
    private final class AttendTasks {
        private final Program program;
        private final boolean rows;
        private final EntryTasks entries;
        private final int attended;
        private int merged = -1;
        private final Last output;

        AttendTasks(DevicePlan plan, Program p, boolean rows) {
            this.program = p;
            this.rows = rows;
            entries = new EntryTasks(plan, p, rows);
            if (rows) {
                p.graph().task(p.task(), DecodeAttention::split, plan.context(), p.arguments(), p.next(), plan.arena(), shape.heads(),
                        shape.kvHeads(), shape.headDim(), shape.scale(), shape.softcap(), pieces);
                attended = p.added(DecodeAttention.LOCAL);
                p.graph().task(p.task(), DecodeAttention::merge, plan.context(), p.arguments(), p.next(), plan.arena(), shape.heads(),
                        shape.kvHeads(), shape.headDim(), pieces);
                merged = p.added(DecodeAttention.LOCAL);
            } else {
                p.graph().task(p.task(), FlashAttention::attend, plan.context(), p.arguments(), p.next(), plan.arena(), shape.heads(),
                        shape.kvHeads(), shape.headDim(), shape.scale(), shape.softcap());
                attended = p.added(FlashAttention.LOCAL);
            }
            output = new Last(plan, p, rows, shape.queryWidth(), shape.afterAttention());
        }

        void set(LayerWeights w, Activations at, int n, Sight sight) {
            Program p = program;
            entries.set(w, at, n, sight);
            look(p, attended, merged < 0 ? FlashAttention.groups(n, shape.heads())
                    : DecodeAttention.groups(n, shape.heads(), shape.kvHeads(), pieces), n, at, sight);
            if (merged >= 0) look(p, merged, DecodeAttention.mergeGroups(n, shape.heads()), n, at, sight);
            output.set(p, rows, n, at.attended(), shape.queryWidth(), w.output(), w.afterAttention(), at);
        }
    }

    /** The MLP half among the tasks of a program. */
    private final class MlpTasks {
        private final Program program;
        private final boolean rows;
        private final int normed;
        private final int first;
        private int up = -1;
        private final Last down;

        MlpTasks(DevicePlan plan, Program p, boolean rows) {
            this.program = p;
            this.rows = rows;
            normed = norm(plan, p, shape.mlpNorm());
            first = product(plan, p, rows, shape.width(), shape.activation());
            if (shape.gated()) up = product(plan, p, rows, shape.width(), Activation.NONE);
            down = new Last(plan, p, rows, shape.inner(), shape.afterMlp());
        }

        void set(LayerWeights w, Activations at, int n) {
            Program p = program;
            int width = shape.width();
            setNorm(p, normed, n, 1, at.x(), width, at.normed(), width, w.mlpNorm());
            int from = normed < 0 ? at.x() : at.normed();
            setProduct(p, first, rows, n, from, width, at.hidden(), shape.inner(), w.first(), 0);
            if (up >= 0) setProduct(p, up, rows, n, from, width, at.hidden(), shape.inner(), w.up(), 2);
            down.set(p, rows, n, at.hidden(), shape.inner(), w.down(), w.afterMlp(), at);
        }
    }

    /** The programs of a layer with one kind of products: whole, and its halves for when something happens between them. */
    private final class Layer {
        private AttendTasks first;
        private MlpTasks second;
        private AttendTasks attend;
        private MlpTasks mlp;
        private EntryTasks entries;

        Layer(DevicePlan plan, String name, boolean rows) {
            int section = ARGUMENTS + shape.kvHeads();
            plan.add("layer" + name, ATTEND_TASKS + MLP_TASKS, section, p -> {
                first = new AttendTasks(plan, p, rows);
                second = new MlpTasks(plan, p, rows);
            });
            plan.add("attend" + name, ATTEND_TASKS, section, p -> attend = new AttendTasks(plan, p, rows));
            plan.add("mlp" + name, MLP_TASKS, section, p -> mlp = new MlpTasks(plan, p, rows));
            plan.add("entries" + name, ENTRY_TASKS, section, p -> entries = new EntryTasks(plan, p, rows));
        }
    }

    /** The last product of a half, and how it is added to the tokens. */
    private final class Last {
        private final int product;
        private int after = -1;
        private int added = -1;

        Last(DevicePlan plan, Program p, boolean rows, int in, NormShape afterwards) {
            product = LayerPrograms.this.product(plan, p, rows, in, Activation.NONE);
            if (shape.addsPlainly(afterwards)) return;
            after = norm(plan, p, afterwards);
            p.graph().task(p.task(), ElementWise::addScaled, plan.context(), p.arguments(), p.next(),
                    plan.arena(), shape.branchScale());
            added = p.added(ElementWise.LOCAL);
        }

        void set(Program p, boolean rows, int n, int from, int in, Place weights, NormPlace norm, Activations at) {
            int width = shape.width();
            if (added < 0) {
                setProduct(p, product, rows, n, from, in, at.x(), width, weights, 1);
                return;
            }
            setProduct(p, product, rows, n, from, in, at.branch(), width, weights, 0);
            setNorm(p, after, n, 1, at.branch(), width, at.branch(), width, norm);
            p.set(added, ElementWise.groups(n * width), n * width, at.branch(), at.x());
        }
    }

    LayerPrograms(DevicePlan plan, LayerShape shape) {
        this.shape = shape;
        this.pieces = pieces(shape);
        this.few = new Layer(plan, "Few", true);
        this.many = new Layer(plan, "Many", false);
        KernelContext c = plan.context();
        FloatArray a = plan.arena();
        this.probabilities = plan.add("probabilities", 1, ARGUMENTS + shape.kvHeads(), p -> {
            p.graph().task(p.task(), FlashAttention::probabilities, c, p.arguments(), p.next(), a, shape.heads(), shape.kvHeads(),
                    shape.headDim(), shape.scale(), shape.softcap());
            p.added(FlashAttention.LOCAL);
        });
        this.sums = plan.add("sums", 1, ARGUMENTS, p -> {
            p.graph().task(p.task(), FlashAttention::sumRows, c, p.arguments(), p.next(), a, shape.heads());
            p.added(FlashAttention.LOCAL);
        });
        this.combine = plan.add("combine", 1, ARGUMENTS, p -> {
            p.graph().task(p.task(), TokenRows::merge, c, p.arguments(), p.next(), a, shape.width());
            p.added(TokenRows.LOCAL);
        });
        this.gather = plan.add("gather", 1, ARGUMENTS, p -> {
            p.graph().task(p.task(), TokenRows::gather, c, p.arguments(), p.next(), a, shape.width());
            p.added(TokenRows.LOCAL);
        });
        this.scatter = plan.add("scatter", 1, ARGUMENTS, p -> {
            p.graph().task(p.task(), TokenRows::scatter, c, p.arguments(), p.next(), a, shape.width());
            p.added(TokenRows.LOCAL);
        });
        this.partners = plan.add("partners", 2, ARGUMENTS, p -> {
            p.graph().task(p.task(), Partners::units, c, p.arguments(), p.next(), a, shape.headDim());
            p.added(Partners.LOCAL);
            p.graph().task(p.task(), Partners::nearest, c, p.arguments(), p.next(), a, shape.headDim());
            p.added(Partners.LOCAL);
        });
        this.means = plan.add("means", 1, ARGUMENTS, p -> mean(plan, p));
        this.ranks = plan.add("ranks", 2, ARGUMENTS, p -> {
            mean(plan, p);
            p.graph().task(p.task(), TokenScores::highest, c, p.arguments(), p.next(), a);
            p.added(TokenScores.LOCAL);
        });
        this.products = plan.add("products", 1, ARGUMENTS, p -> {
            p.graph().task(p.task(), TokenScores::products, c, p.arguments(), p.next(), a, shape.width());
            p.added(TokenScores.LOCAL);
        });
        this.choose = plan.add("choose", 5, ARGUMENTS, p -> {
            for (int i = 0; i < 2; i++) {
                p.graph().task(p.task(), Partners::units, c, p.arguments(), p.next(), a, shape.width());
                p.added(Partners.LOCAL);
            }
            p.graph().task(p.task(), CosineMatrix::products, c, p.arguments(), p.next(), a, shape.width());
            p.added(CosineMatrix.LOCAL);
            p.graph().task(p.task(), CosineMatrix::loneliness, c, p.arguments(), p.next(), a);
            p.added(CosineMatrix.LOCAL);
            p.graph().task(p.task(), GreedyChoice::choose, c, p.arguments(), p.next(), a);
            p.added(GreedyChoice.LOCAL);
        });
        this.keyLengths = plan.add("keyLengths", 1, ARGUMENTS + shape.kvHeads(), p -> lengths(plan, p));
        this.keyLikeness = plan.add("keyLikeness", 3, ARGUMENTS + shape.kvHeads(), p -> {
            lengths(plan, p);
            p.graph().task(p.task(), KeyScores::means, c, p.arguments(), p.next(), a, shape.headDim());
            p.added(KeyScores.LOCAL);
            p.graph().task(p.task(), KeyScores::likeness, c, p.arguments(), p.next(), a, shape.headDim());
            p.added(KeyScores.LOCAL);
        });
        this.lowest = plan.add("lowest", 1, ARGUMENTS + 2 * shape.kvHeads(), p -> {
            p.graph().task(p.task(), LowestSlots::compact, c, p.arguments(), p.next(), a);
            p.added(LowestSlots.LOCAL);
        });
        this.copy = plan.add("copy", 1, ARGUMENTS, p -> {
            p.graph().task(p.task(), CacheEntries::copy, c, p.arguments(), p.next(), a);
            p.added(CacheEntries.LOCAL);
        });
        this.keep = plan.add("keep", 1, ARGUMENTS + shape.kvHeads(), p -> {
            p.graph().task(p.task(), CacheEntries::keep, c, p.arguments(), p.next(), a, shape.headDim());
            p.added(CacheEntries.LOCAL);
        });
    }

    private static void mean(DevicePlan plan, Program p) {
        p.graph().task(p.task(), TokenScores::headMean, plan.context(), p.arguments(), p.next(), plan.arena());
        p.added(TokenScores.LOCAL);
    }

    private void lengths(DevicePlan plan, Program p) {
        p.graph().task(p.task(), KeyScores::lengths, plan.context(), p.arguments(), p.next(), plan.arena(), shape.headDim());
        p.added(KeyScores.LOCAL);
    }

    private static int pieces(LayerShape shape) {
        return Math.clamp(GROUPS / shape.kvHeads(), 1, 32);
    }

    /** Floats that a few queries' attention needs besides the activations. */
    static int scratch(LayerShape shape) {
        return DecodeAttention.scratch(FEW, shape.heads(), shape.headDim(), pieces(shape));
    }

    private int norm(DevicePlan plan, Program p, NormShape norm) {
        return norm(plan, p, plan.weights(0), norm);
    }

    /** Adds a norm to a program; -1 for none. */
    static int norm(DevicePlan plan, Program p, Weights w, NormShape norm) {
        TaskGraph g = p.graph();
        KernelContext c = plan.context();
        IntArray m = p.arguments();
        switch (norm.kind()) {
            case NONE -> {
                return -1;
            }
            case RMS -> g.task(p.task(), Norms::rms, c, m, p.next(), plan.arena(), w.parameters(), norm.width(), norm.epsilon());
            case LAYER -> g.task(p.task(), Norms::layer, c, m, p.next(), plan.arena(), w.parameters(), norm.width(), norm.epsilon());
            case FACTORS -> g.task(p.task(), Norms::factors, c, m, p.next(), plan.arena(), w.parameters(), norm.width());
        }
        return p.added(Norms.LOCAL);
    }

    private int product(DevicePlan plan, Program p, boolean rows, int in, Activation f) {
        return product(plan, p, rows, plan.weights(0), in, f);
    }

    /** Adds a product to a program. */
    static int product(DevicePlan plan, Program p, boolean rows, Weights w, int in, Activation f) {
        if (rows) {
            p.graph().task(p.task(), RowProducts::multiply, plan.context(), p.arguments(), p.next(), plan.arena(), w.parameters(),
                    w.floats(), w.words(), w.format(), in, f.ordinal());
            return p.added(RowProducts.LOCAL);
        }
        p.graph().task(p.task(), TiledProducts::multiply, plan.context(), p.arguments(), p.next(), plan.arena(), w.parameters(), w.floats(),
                w.words(), w.format(), f.ordinal());
        return p.added(TiledProducts.LOCAL);
    }

    static void setNorm(Program p, int task, int tokens, int parts, int x, int xStride, int y, int yStride, NormPlace norm) {
        if (task >= 0) p.set(task, Norms.groups(tokens * parts), tokens * parts, parts, x, xStride, y, yStride, norm.weight(), norm.bias());
    }

    /**
     * Sets a product's arguments.
     *
     * @param x   [n, in]
     * @param how 0 to write, 1 to add, 2 to multiply what is there
     */
    static void setProduct(Program p, int task, boolean rows, int n, int x, int in, int y, int out, Place w, int how) {
        p.set(task, rows ? RowProducts.groups(n, out) : TiledProducts.groups(n, out), n, x, in, y, out, w.weight(), w.bias(), how,
                w.scales(), in, out);
    }

    /** Where keys are, and values: [heads][capacity][headDim]. */
    record Entries(int keys, int values, int capacity) {}

    /**
     * What attention reads, besides its arguments.
     *
     * @param bias       [kvHeads, biasStride], or -1
     * @param starts     [kvHeads, n], or -1
     * @param lengths    of the cache's heads before the tokens
     */
    record Sight(Entries entries, int bias, int biasStride, int starts, boolean causal, int[] lengths) {}

    /** Runs the attention half for n tokens. */
    void attend(DevicePlan plan, LayerWeights w, Activations at, int n, Sight sight) {
        AttendTasks tasks = (n <= FEW ? few : many).attend;
        tasks.set(w, at, n, sight);
        plan.run(tasks.program);
    }

    /** Makes queries and entries of n tokens, and goes no further. */
    void entries(DevicePlan plan, LayerWeights w, Activations at, int n, Sight sight) {
        EntryTasks tasks = (n <= FEW ? few : many).entries;
        tasks.set(w, at, n, sight);
        plan.run(tasks.program);
    }

    /** Runs the other half. */
    void mlp(DevicePlan plan, LayerWeights w, Activations at, int n) {
        MlpTasks tasks = (n <= FEW ? few : many).mlp;
        tasks.set(w, at, n);
        plan.run(tasks.program);
    }

    /** Runs both halves, one after the other. */
    void layer(DevicePlan plan, LayerWeights w, Activations at, int n, Sight sight) {
        Layer tasks = n <= FEW ? few : many;
        tasks.first.set(w, at, n, sight);
        tasks.second.set(w, at, n);
        plan.run(tasks.first.program);
    }

    private void look(Program p, int task, int groups, int n, Activations at, Sight sight) {
        Entries r = sight.entries;
        p.set(task, groups, n, at.attending(), shape.attendingWidth(), at.attended(), shape.queryWidth(), r.keys(), r.values(),
                r.capacity(), sight.bias, sight.biasStride, sight.starts, sight.causal ? 1 : 0);
        p.more(task, 12, after(sight.lengths, n));
        p.more(task, 12 + shape.kvHeads(), at.scratch());
    }

    private static int parts(NormShape norm, int width) {
        return norm.isNone() ? 1 : width / norm.width();
    }

    private static int[] after(int[] lengths, int n) {
        int[] after = lengths.clone();
        for (int h = 0; h < after.length; h++) after[h] += n;
        return after;
    }

    /** Computes [heads, count, columns] attention rows of the n queries that attended last. */
    void probabilities(DevicePlan plan, Activations at, int n, Sight sight, int first, int count, int columns, int target) {
        Entries r = sight.entries;
        probabilities.set(0, FlashAttention.rowGroups(count, shape.heads()), n, at.attending(), shape.attendingWidth(), target, first,
                r.keys(), 0, r.capacity(), sight.bias, sight.biasStride, sight.starts, sight.causal ? 1 : 0);
        probabilities.more(0, 12, after(sight.lengths, n));
        probabilities.more(0, 12 + shape.kvHeads(), count, columns);
        plan.run(probabilities);
    }

    /** Sums those rows into [heads, columns]. */
    void sum(DevicePlan plan, int rows, int target, int count, int columns, boolean add) {
        sums.set(0, FlashAttention.sumGroups(columns, shape.heads()), rows, target, count, columns, add ? 1 : 0);
        plan.run(sums);
    }

    /**
     * Makes rows of y from rows of x.
     *
     * @param map where a sparse matrix is: where rows begin [rows + 1], columns [entries], weights [entries]
     */
    void combine(DevicePlan plan, int x, int y, int rows, int map, int entries) {
        int index = map + rows + 1;
        combine.set(0, TokenRows.groups(rows), rows, x, y, index, map, index + entries);
        plan.run(combine);
    }

    /** Makes rows of y of chosen rows of x. */
    void gather(DevicePlan plan, int x, int y, int rows, int index) {
        gather.set(0, TokenRows.groups(rows), rows, x, y, index);
        plan.run(gather);
    }

    /** Puts rows of y back among those of x, by factors or, where there are none, as they are. */
    void scatter(DevicePlan plan, int y, int x, int rows, int index, int factors) {
        scatter.set(0, TokenRows.groups(rows), rows, y, x, index, factors);
        plan.run(scatter);
    }

    /**
     * Finds partners of n keys.
     *
     * @param keys    of the first head, with those of the others stride apart
     * @param units   where there is room for [n, headDim]
     * @param guarded or -1
     * @param found   where partners and then similarities go
     */
    void partners(DevicePlan plan, int n, int keys, int stride, int units, int guarded, int found) {
        partners.set(0, Partners.unitGroups(n), n, keys, stride, shape.kvHeads(), units);
        partners.set(1, Partners.groups(n), n, units, guarded, found, found + Partners.groups(n));
        plan.run(partners);
    }

    /**
     * A row of attention, heads apart by a stride, at some columns.
     *
     * @param index where their numbers are, or -1 where they follow one another
     */
    record Row(int at, int heads, int stride, int index, int first, int count) {}

    /** Means over heads. */
    void means(DevicePlan plan, Row row, int target) {
        setMeans(means, row, target);
        plan.run(means);
    }

    private static void setMeans(Program p, Row r, int target) {
        p.set(0, TokenScores.groups(r.count), r.count, r.at, r.heads, r.stride, r.index, r.first, target);
    }

    /** Places of the k highest of these means, behind them. */
    void ranks(DevicePlan plan, Row row, int k, int target) {
        setMeans(ranks, row, target);
        ranks.set(1, TokenScores.groups(row.count), row.count, target, k, target + row.count);
        plan.run(ranks);
    }

    /**
     * Products of n states and few vectors.
     *
     * @param bias where there is one for each vector, or -1
     */
    void products(DevicePlan plan, int x, int n, int vectors, int bias, int number, Activation f, int target) {
        products.set(0, TokenScores.productGroups(n, number), n, x, vectors, bias, number, f.ordinal(), target);
        plan.run(products);
    }

    /** Copies floats of the arena within it. */
    void copy(DevicePlan plan, int from, int to, int count) {
        copy.set(0, CacheEntries.groups(count), from, to, count);
        plan.run(copy);
    }

    /**
     * Keeps slots of each head.
     *
     * @param slots  where they are, those of heads apart by a stride
     * @param first  slots of each head that stay where they are, and are not among those
     * @param counts of the slots of each head
     */
    void keep(DevicePlan plan, Entries r, int slots, int stride, int first, int[] counts) {
        keep.set(0, CacheEntries.keepGroups(counts.length), r.keys(), r.values(), r.capacity(), slots, stride, first);
        keep.more(0, 6, counts);
        plan.run(keep);
    }

    /**
     * Scores of keys.
     *
     * @param target [kvHeads, most], with room for [kvHeads, headDim] behind it
     * @param counts of each head's keys, of which the most are at least 1
     */
    void scores(DevicePlan plan, KeyScore score, Entries r, int target, int most, int[] counts) {
        Program p = score == KeyScore.LENGTH ? keyLengths : keyLikeness;
        int heads = counts.length;
        for (int task = 0; task < p.grids().size(); task++) {
            p.set(task, task == 1 ? KeyScores.headGroups(heads) : KeyScores.groups(most, heads), most, r.keys(),
                    r.capacity() * shape.headDim(), target, most, target + heads * most);
            p.more(task, 6, counts);
        }
        plan.run(p);
    }

    /**
     * Slots of the lowest of these scores, ascending.
     *
     * @param kept how many of each head
     * @param slots where they go, those of heads apart by a stride
     */
    void lowest(DevicePlan plan, int scores, int most, int[] counts, int[] kept, int slots, int stride) {
        int heads = counts.length;
        lowest.set(0, LowestSlots.groups(heads), scores, most, slots, stride, heads);
        lowest.more(0, 5, counts);
        lowest.more(0, 5 + heads, kept);
        plan.run(lowest);
    }

    /**
     * A choice by cosines.
     *
     * @param x         states of the tokens, one after the other
     * @param how       one of {@link GreedyChoice}'s
     * @param like      the state of one that tokens are to be like, or -1
     * @param first     the place chosen first where neither that nor distance decides
     * @param threshold where it is, or -1
     */
    record Choice(int x, int count, int k, int how, int like, int first, int threshold) {
        int rows() {
            return like < 0 ? count : count + 1;
        }
    }

    /** Floats that a choice needs: its result, rows of length 1, their cosines, and two more for each. */
    static long room(int rows, int k, int width) {
        return k + (long) rows * width + (long) rows * rows + 2L * rows;
    }

    /** Chooses: places go to the beginning of the room. */
    void choose(DevicePlan plan, Choice c, int room) {
        int rows = c.rows();
        int units = room + c.k;
        int matrix = units + rows * shape.width();
        int lonely = matrix + rows * rows;
        boolean farthest = c.how == GreedyChoice.FARTHEST;
        int start = farthest ? lonely : c.like < 0 ? Heap.NONE : matrix + c.count * rows;
        choose.set(0, Partners.unitGroups(c.count), c.count, c.x, 0, 1, units);
        choose.set(1, 1, rows - c.count, c.like, 0, 1, units + c.count * shape.width());
        choose.set(2, CosineMatrix.groups(rows), rows, units, matrix);
        choose.set(3, farthest ? CosineMatrix.rowGroups(rows) : 1, farthest ? rows : 0, matrix, rows, lonely);
        choose.set(4, GreedyChoice.groups(), c.count, matrix, rows, c.how, start, c.first, c.threshold, c.k, lonely + rows, room);
        plan.run(choose);
    }
}
