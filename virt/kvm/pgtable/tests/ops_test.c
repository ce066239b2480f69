// SPDX-License-Identifier: GPL-2.0-only
/* Tests of single properties of the operations, on all trees. */
#include "env.h"
#include "model.h"

struct kpt_fixture {
	struct kpt_test *t;
	struct kpt_model *m;
	const struct kpt_format *fmt;
	u64 page;
	u64 block;
	u64 base;
};

static struct kpt_fixture start(struct kunit *test)
{
	struct kpt_test *t = kpt_test_start(test, test->param_value);
	struct kpt_fixture o = { .t = t, .fmt = t->config->format };

	o.m = kpt_model_create(t, 0);
	o.page = kpt_span(o.fmt, 0);
	o.block = kpt_span(o.fmt, 1);
	o.base = o.m->base;
	test->priv = t;
	return o;
}

static void finish(struct kpt_fixture *o)
{
	kpt_test_check(o->t);
	kpt_test_finish(o->t);
}

static u64 attrs(struct kpt_fixture *o, unsigned int prot)
{
	return o->fmt->attrs(prot, o->t->config->features);
}

static u64 oa_of(struct kpt_fixture *o, u64 ia)
{
	return ia - o->base + 4 * o->block;
}

static struct kpt_call call(struct kpt_fixture *o, enum kpt_op op, u64 first, u64 end)
{
	return (struct kpt_call) {
		.op = op,
		.tree = &o->t->tree,
		.start = first,
		.end = end,
		.level = op == KPT_OP_MAP ? 1 : 0,
		.oa = oa_of(o, first),
		.value = attrs(o, KPT_RWX),
		.prot = KPT_RWX,
	};
}

/* The operation must have succeeded; apply it to the model, too. */
static void check(struct kpt_fixture *o, struct kpt_call *c, long ret)
{
	KUNIT_EXPECT_EQ(o->t->kunit, ret, 0);
	kpt_model_apply(o->m, c);
	kpt_model_compare(o->m);
	kpt_cpus_check(o->t);
	kpt_test_check(o->t);
}

static noinline_for_stack void run(struct kpt_fixture *o, struct kpt_call *c)
{
	check(o, c, kpt_test_run(o->t, c));
}

static noinline_for_stack void map(struct kpt_fixture *o, u64 first, u64 end)
{
	struct kpt_call c = call(o, KPT_OP_MAP, first, end);

	run(o, &c);
}

/* Bits that are set in a leaf that was accessed since it was aged. */
static u64 aged_bits(const struct kpt_config *config)
{
	const struct kpt_format *fmt = config->format;

	return config->saved ? fmt->perm_mask & ~fmt->write : fmt->accessed;
}

static noinline_for_stack int leaf_level(struct kpt_fixture *o, u64 ia)
{
	struct kpt_call c = call(o, KPT_OP_LOOKUP, ia, ia + o->page);
	long level = kpt_test_run(o->t, &c);

	return kpt_is_leaf(o->fmt, c.ptes[level], level) ? level : -1;
}

static noinline_for_stack kpt_pte_t entry_at(struct kpt_fixture *o, u64 ia)
{
	struct kpt_call c = call(o, KPT_OP_LOOKUP, ia, ia + o->page);

	return c.ptes[kpt_test_run(o->t, &c)];
}

/* Map */

/* Another CPU handled the fault, and the page was aged since. */
static void maps_nothing_again_for_a_fault(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call age = call(&o, KPT_OP_AGE, o.base, o.base + o.page);
	struct kpt_call fault = call(&o, KPT_OP_MAP, o.base, o.base + o.page);
	kpt_pte_t pte;

	map(&o, o.base, o.base + o.page);
	age.shared = true;
	age.clear = o.fmt->accessed;
	kpt_test_run(o.t, &age);
	pte = entry_at(&o, o.base);

	fault.flags = KPT_MAP_FAULT;
	fault.value = attrs(&o, KPT_RW);
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &fault), -EAGAIN);
	KUNIT_EXPECT_EQ(test, entry_at(&o, o.base), pte);
	finish(&o);
}

static void maps_largest_blocks(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	bool blocks = kpt_block_level(o.fmt, 1);

	map(&o, o.base + o.block - o.page, o.base + 3 * o.block + o.page);
	KUNIT_EXPECT_EQ(test, leaf_level(&o, o.base + o.block - o.page), 0);
	KUNIT_EXPECT_EQ(test, leaf_level(&o, o.base + o.block), blocks ? 1 : 0);
	KUNIT_EXPECT_EQ(test, leaf_level(&o, o.base + 3 * o.block - o.page), blocks ? 1 : 0);
	KUNIT_EXPECT_EQ(test, leaf_level(&o, o.base + 3 * o.block), 0);
	KUNIT_EXPECT_EQ(test, leaf_level(&o, o.base), -1);
	finish(&o);
}

static void maps_the_whole_address_space_sparsely(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	u64 last = kpt_tree_end(&o.t->tree) - o.page;
	struct kpt_call first = call(&o, KPT_OP_MAP, 0, o.page);
	struct kpt_call end = call(&o, KPT_OP_MAP, last, last + o.page);

	first.oa = 0;
	end.oa = o.page;
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &first), 0);
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &end), 0);
	KUNIT_EXPECT_EQ(test, leaf_level(&o, 0), 0);
	KUNIT_EXPECT_EQ(test, leaf_level(&o, last), 0);
	KUNIT_EXPECT_EQ(test, kpt_oa(o.fmt, entry_at(&o, last)), o.page);
	KUNIT_EXPECT_EQ(test, leaf_level(&o, last - o.page), -1);
	finish(&o);
}

static void annotating_what_is_so_needs_no_table(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call c = call(&o, KPT_OP_ANNOTATE, o.base, o.base + o.page);

	c.value = o.fmt->empty;
	run(&o, &c);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&o.t->live), 0);
	finish(&o);
}

/* Invalid arguments are rejected, and nothing is written */

static void sum_entry(struct kpt_test *t, u64 ia, int level, kpt_pte_t pte, void *arg)
{
	u64 *sum = arg;

	*sum = (*sum ^ pte ^ ia ^ level) * 0x9e3779b97f4a7c15ULL;
}

static u64 tree_sum(struct kpt_fixture *o)
{
	u64 sum = 0;

	kpt_test_read(o->t, sum_entry, &sum);
	return sum;
}

static void expect_refused(struct kpt_fixture *o, const char *what, struct kpt_call c)
{
	u64 before = tree_sum(o);
	unsigned int allocs = o->t->alloc.seen;

	KUNIT_EXPECT_EQ_MSG(o->t->kunit, kpt_test_run(o->t, &c), -EINVAL, "%s", what);
	KUNIT_EXPECT_EQ_MSG(o->t->kunit, tree_sum(o), before, "%s: something was written", what);
	KUNIT_EXPECT_EQ_MSG(o->t->kunit, o->t->alloc.seen, allocs, "%s: a table was made", what);
}

static noinline_for_stack void
expect_range_refused(struct kpt_fixture *o, const char *what, enum kpt_op op, u64 first, u64 end)
{
	expect_refused(o, what, call(o, op, first, end));
}

static void refuses_bad_ranges(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	u64 space = kpt_tree_end(&o.t->tree);

	map(&o, o.base, o.base + o.block + o.page);
	for (enum kpt_op op = KPT_OP_MAP; op <= KPT_OP_COLLAPSE; op++) {
		expect_range_refused(&o, "empty", op, o.base, o.base);
		expect_range_refused(&o, "backwards", op, o.base + o.page, o.base);
		expect_range_refused(&o, "start not aligned", op, o.base + 8, o.base + o.page);
		expect_range_refused(&o, "end not aligned", op, o.base, o.base + o.page + 8);
		expect_range_refused(&o, "beyond the end", op, space, space + o.page);
		expect_range_refused(&o, "over the end", op, space - o.page, space + o.page);
		expect_range_refused(&o, "overflow", op, -o.page, 0);
	}
	finish(&o);
}

static void refuses_bad_memory(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call good = call(&o, KPT_OP_MAP, o.base + o.block, o.base + 2 * o.block), c;

	map(&o, o.base, o.base + o.page);

	c = good;
	c.oa += 8;
	expect_refused(&o, "output address not aligned", c);
	c = good;
	c.oa = -o.block;
	expect_refused(&o, "output address overflows", c);
	c = good;
	c.oa = BIT_ULL(60);
	expect_refused(&o, "output address beyond the format", c);
	c = good;
	c.oa = kpt_oa(o.fmt, kpt_oa_mask(o.fmt)) & ~(o.page - 1);
	expect_refused(&o, "memory ends beyond the format", c);
	c = good;
	c.value |= kpt_oa_bits(o.fmt, o.page);
	expect_refused(&o, "attributes with an address", c);
	c = good;
	c.value |= o.fmt->present;
	expect_refused(&o, "attributes with the present bit", c);
	c = good;
	c.level = -1;
	expect_refused(&o, "no such level", c);
	finish(&o);
}

static u64 leaf_bits(const struct kpt_format *fmt)
{
	return fmt->table_mask & ~fmt->table_value & ~fmt->write;
}

static bool has_leaf_bits(const struct kpt_config *config)
{
	return leaf_bits(config->format);
}

static const void *next_with_leaf_bits(struct kunit *test, const void *prev, char *desc)
{
	return kpt_next_config_where(prev, desc, has_leaf_bits);
}

/* If the type of a leaf depends on its permissions, clearing them would make it a table. */
static void refuses_to_make_tables_of_leaves(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call c = call(&o, KPT_OP_PROTECT, o.base, o.base + o.page);

	map(&o, o.base, o.base + o.page);
	c.clear = leaf_bits(o.fmt);
	expect_refused(&o, "all bits that make it a leaf", c);
	c.clear |= o.fmt->write;
	expect_refused(&o, "and write permission", c);
	finish(&o);
}

static bool has_dirty(const struct kpt_config *config)
{
	return config->format->dirty && config->features & KPT_FEAT_AD;
}

static const void *next_with_dirty(struct kunit *test, const void *prev, char *desc)
{
	return kpt_next_config_where(prev, desc, has_dirty);
}

static bool has_blocks(const struct kpt_config *config)
{
	return kpt_block_level(config->format, 1);
}

static const void *next_with_blocks(struct kunit *test, const void *prev, char *desc)
{
	return kpt_next_config_where(prev, desc, has_blocks);
}

static bool has_soft_bits(const struct kpt_config *config)
{
	return config->format->soft;
}

static const void *next_with_soft_bits(struct kunit *test, const void *prev, char *desc)
{
	return kpt_next_config_where(prev, desc, has_soft_bits);
}

static u64 unreadable(const struct kpt_config *config)
{
	const struct kpt_format *fmt = config->format;
	u64 readable = fmt->attrs(KPT_R, config->features) & fmt->perm_mask;

	readable &= ~fmt->attrs(0, config->features);
	return fmt->attrs(KPT_RW, config->features) & ~readable;
}

static bool refuses_unreadable(const struct kpt_config *config)
{
	return config->format->reserved(kpt_leaf(config->format, 0, unreadable(config), 0), 0);
}

static const void *next_with_reserved(struct kunit *test, const void *prev, char *desc)
{
	return kpt_next_config_where(prev, desc, refuses_unreadable);
}

/* Some formats reserve write without read permission. */
static void refuses_reserved_entries(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call c = call(&o, KPT_OP_MAP, o.base, o.base + o.page);

	c.value = unreadable(o.t->config);
	expect_refused(&o, "write without read", c);

	finish(&o);
}

static void refuses_bad_entries(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call c;

	map(&o, o.base, o.base + o.block + o.page);

	c = call(&o, KPT_OP_ANNOTATE, o.base, o.base + o.page);
	c.value = o.fmt->frozen;
	expect_refused(&o, "frozen annotation", c);
	c.value = kpt_leaf(o.fmt, 0, attrs(&o, KPT_R), 0);
	expect_refused(&o, "present annotation", c);
	c.value = o.fmt->empty;
	c.level = -1;
	expect_refused(&o, "annotation at a level below pages", c);

	c = call(&o, KPT_OP_CHANGE, o.base, o.base + o.page);
	c.value = o.fmt->frozen;
	expect_refused(&o, "changed to frozen", c);
	c = call(&o, KPT_OP_CHANGE, o.base + o.block, o.base + o.block + o.page);
	c.level = 1;
	c.value = kpt_table(o.fmt, 4 * o.block);
	expect_refused(&o, "changed to another table", c);

	c = call(&o, KPT_OP_SPLIT, o.base, o.base + o.block);
	c.level = -1;
	expect_refused(&o, "split below pages", c);

	c = call(&o, KPT_OP_PROTECT, o.base, o.base + o.page);
	c.clear = o.fmt->present;
	expect_refused(&o, "protecting the present bit", c);
	c.clear = 0;
	c.set = kpt_oa_bits(o.fmt, o.page);
	expect_refused(&o, "protecting the address", c);

	c = call(&o, KPT_OP_CLEAR_MASK, o.base, o.base + 4 * o.page);
	c.clear = o.fmt->write;
	c.mask = BIT(4);
	expect_refused(&o, "mask beyond the range", c);
	c.mask = BIT(0);
	c.shared = true;
	expect_refused(&o, "shared mask", c);
	finish(&o);
}

/* Permissions of a leaf that is encoded with @prot, or 0 if the format has no such leaf. */
static unsigned int allowed(struct kpt_fixture *o, unsigned int prot)
{
	kpt_pte_t leaf = kpt_leaf(o->fmt, oa_of(o, o->base), attrs(o, prot), 0);

	return kpt_is_leaf(o->fmt, leaf, 0) && !o->fmt->reserved(leaf, 0) ?
	       o->fmt->perms(leaf) : 0;
}

static noinline_for_stack void relax(struct kpt_fixture *o, unsigned int had, unsigned int asked)
{
	struct kpt_call m = call(o, KPT_OP_MAP, o->base, o->base + o->page);
	struct kpt_call c = call(o, KPT_OP_RELAX, o->base, o->base + o->page);
	unsigned int both = had | asked;

	m.value = attrs(o, had);
	run(o, &m);
	c.prot = asked;
	if (both & ~allowed(o, both)) {
		expect_refused(o, "permissions that the format does not have", c);
	} else if (both == allowed(o, both)) {
		run(o, &c);
		KUNIT_EXPECT_EQ_MSG(o->t->kunit, o->fmt->perms(entry_at(o, o->base)), both,
				    "%#x relaxed by %#x", had, asked);
	}
}

/* The TLB of this CPU is stale, although the leaf is not. */
static void relaxes_what_another_cpu_relaxed(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call m = call(&o, KPT_OP_MAP, o.base, o.base + o.page);
	struct kpt_call c = call(&o, KPT_OP_RELAX, o.base, o.base + o.page);

	m.value = attrs(&o, KPT_R);
	c.prot = KPT_W;
	for (int shared = 0; shared < 2; shared++) {
		run(&o, &m);
		kpt_cpu_access(o.t, 1, o.base, KPT_R);
		c.shared = shared;
		o.t->cpu = 0;
		run(&o, &c);
		o.t->cpu = 1;
		run(&o, &c);
		/* Some CPUs walk again only after a fault. */
		KUNIT_EXPECT_TRUE(test, kpt_cpu_access(o.t, 1, o.base, KPT_W) ||
				  kpt_cpu_access(o.t, 1, o.base, KPT_W));
		o.t->cpu = 0;
	}
	finish(&o);
}

static void relaxes_to_both(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call unmap = call(&o, KPT_OP_UNMAP, o.base, o.base + o.page);

	for (unsigned int had = 1; had <= KPT_PERMS; had++) {
		if (allowed(&o, had) != had)
			continue;
		for (unsigned int asked = 0; asked <= KPT_PERMS; asked++) {
			relax(&o, had, asked);
			run(&o, &unmap);
		}
	}
	finish(&o);
}

static bool refuses_to_remap(const struct kpt_config *config)
{
	return kpt_rule(config->format, KPT_REMAP) & KPT_REFUSED;
}

static const void *next_that_refuses_to_remap(struct kunit *test, const void *prev, char *desc)
{
	return kpt_next_config_where(prev, desc, refuses_to_remap);
}

static void refuses_other_memory(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call c = call(&o, KPT_OP_MAP, o.base, o.base + o.page);

	map(&o, o.base, o.base + o.page);
	c.oa += o.page;
	expect_refused(&o, "other memory", c);
	finish(&o);
}

static bool refuses_to_remap_blocks(const struct kpt_config *config)
{
	return refuses_to_remap(config) && has_blocks(config);
}

static const void *next_that_refuses_to_remap_blocks(struct kunit *test, const void *prev,
						     char *desc)
{
	return kpt_next_config_where(prev, desc, refuses_to_remap_blocks);
}

/* A block must not be split before the change is rejected. */
static void refuses_other_memory_for_a_part_of_a_block(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call c = call(&o, KPT_OP_MAP, o.base + o.page, o.base + 2 * o.page);

	map(&o, o.base, o.base + o.block);
	c.oa += o.page;
	expect_refused(&o, "other memory after", c);
	c.oa -= 2 * o.page;
	expect_refused(&o, "other memory before", c);
	c.oa = 0;
	expect_refused(&o, "other memory far away", c);
	finish(&o);
}

/* The root, and what is next to it */

static noinline_for_stack void run_on_all(struct kpt_fixture *o, enum kpt_op op, bool shared)
{
	struct kpt_call c = call(o, op, 0, kpt_tree_end(&o->t->tree));
	long ret;

	c.shared = shared || op == KPT_OP_AGE;
	c.what = op == KPT_OP_UNMAP ? KPT_TABLES | KPT_YIELDS : 0;
	c.clear = op == KPT_OP_AGE ? aged_bits(o->t->config) : o->fmt->write;
	c.set = op == KPT_OP_AGE ? 0 : o->fmt->read_only;
	if (op == KPT_OP_ZAP)
		c.level = o->t->tree.top;
	ret = kpt_test_run(o->t, &c);
	KUNIT_EXPECT_TRUE_MSG(o->t->kunit, !ret || op == KPT_OP_AGE, "%d: %ld", op, ret);
	kpt_test_check(o->t);
}

static bool takes_write(struct kpt_fixture *o, enum kpt_op op)
{
	return op == KPT_OP_WRPROT || op == KPT_OP_PROTECT || op == KPT_OP_UNMAP ||
	       op == KPT_OP_ZAP || (op == KPT_OP_AGE && o->t->config->saved) ||
	       (op == KPT_OP_CLEAR_DIRTY && o->fmt->write);
}

static noinline_for_stack void
expect_on_all(struct kunit *test, enum kpt_op op, bool shared)
{
	struct kpt_fixture o = start(test);
	u64 last = kpt_tree_end(&o.t->tree) - o.page;
	struct kpt_call m = call(&o, KPT_OP_MAP, 0, o.page);

	for (int end = 0; end < 2; end++) {
		m.oa = 0;
		KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &m), 0);
		m.start = last;
		m.end = last + o.page;
	}
	run_on_all(&o, op, shared);
	for (int end = 0; end < 2; end++) {
		kpt_pte_t pte = entry_at(&o, end ? last : 0);

		KUNIT_EXPECT_EQ_MSG(test, kpt_present(o.fmt, pte),
				    op != KPT_OP_UNMAP && op != KPT_OP_ZAP, "operation %d", op);
		KUNIT_EXPECT_EQ_MSG(test, kpt_present(o.fmt, pte) && o.fmt->perms(pte) & KPT_W,
				    !takes_write(&o, op), "operation %d", op);
	}
	kpt_test_flush_deferred(o.t);
	kpt_test_flush_aged(o.t);
	finish(&o);
}

/* The first and the last page are reached, and nothing outside of the root. */
static void walks_all_of_its_root_and_no_more(struct kunit *test)
{
	static const enum kpt_op ops[] = {
		KPT_OP_WRPROT, KPT_OP_PROTECT, KPT_OP_CLEAR_DIRTY, KPT_OP_AGE, KPT_OP_SPLIT,
		KPT_OP_COLLAPSE, KPT_OP_UNMAP, KPT_OP_ZAP,
	};

	for (int i = 0; i < 2 * ARRAY_SIZE(ops); i++)
		expect_on_all(test, ops[i / 2], i % 2);
}

static void looks_up_no_address_that_it_does_not_have(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	u64 space = kpt_tree_end(&o.t->tree);
	struct kpt_call c = call(&o, KPT_OP_LOOKUP, space, space);

	map(&o, o.base, o.base + o.page);
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), -EINVAL);
	c.start = space | o.base;
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), -EINVAL);
	c.start = -o.page;
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), -EINVAL);
	finish(&o);
}

static void refuses_trees_without_an_end(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	u8 ia_bits = o.t->tree.ia_bits;

	o.t->tree.ia_bits = 64;
	for (enum kpt_op op = KPT_OP_MAP; op <= KPT_OP_COLLAPSE; op++) {
		struct kpt_call c = call(&o, op, 0, o.page);

		KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), -EINVAL);
		c.end = -o.page;
		KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), -EINVAL);
	}
	o.t->tree.ia_bits = ia_bits;
	finish(&o);
}

static void refuses_levels_that_it_does_not_have(struct kunit *test)
{
	static const enum kpt_op ops[] = {
		KPT_OP_ZAP, KPT_OP_WRPROT, KPT_OP_PROTECT, KPT_OP_SPLIT,
	};
	struct kpt_fixture o = start(test);

	map(&o, o.base, o.base + o.block + o.page);
	for (int i = 0; i < ARRAY_SIZE(ops); i++) {
		struct kpt_call c = call(&o, ops[i], o.base, o.base + 2 * o.block);

		c.clear = o.fmt->write;
		c.set = o.fmt->read_only;
		c.level = -1;
		expect_refused(&o, "a level below pages", c);
		c.level = o.t->tree.top + 1;
		expect_refused(&o, "a level above the root", c);
	}
	finish(&o);
}

static bool clears_write(const struct kpt_config *config)
{
	return has_blocks(config) && config->format->write && !config->format->read_only;
}

static const void *next_that_clears_write(struct kunit *test, const void *prev, char *desc)
{
	return kpt_next_config_where(prev, desc, clears_write);
}

static bool has_blocks_in_its_root(const struct kpt_config *config)
{
	return kpt_block_level(config->format, config->levels - 1);
}

static const void *next_with_blocks_in_its_root(struct kunit *test, const void *prev, char *desc)
{
	return kpt_next_config_where(prev, desc, has_blocks_in_its_root);
}

static void splits_nothing_that_is_small_enough(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	unsigned int top = o.t->tree.top;
	u64 span = kpt_span(o.fmt, top);
	struct kpt_call m = call(&o, KPT_OP_MAP, 0, span);
	struct kpt_call c = call(&o, KPT_OP_SPLIT, 0, span);

	m.oa = span;
	m.level = top;
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &m), 0);
	KUNIT_EXPECT_EQ(test, leaf_level(&o, 0), top);
	c.level = top;
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), 0);
	KUNIT_EXPECT_EQ(test, leaf_level(&o, 0), top);
	finish(&o);
}

/* Results */

static void unmapping_keeps_annotations_and_unlinking_does_not(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call c = call(&o, KPT_OP_ANNOTATE, o.base + o.block, o.base + 2 * o.block);
	struct kpt_call note = call(&o, KPT_OP_ANNOTATE, o.base, o.base + o.page);
	struct kpt_call u = call(&o, KPT_OP_UNMAP, o.base, o.base + 3 * o.block);

	for (int tables = 0; tables < 2; tables++) {
		for (int shared = 0; shared < 2; shared++) {
			c.level = 1;
			c.value = o.fmt->empty | BIT_ULL(__ffs64(o.fmt->soft));
			note.value = c.value;
			u.what = tables ? KPT_TABLES : 0;
			u.shared = shared;
			run(&o, &c);
			run(&o, &note);
			map(&o, o.base + o.page, o.base + 2 * o.page);
			run(&o, &u);
			KUNIT_EXPECT_EQ(test, entry_at(&o, o.base + o.block),
					tables ? o.fmt->empty : c.value);
			KUNIT_EXPECT_EQ(test, entry_at(&o, o.base),
					tables ? o.fmt->empty : c.value);
		}
	}
	finish(&o);
}

static void guest_reads_there(struct kpt_test *t)
{
	kpt_cpu_access(t, 1, (u64)t->kunit->priv, KPT_R);
}

static void unmaps_blocks_that_it_replaces_in_part(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	bool breaks = o.fmt->rules[KPT_SPLIT] & KPT_BREAK;
	struct kpt_call m = call(&o, KPT_OP_MAP, o.base, o.base + o.block);
	struct kpt_call part = call(&o, KPT_OP_MAP, o.base, o.base + o.page);
	long expected = o.fmt->rules[KPT_REMAP] & KPT_REFUSED || !breaks ? -EINVAL : 0;

	part.flags = KPT_MAP_UNMAP_BLOCKS;
	part.oa = m.oa + 2 * o.block;
	o.t->kunit->priv = (void *)part.start;
	for (int shared = 0; shared < 2; shared++) {
		run(&o, &m);
		KUNIT_EXPECT_TRUE(test, kpt_cpu_access(o.t, 1, o.base, KPT_R));
		part.shared = shared;
		o.t->moment = (struct kpt_trap) {
			.at = 1, .every = true, .act = guest_reads_there,
		};
		KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &part), expected);
		o.t->moment.at = 0;
		/* The rest of the block is not mapped, neither in the table nor in a TLB. */
		KUNIT_EXPECT_EQ(test, kpt_cpu_access(o.t, 1, o.base + o.page, KPT_R), !!expected);
		KUNIT_EXPECT_EQ(test, kpt_oa(o.fmt, entry_at(&o, part.start)),
				expected ? m.oa : part.oa);
	}
	finish(&o);
}

static void clears_pages_of_two_tables(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	u64 first = o.base + o.block - 8 * o.page;
	struct kpt_call c = call(&o, KPT_OP_CLEAR_MASK, first, first + 16 * o.page);

	map(&o, first, first + 16 * o.page);
	c.clear = o.fmt->write;
	/* Neither the last page of the first table nor the first of the second. */
	c.mask = BIT(0) | BIT(10);
	run(&o, &c);
	for (int page = 0; page < 16; page++)
		KUNIT_EXPECT_EQ_MSG(test,
				    !(o.fmt->perms(entry_at(&o, first + page * o.page)) & KPT_W),
				    !!(c.mask & BIT(page)), "page %d", page);
	kpt_test_flush_deferred(o.t);
	finish(&o);
}

static void tells_which_pages_a_block_maps(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call m = call(&o, KPT_OP_MAP, o.base + o.block, o.base + 2 * o.block);
	u64 first = o.base + o.block - 8 * o.page;
	struct kpt_call c = call(&o, KPT_OP_CLEAR_MASK, first, first + 16 * o.page);

	map(&o, first, first + 6 * o.page);
	run(&o, &m);
	c.mask = 0x5a5a;
	c.clear = o.fmt->write;
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), 0);
	KUNIT_EXPECT_EQ(test, c.blocks, 0x5a00);
	KUNIT_EXPECT_TRUE(test, o.fmt->perms(entry_at(&o, first)) & KPT_W);
	KUNIT_EXPECT_FALSE(test, o.fmt->perms(entry_at(&o, first + o.page)) & KPT_W);
	KUNIT_EXPECT_TRUE(test, o.fmt->perms(entry_at(&o, first + 8 * o.page)) & KPT_W);
	kpt_test_flush_deferred(o.t);
	finish(&o);
}

static void enters_no_table_that_its_visitor_unlinked(struct kunit *test)
{
	for (int shared = 0; shared < 2; shared++) {
		struct kpt_fixture o = start(test);
		struct kpt_call c = call(&o, KPT_OP_UNLINK_EACH, o.base, o.base + 2 * o.block);

		map(&o, o.base, o.base + 3 * o.page);
		map(&o, o.base + o.block, o.base + o.block + o.page);
		c.shared = shared;
		KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), 0);
		KUNIT_EXPECT_EQ_MSG(test, c.mask, 0, "visited a leaf of an unlinked table");
		KUNIT_EXPECT_EQ(test, atomic_long_read(&o.t->leaves[0]), 0);
		finish(&o);
	}
}

/* Errors and races, at every possible step */

static bool is_done(struct kunit *test, long ret, long allowed)
{
	KUNIT_EXPECT_TRUE_MSG(test, !ret || ret == allowed, "returned %ld", ret);
	return !ret;
}

/* Continue at kpt_done() until the operation is done, and compare with the model. */
static void continue_to_the_end(struct kpt_fixture *o, struct kpt_call c)
{
	struct kpt_call again = c;
	long ret;

	o->t->alloc.at = 0;
	again.start = c.done;
	again.oa = c.oa + (c.done - c.start);
	ret = kpt_test_run(o->t, &again);
	KUNIT_EXPECT_EQ(o->t->kunit, ret, 0);
}

static bool nth_allocation_fails(struct kunit *test, enum kpt_op op, unsigned int n)
{
	struct kpt_fixture o = start(test);
	struct kpt_model *before = kpt_model_create(o.t, 0), *after = kpt_model_create(o.t, 0);
	u64 from = o.base + o.block - 2 * o.page, to = o.base + 3 * o.block + 2 * o.page;
	struct kpt_call c = call(&o, op, from, to);
	bool done;

	if (op == KPT_OP_SPLIT)
		map(&o, from, to);
	kpt_model_copy(before, o.m);
	kpt_model_copy(after, o.m);
	kpt_model_apply(after, &c);
	o.t->alloc = (struct kpt_trap) { .at = n };
	done = is_done(test, kpt_test_run(o.t, &c), -ENOMEM);
	kpt_model_compare_any(o.m, (struct kpt_model *[]) { before, after }, 2);
	if (!done) {
		KUNIT_EXPECT_GE(test, c.done, from);
		KUNIT_EXPECT_LT(test, c.done, to);
		continue_to_the_end(&o, c);
	}
	kpt_model_copy(o.m, after);
	kpt_model_compare(o.m);
	finish(&o);
	return done;
}

static void every_allocation_may_fail(struct kunit *test)
{
	const struct kpt_config *config = test->param_value;
	unsigned int n = 1;

	while (!nth_allocation_fails(test, KPT_OP_MAP, n) && n < 100)
		n++;
	KUNIT_EXPECT_GE(test, n, 3);
	n = 1;
	while (!nth_allocation_fails(test, KPT_OP_SPLIT, n) && n < 100)
		n++;
	KUNIT_EXPECT_GE(test, n, kpt_block_level(config->format, 1) ? 3 : 1);
}

static struct kpt_call disturbed(struct kpt_fixture *o, enum kpt_op op)
{
	struct kpt_call c = call(o, op, o->base + o->block - 2 * o->page,
				 o->base + 2 * o->block + 2 * o->page);

	c.what = op == KPT_OP_UNMAP ? KPT_TABLES | KPT_YIELDS : KPT_YIELDS;
	c.clear = o->fmt->write | o->fmt->fast_write;
	c.set = o->fmt->read_only;
	return c;
}

static bool nth_exchange_loses(struct kunit *test, enum kpt_op op, unsigned int n)
{
	struct kpt_fixture o = start(test);
	struct kpt_model *before = kpt_model_create(o.t, 0);
	struct kpt_call c = disturbed(&o, op);
	bool lost;
	long ret;

	if (op != KPT_OP_MAP)
		map(&o, c.start, c.end);
	kpt_model_copy(before, o.m);
	kpt_model_apply(o.m, &c);
	c.shared = true;
	o.t->race = (struct kpt_trap) { .at = n };
	ret = kpt_test_run(o.t, &c);
	lost = o.t->race.seen >= n;
	o.t->race.at = 0;

	if (op == KPT_OP_MAP && lost) {
		KUNIT_EXPECT_EQ(test, ret, -EAGAIN);
		kpt_model_compare_any(before, (struct kpt_model *[]) { before, o.m }, 2);
		continue_to_the_end(&o, c);
	} else {
		KUNIT_EXPECT_EQ(test, ret, 0);
	}
	kpt_model_compare(o.m);
	finish(&o);
	return lost;
}

static void every_race_may_be_lost(struct kunit *test)
{
	static const enum kpt_op ops[] = {
		KPT_OP_MAP, KPT_OP_UNMAP, KPT_OP_WRPROT, KPT_OP_PROTECT, KPT_OP_SPLIT,
	};
	const struct kpt_config *config = test->param_value;
	unsigned int step = kpt_entries(config->format) / 4;

	for (int i = 0; i < ARRAY_SIZE(ops); i++)
		for (unsigned int n = 1; nth_exchange_loses(test, ops[i], n); n += n < 8 ? 1 : step)
			;
}

/* Lowest level that an operation descends to. */
static int floor_of(const struct kpt_call *c)
{
	switch (c->op) {
	case KPT_OP_SPLIT:
		return c->level + 1;
	case KPT_OP_COLLAPSE:
	case KPT_OP_UNMAP:
		return 1;
	case KPT_OP_ZAP:
		return c->level;
	default:
		return 0;
	}
}

/* Each table of the range is an opportunity; the entries are few, so they need not be. */
static void every_chance_to_yield_is_taken(struct kunit *test)
{
	static const enum kpt_op ops[] = {
		KPT_OP_UNMAP, KPT_OP_WRPROT, KPT_OP_SPLIT, KPT_OP_COLLAPSE, KPT_OP_ZAP,
	};

	for (int i = 0; i < ARRAY_SIZE(ops); i++) {
		struct kpt_fixture o = start(test);
		struct kpt_call c = disturbed(&o, ops[i]);

		map(&o, o.base, kpt_model_end(o.m));
		c.start = o.base;
		c.end = kpt_model_end(o.m);
		o.t->yield = (struct kpt_trap) { .at = 1, .every = true };
		run(&o, &c);
		KUNIT_EXPECT_GE(test, o.t->yield.seen, o.t->tree.top > max(floor_of(&c), 1));
		KUNIT_EXPECT_LE(test, o.t->yield.seen, 64);
		finish(&o);
	}
}

/* kpt_test_yield() verifies that the flush is done before the lock is dropped. */
static void protects_before_it_yields(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call c = call(&o, KPT_OP_CHANGE_EACH, o.base, kpt_model_end(o.m));

	map(&o, o.base, kpt_model_end(o.m));
	for (u64 ia = o.base; ia < c.end; ia += o.block)
		KUNIT_EXPECT_TRUE(test, kpt_cpu_access(o.t, 1, ia, KPT_RW));
	c.clear = attrs(&o, KPT_RWX) & ~attrs(&o, KPT_RW);
	c.set = attrs(&o, KPT_RW) & ~attrs(&o, KPT_RWX);
	c.noflush = true;
	o.t->yield = (struct kpt_trap) { .at = 1, .every = true };
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), 0);
	kpt_cpus_check(o.t);
	finish(&o);
}

/* While the lock is dropped, map a page again that the operation has already unmapped. */
static void remap_behind(struct kpt_test *t)
{
	struct kpt_fixture o = {
		.t = t,
		.fmt = t->config->format,
		.page = kpt_span(t->config->format, 0),
		.block = kpt_span(t->config->format, 1),
	};
	struct kpt_call c;

	if (t->tree.top >= 2)
		o.base = kpt_span(o.fmt, 2) - 2 * o.block;
	c = call(&o, KPT_OP_MAP, o.base, o.base + o.page);
	KUNIT_EXPECT_EQ(t->kunit, kpt_test_run(t, &c), 0);
	t->yield.at = 0;
}

static void resumes_where_it_yielded(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call c = call(&o, KPT_OP_UNMAP, o.base, kpt_model_end(o.m));
	struct kpt_call again = call(&o, KPT_OP_MAP, o.base, o.base + o.page);
	struct kpt_call pages = call(&o, KPT_OP_MAP, o.base, kpt_model_end(o.m));

	pages.level = 0;
	run(&o, &pages);
	c.what = KPT_YIELDS;
	o.t->yield = (struct kpt_trap) { .at = 2, .act = remap_behind };
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), 0);
	kpt_model_apply(o.m, &c);
	kpt_model_apply(o.m, &again);
	kpt_model_compare(o.m);
	finish(&o);
}

/* Runs of blocks are removed at once, but must be interrupted to check whether to yield. */
static void looks_up_from_blocks(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call m = call(&o, KPT_OP_MAP, 0, 2 * KPT_LOOK_EVERY * o.block);
	struct kpt_call c = call(&o, KPT_OP_UNMAP, m.start, m.end);

	m.oa = m.end;
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &m), 0);
	c.what = KPT_YIELDS;
	o.t->yield = (struct kpt_trap) { .at = 1, .every = true };
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), 0);
	KUNIT_EXPECT_GE(test, o.t->yield.seen, 1);
	finish(&o);
}

/* Entries that a visitor was called for. */
struct kpt_visits {
	struct kpt_seen seen[2 * KPT_MAX_LEVELS];
	unsigned int count;
	unsigned int stop;
};

static int note_visit(struct kpt_iter *it, void *arg)
{
	struct kpt_visits *visits = arg;

	if (visits->count < ARRAY_SIZE(visits->seen))
		visits->seen[visits->count] = kpt_see(it);
	return ++visits->count == visits->stop ? KPT_STOP : 0;
}

/* Frozen entries are owned by another walker */

static kpt_pte_t *raw_entry_at(struct kpt_fixture *o, u64 ia, int level)
{
	struct kpt_call c = call(o, KPT_OP_CHANGE, ia, ia + o->page);

	c.level = level;
	c.value = o->fmt->frozen;
	kpt_test_run(o->t, &c);
	return (__force kpt_pte_t *)c.found.ptep;
}

static kpt_pte_t *raw_entry(struct kpt_fixture *o, u64 ia)
{
	return raw_entry_at(o, ia, 0);
}

/* An entry that another walker has frozen, and the value that it will publish. */
static struct {
	kpt_pte_t *ptep;
	kpt_pte_t pte;
} publisher;

static void publish(struct kpt_test *t)
{
	if (*publisher.ptep != t->config->format->frozen)
		kpt_test_report(t, "invariant 1: an entry frozen by another walker was written");
	*publisher.ptep = publisher.pte;
}

static void freeze_at(struct kpt_fixture *o, u64 ia, int level)
{
	publisher.ptep = raw_entry_at(o, ia, level);
	publisher.pte = *publisher.ptep;
	*publisher.ptep = o->fmt->frozen;
}

static void freeze(struct kpt_fixture *o, u64 ia)
{
	freeze_at(o, ia, 0);
}

static struct kpt_call on_frozen(struct kpt_fixture *o, enum kpt_op op, u64 first, u64 end)
{
	struct kpt_call c = call(o, op, first, end);

	c.shared = true;
	c.mask = 1;
	c.level = 0;
	c.clear = op == KPT_OP_AGE ? aged_bits(o->t->config) : o->fmt->write;
	c.set = op == KPT_OP_CLEAR_DIRTY || op == KPT_OP_AGE ? 0 : o->fmt->read_only;
	if (op == KPT_OP_ANNOTATE)
		c.value = o->fmt->empty;
	return c;
}

/* Faults are retried; all other operations wait, for a single page and for a range. */
static void faults_retry_at_frozen_entries(struct kunit *test)
{
	static const enum kpt_op ops[] = { KPT_OP_MAP, KPT_OP_ANNOTATE, KPT_OP_RELAX };
	struct kpt_fixture o = start(test);
	struct kpt_call change;

	map(&o, o.base, o.base + 4 * o.page);
	freeze(&o, o.base + o.page);
	/* Even an exclusive operation, for which nobody is going to publish the entry. */
	for (int i = 0; i < 2 * ARRAY_SIZE(ops); i++) {
		struct kpt_call c = on_frozen(&o, ops[i / 2], o.base + o.page,
					      o.base + 2 * o.page);

		c.shared = i % 2;
		KUNIT_EXPECT_EQ_MSG(test, kpt_test_run(o.t, &c), -EAGAIN, "operation %d", c.op);
		KUNIT_EXPECT_EQ_MSG(test, *publisher.ptep, o.fmt->frozen,
				    "invariant 1: operation %d wrote a frozen entry", c.op);
	}
	change = call(&o, KPT_OP_CHANGE, o.base + o.page, o.base + 2 * o.page);
	change.value = o.fmt->empty;
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &change), -EAGAIN);
	KUNIT_EXPECT_EQ(test, *publisher.ptep, o.fmt->frozen);
	publish(o.t);
	kpt_model_compare(o.m);
	finish(&o);
}

static noinline_for_stack void
expect_wait(struct kunit *test, enum kpt_op op, u64 from, u64 pages)
{
	struct kpt_fixture o = start(test);
	u64 first = o.base + from * o.page;
	struct kpt_call c = on_frozen(&o, op, first, first + pages * o.page);
	long ret;

	c.mask = GENMASK_ULL(pages - 1, 0);
	map(&o, o.base, o.base + 4 * o.page);
	freeze(&o, o.base + 2 * o.page);
	o.t->moment = (struct kpt_trap) { .at = 100, .act = publish };
	ret = kpt_test_run(o.t, &c);
	KUNIT_EXPECT_GE_MSG(test, o.t->moment.seen, 100, "operation %d did not wait", op);
	o.t->moment.at = 0;
	KUNIT_EXPECT_EQ_MSG(test, ret, op == KPT_OP_AGE, "operation %d", op);
	kpt_test_flush_aged(o.t);
	kpt_model_apply(o.m, &c);
	kpt_model_compare(o.m);
	kpt_test_flush_deferred(o.t);
	finish(&o);
}

static u64 block_of_publisher;

/* The table is replaced by a block, which begins before the page that was waited for. */
static void publish_a_block(struct kpt_test *t)
{
	const struct kpt_format *fmt = t->config->format;
	struct kpt_call m = {
		.op = KPT_OP_MAP,
		.start = block_of_publisher,
		.end = block_of_publisher + kpt_span(fmt, 1),
		.shared = true,
		.level = 1,
		.oa = kpt_span(fmt, 2),
		.value = fmt->attrs(KPT_RW, t->config->features),
	};

	publish(t);
	KUNIT_EXPECT_EQ(t->kunit, kpt_test_run(t, &m), 0);
	KUNIT_EXPECT_TRUE(t->kunit, kpt_cpu_access(t, 1, m.start, KPT_RW));
}

static void flushes_what_it_finds_after_it_waited(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call m = call(&o, KPT_OP_MAP, o.base, o.base + o.block);
	struct kpt_call c = on_frozen(&o, KPT_OP_WRPROT, o.base + 2 * o.page,
				      o.base + 4 * o.page);

	m.level = 0;
	m.oa = kpt_span(o.fmt, 2);
	m.value = o.fmt->attrs(KPT_RW, o.t->config->features);
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &m), 0);
	block_of_publisher = o.base;
	freeze(&o, o.base + 3 * o.page);
	o.t->moment = (struct kpt_trap) { .at = 100, .act = publish_a_block };
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), 0);
	o.t->moment.at = 0;
	kpt_test_flush_deferred(o.t);
	kpt_cpus_check(o.t);
	finish(&o);
}

static kpt_pte_t *batched;

static void publish_to_a_batch(struct kpt_test *t)
{
	if (*batched == t->config->format->frozen)
		kpt_test_report(t, "invariant 10: a walk waits and has frozen an entry itself");
	publish(t);
}

/* Or two walks could wait for each other. */
static void waits_with_no_frozen_entries_of_its_own(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call m = call(&o, KPT_OP_MAP, o.base, o.base + 2 * o.block);
	struct kpt_call c = call(&o, KPT_OP_COLLAPSE, o.base, o.base + 2 * o.block);

	m.level = 0;
	run(&o, &m);
	batched = raw_entry_at(&o, o.base, 1);
	freeze_at(&o, o.base + o.block, 1);
	c.shared = true;
	c.level = 1;
	o.t->moment = (struct kpt_trap) { .at = 20000, .act = publish_to_a_batch };
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), 0);
	KUNIT_EXPECT_GE(test, o.t->moment.seen, 20000);
	o.t->moment.at = 0;
	KUNIT_EXPECT_EQ(test, leaf_level(&o, o.base), 1);
	KUNIT_EXPECT_EQ(test, leaf_level(&o, o.base + o.block), 1);
	kpt_test_flush_deferred(o.t);
	finish(&o);
}

static void waits_for_frozen_entries(struct kunit *test)
{
	static const enum kpt_op ops[] = {
		KPT_OP_UNMAP, KPT_OP_ZAP, KPT_OP_WRPROT, KPT_OP_PROTECT, KPT_OP_CLEAR_DIRTY,
		KPT_OP_AGE,
	};

	for (int i = 0; i < ARRAY_SIZE(ops); i++) {
		expect_wait(test, ops[i], 2, 1);
		expect_wait(test, ops[i], 0, 4);
	}
}

/* What is mapped first is flushed only where harts cache invalid entries. */
static void flushes_what_it_maps_only_where_needed(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call c = call(&o, KPT_OP_MAP, o.base, o.base + 4 * o.page);
	int before;

	c.level = 0;
	c.value = o.fmt->attrs(KPT_RW, o.t->config->features);
	for (int shared = 0; shared < 2; shared++) {
		before = atomic_read(&o.t->invalidations);
		c.shared = shared;
		KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), 0);
		KUNIT_EXPECT_EQ(test, atomic_read(&o.t->invalidations) - before,
				o.t->config->arch->absent);
		c.start += 8 * o.page;
		c.end += 8 * o.page;
	}
	finish(&o);
}

static void visits_each_leaf_once_although_it_waits(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call c = on_frozen(&o, KPT_OP_VISIT, o.base, o.base + 4 * o.page);
	struct kpt_visits visits = {};

	map(&o, o.base, o.base + 4 * o.page);
	freeze(&o, o.base + 2 * o.page);
	o.t->moment = (struct kpt_trap) { .at = 100, .act = publish };
	c.what = KPT_LEAVES;
	c.visit = note_visit;
	c.arg = &visits;
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), 0);
	KUNIT_EXPECT_GE(test, o.t->moment.seen, 100);
	o.t->moment.at = 0;
	KUNIT_EXPECT_EQ_MSG(test, visits.count, 4, "invariant 6: leaves are visited again");
	finish(&o);
}

static void tells_frozen_entries_from_absent_ones(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call c = call(&o, KPT_OP_VISIT, o.base + o.page, o.base + 2 * o.page);
	struct kpt_visits visits = {};
	kpt_pte_t *ptep;

	map(&o, o.base, o.base + o.page);
	ptep = raw_entry(&o, o.base + o.page);
	*ptep = o.fmt->frozen;
	c.visit = note_visit;
	c.arg = &visits;
	c.what = KPT_ABSENT;
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), 0);
	KUNIT_EXPECT_EQ(test, visits.count, 0);
	c.what = KPT_FROZEN;
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), 0);
	KUNIT_EXPECT_EQ(test, visits.count, 1);
	*ptep = o.fmt->empty;
	c.what = KPT_FROZEN;
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), 0);
	KUNIT_EXPECT_EQ(test, visits.count, 1);
	finish(&o);
}

static void visits_what_it_is_asked_for(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call note = call(&o, KPT_OP_ANNOTATE, o.base + o.page, o.base + 2 * o.page);
	struct kpt_call c = call(&o, KPT_OP_VISIT, o.base, o.base + 4 * o.page);
	static const struct {
		unsigned int what, count;
	} cases[] = { { KPT_LEAVES, 1 }, { KPT_NOTES, 1 }, { KPT_EMPTY, 2 }, { KPT_ABSENT, 3 } };

	note.value = o.fmt->empty | BIT_ULL(__ffs64(o.fmt->soft));
	map(&o, o.base, o.base + o.page);
	run(&o, &note);
	for (int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kpt_visits visits = {};

		c.visit = note_visit;
		c.arg = &visits;
		c.what = cases[i].what;
		KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), 0);
		KUNIT_EXPECT_EQ_MSG(test, visits.count, cases[i].count, "what %u", c.what);
	}
	finish(&o);
}

/* Hardware bits */

static void guest_writes(struct kpt_call *c)
{
	struct kpt_test *t = c->arg;

	KUNIT_EXPECT_TRUE(t->kunit, kpt_cpu_access(t, 1, c->start, KPT_R | KPT_W));
}

/* The guest writes after the engine has read the entry and before it changes it. */
static void keeps_what_hardware_sets(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call c = call(&o, KPT_OP_CHANGE, o.base, o.base + o.page);
	struct kpt_call m = call(&o, KPT_OP_MAP, o.base, o.base + o.page);

	m.value &= ~o.fmt->dirty;
	run(&o, &m);
	c.value = o.fmt->empty;
	c.meanwhile = guest_writes;
	c.arg = o.t;
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), 0);
	KUNIT_EXPECT_TRUE_MSG(test, c.found.pte & o.fmt->dirty,
			      "invariant 1: the old value misses a write before the change");
	finish(&o);
}

static void guest_writes_there(struct kpt_test *t)
{
	kpt_cpu_access(t, 1, (u64)t->kunit->priv, KPT_RW);
}

/* Retry after -EAGAIN, as a fault does. */
static void run_as_often_as_it_takes(struct kpt_fixture *o, struct kpt_call *c)
{
	long ret;

	do {
		ret = kpt_test_run(o->t, c);
	} while (ret == -EAGAIN && (c->shared || c->op == KPT_OP_RELAX));
	check(o, c, ret);
}

/* Return false if the operation has less than @n accesses.  Unmaps the range at the end. */
static noinline_for_stack bool
run_at_moment(struct kpt_fixture *o, struct kpt_call *c, unsigned int n)
{
	struct kpt_call u = call(o, KPT_OP_UNMAP, c->start, c->end);

	o->t->moment = (struct kpt_trap) { .at = n, .act = guest_writes_there };
	run_as_often_as_it_takes(o, c);
	kpt_test_flush_deferred(o->t);
	o->t->moment.at = 0;
	run(o, &u);
	return o->t->moment.seen >= n;
}

typedef bool (*write_at_t)(struct kpt_fixture *o, enum kpt_op op, bool shared, unsigned int n);

/* Write to @page at each access of the operation, or at one out of @stride if there are many. */
static void write_at_all_moments(struct kpt_fixture *o, const enum kpt_op *ops, unsigned int count,
				 u64 page, unsigned int stride, write_at_t write_at)
{
	unsigned int n;

	o->t->dirt = o->m;
	o->t->kunit->priv = (void *)page;
	for (unsigned int i = 0; i < 2 * count; i++) {
		n = 1;
		while (!o->t->failed && write_at(o, ops[i / 2], i % 2, n))
			n += n < 16 ? 1 : stride;
		KUNIT_EXPECT_GE_MSG(o->t->kunit, n, 4, "operation %d", ops[i / 2]);
	}
	o->t->dirt = NULL;
}

static noinline_for_stack bool
write_at_moment(struct kpt_fixture *o, enum kpt_op op, bool shared, unsigned int n)
{
	struct kpt_call m = call(o, KPT_OP_MAP, o->base, o->base + o->page);
	struct kpt_call c = call(o, op, o->base, o->base + o->page);

	m.value &= ~o->fmt->dirty;
	run(o, &m);
	if (op == KPT_OP_CLEAR_DIRTY)
		kpt_cpu_access(o->t, 1, o->base, KPT_RW);
	c.shared = shared && op != KPT_OP_CLEAR_MASK;
	c.mask = 1;
	c.clear = op == KPT_OP_CLEAR_DIRTY && o->fmt->dirty ? o->fmt->dirty : o->fmt->write;
	c.set = op == KPT_OP_CLEAR_DIRTY ? 0 : o->fmt->read_only;
	c.value = op == KPT_OP_MAP ? attrs(o, KPT_R) : o->fmt->empty;
	return run_at_moment(o, &c, n);
}

static void no_write_is_lost_at_any_moment(struct kunit *test)
{
	static const enum kpt_op ops[] = {
		KPT_OP_MAP, KPT_OP_ANNOTATE, KPT_OP_UNMAP, KPT_OP_WRPROT, KPT_OP_PROTECT,
		KPT_OP_CLEAR_DIRTY,
	};
	struct kpt_fixture o = start(test);

	write_at_all_moments(&o, ops, ARRAY_SIZE(ops), o.base, 1,
			     write_at_moment);
	finish(&o);
}

static void no_write_is_lost_with_a_mask(struct kunit *test)
{
	static const enum kpt_op ops[] = { KPT_OP_CLEAR_MASK };
	struct kpt_fixture o = start(test);

	write_at_all_moments(&o, ops, ARRAY_SIZE(ops), o.base, 1, write_at_moment);
	finish(&o);
}

static noinline_for_stack bool
write_at_moment_of_more(struct kpt_fixture *o, enum kpt_op op, bool shared, unsigned int n)
{
	struct kpt_call m = call(o, KPT_OP_MAP, o->base, o->base + o->page);
	struct kpt_call c = call(o, op, o->base, o->base + o->page);

	m.value = attrs(o, KPT_RW) & ~o->fmt->dirty;
	run(o, &m);
	c.shared = shared;
	c.value &= ~o->fmt->dirty;
	return run_at_moment(o, &c, n);
}

/* Without a flush, a CPU that has written does not read the entry again. */
static void no_write_is_lost_when_more_is_allowed(struct kunit *test)
{
	static const enum kpt_op ops[] = { KPT_OP_RELAX, KPT_OP_MAP };
	struct kpt_fixture o = start(test);

	write_at_all_moments(&o, ops, ARRAY_SIZE(ops), o.base, 1,
			     write_at_moment_of_more);
	finish(&o);
}

static noinline_for_stack bool
write_at_moment_of_table(struct kpt_fixture *o, enum kpt_op op, bool shared, unsigned int n)
{
	struct kpt_call m = call(o, KPT_OP_MAP, o->base, o->base + o->block);
	struct kpt_call c = call(o, op, o->base, o->base + o->block);

	c.what = op == KPT_OP_UNMAP ? KPT_TABLES : 0;
	c.level = op == KPT_OP_ZAP;
	c.shared = shared;
	m.level = 0;
	m.value &= ~o->fmt->dirty;
	run(o, &m);
	/* Fill the page-walk cache, but not the TLB for the page to be written. */
	kpt_cpu_access(o->t, 1, o->base + 2 * o->page, KPT_R);
	return run_at_moment(o, &c, n);
}

/* CPUs may use an unlinked table until the flush. */
static void no_write_is_lost_with_its_table(struct kunit *test)
{
	static const enum kpt_op ops[] = { KPT_OP_UNMAP, KPT_OP_ZAP, KPT_OP_COLLAPSE };
	struct kpt_fixture o = start(test);

	write_at_all_moments(&o, ops, ARRAY_SIZE(ops), o.base + o.page, kpt_entries(o.fmt) / 9,
			     write_at_moment_of_table);
	finish(&o);
}

/* The guest writes while the table for the block is filled. */
static void splitting_keeps_dirty(struct kunit *test)
{
	for (int shared = 0; shared <= 1; shared++) {
		struct kpt_fixture o = start(test);
		struct kpt_call m = call(&o, KPT_OP_MAP, o.base, o.base + o.block);
		struct kpt_call c = call(&o, KPT_OP_SPLIT, o.base, o.base + o.block);

		m.value &= ~o.fmt->dirty;
		run(&o, &m);
		c.shared = shared;
		test->priv = (void *)o.base;
		o.t->alloc = (struct kpt_trap) { .at = 1, .act = guest_writes_there };
		run(&o, &c);
		KUNIT_EXPECT_TRUE_MSG(test, entry_at(&o, o.base) & o.fmt->dirty,
				      "invariant 1: a write is lost, shared %d", shared);
		finish(&o);
	}
}

static void collapsing_keeps_dirty_and_accessed(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call m = call(&o, KPT_OP_MAP, o.base, o.base + o.block);
	struct kpt_call c = call(&o, KPT_OP_COLLAPSE, o.base, o.base + o.block);
	u64 used = o.fmt->accessed | o.fmt->dirty;

	m.level = 0;
	m.value &= ~used;
	run(&o, &m);
	kpt_cpu_access(o.t, 0, o.base + 5 * o.page, KPT_R | KPT_W);
	run(&o, &c);
	KUNIT_EXPECT_EQ(test, leaf_level(&o, o.base), 1);
	KUNIT_EXPECT_EQ(test, entry_at(&o, o.base) & used, used);
	finish(&o);
}

static long age(struct kpt_fixture *o, u64 size, bool test_only)
{
	struct kpt_call c = call(o, KPT_OP_AGE, o->base, o->base + size);

	c.shared = true;
	c.what = test_only;
	c.clear = aged_bits(o->t->config);
	return kpt_test_run(o->t, &c);
}

static void ages_once_and_without_invalidation(struct kunit *test)
{
	for (int pages = 0; pages < 2; pages++) {
		struct kpt_fixture o = start(test);
		u64 size = pages ? o.block : o.page;
		int invalidations;

		KUNIT_EXPECT_FALSE(test, age(&o, size, false));
		map(&o, o.base, o.base + o.page);
		invalidations = atomic_read(&o.t->invalidations);
		KUNIT_EXPECT_TRUE(test, age(&o, size, true));
		KUNIT_EXPECT_TRUE(test, age(&o, size, false));
		KUNIT_EXPECT_FALSE(test, age(&o, size, true));
		KUNIT_EXPECT_FALSE(test, age(&o, size, false));
		KUNIT_EXPECT_EQ(test, atomic_read(&o.t->invalidations), invalidations);
		finish(&o);
	}
}

static bool has_accessed(const struct kpt_config *config)
{
	const struct kpt_format *fmt = config->format;

	return !config->saved && fmt->accessed && !kpt_present(fmt, fmt->empty | fmt->accessed) &&
	       !kpt_frozen(fmt, fmt->empty | fmt->accessed);
}

static const void *next_with_accessed(struct kunit *test, const void *prev, char *desc)
{
	return kpt_next_config_where(prev, desc, has_accessed);
}

/* In an annotation, the accessed bit has another meaning. */
static void ages_no_annotation(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call note = call(&o, KPT_OP_ANNOTATE, o.base, o.base + 2 * o.page);
	struct kpt_call c = call(&o, KPT_OP_AGE, o.base, o.base + o.page);

	note.value = o.fmt->empty | o.fmt->accessed;
	run(&o, &note);
	c.shared = true;
	c.clear = o.fmt->accessed;
	for (int pages = 1; pages <= 2; pages++) {
		c.end = o.base + pages * o.page;
		KUNIT_EXPECT_FALSE(test, kpt_test_run(o.t, &c));
		KUNIT_EXPECT_EQ(test, entry_at(&o, o.base), note.value);
	}
	finish(&o);
}

/* Faults */

static void map_on_cpu(struct kpt_fixture *o, unsigned int cpu, unsigned int prot)
{
	struct kpt_call c = call(o, KPT_OP_MAP, o->base, o->base + o->page);

	o->t->cpu = cpu;
	c.value = attrs(o, prot);
	run(o, &c);
}

/* The second CPU has nothing to change, but may have a stale TLB entry. */
static void a_fault_that_another_cpu_served_ends(struct kunit *test)
{
	struct kpt_fixture o = start(test);

	KUNIT_EXPECT_FALSE(test, kpt_cpu_access(o.t, 1, o.base, KPT_R));
	map_on_cpu(&o, 0, KPT_R);
	map_on_cpu(&o, 1, KPT_R);
	kpt_cpus_check_progress(o.t, o.base, KPT_R);

	KUNIT_EXPECT_TRUE(test, kpt_cpu_access(o.t, 1, o.base, KPT_R));
	map_on_cpu(&o, 0, KPT_RW);
	map_on_cpu(&o, 1, KPT_RW);
	kpt_cpus_check_progress(o.t, o.base, KPT_RW);
	finish(&o);
}

/* The second CPU only sets accessed or dirty, which does not need a flush by itself. */
static void a_fault_that_was_served_and_aged_ends(struct kunit *test)
{
	const struct kpt_config *config = test->param_value;
	u64 bits[] = { config->format->accessed, config->format->dirty };

	for (int i = 0; i < ARRAY_SIZE(bits); i++) {
		struct kpt_fixture o = start(test);
		struct kpt_call c = call(&o, KPT_OP_CLEAR_DIRTY, o.base, o.base + o.page);

		KUNIT_EXPECT_FALSE(test, kpt_cpu_access(o.t, 1, o.base, KPT_R));
		map_on_cpu(&o, 0, KPT_RW);
		c.clear = bits[i];
		c.noflush = true;
		KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), 0);
		map_on_cpu(&o, 1, KPT_RW);
		kpt_cpus_check_progress(o.t, o.base, KPT_R);
		kpt_test_flush_deferred(o.t);
		finish(&o);
	}
}

/* Flushes */

static void invalidates_once(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call c = call(&o, KPT_OP_UNMAP, o.base, kpt_model_end(o.m));
	int before;

	map(&o, o.base + o.page, kpt_model_end(o.m) - o.page);
	before = atomic_read(&o.t->invalidations);
	c.what = KPT_TABLES;
	run(&o, &c);
	KUNIT_EXPECT_EQ(test, atomic_read(&o.t->invalidations), before + 1);
	run(&o, &c);
	KUNIT_EXPECT_EQ(test, atomic_read(&o.t->invalidations), before + 1);
	finish(&o);
}

static void hands_out_tracked_debt(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call c = call(&o, KPT_OP_WRPROT, o.base + o.page, o.base + 3 * o.page);

	map(&o, o.base, o.base + 4 * o.page);
	kpt_cpu_access(o.t, 0, o.base + o.page, KPT_R | KPT_W);
	c.noflush = true;
	run(&o, &c);
	KUNIT_EXPECT_TRUE(test, c.flush.scope & KPT_FLUSH_LEAF);
	KUNIT_EXPECT_EQ(test, c.flush.start, o.base + o.page);
	KUNIT_EXPECT_EQ(test, c.flush.end, o.base + 3 * o.page);
	kpt_test_flush_deferred(o.t);
	kpt_cpus_check(o.t);
	finish(&o);
}

static void hands_out_what_it_unmapped(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call c = call(&o, KPT_OP_UNMAP, o.base, o.base + 2 * o.page);

	map(&o, o.base, o.base + 2 * o.page);
	c.noflush = true;
	run(&o, &c);
	KUNIT_EXPECT_TRUE(test, c.flush.scope & KPT_FLUSH_LEAF);
	KUNIT_EXPECT_EQ(test, c.flush.start, o.base);
	KUNIT_EXPECT_EQ(test, c.flush.end, o.base + 2 * o.page);
	finish(&o);
}

static void hands_over_what_it_unlinked(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call c = call(&o, KPT_OP_HAND_OVER, o.base, o.base + o.page);
	int before;

	map(&o, o.base + o.page, o.base + 2 * o.page);
	before = atomic_read(&o.t->invalidations);
	c.level = 1;
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), 0);
	KUNIT_EXPECT_TRUE(test, c.flush.scope);
	KUNIT_EXPECT_EQ(test, c.flush.start, o.base);
	KUNIT_EXPECT_EQ(test, c.flush.end, o.base + o.block);
	/* kpt_test_run() does the flush, like a client. */
	KUNIT_EXPECT_EQ(test, atomic_read(&o.t->invalidations), before + 1);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&o.t->reclaimed), 1);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&o.t->leaves[0]), 0);
	finish(&o);
}

static void retired_trees_owe_nothing(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call c = call(&o, KPT_OP_UNMAP, o.base, o.base + 2 * o.block);
	int before;

	map(&o, o.base, o.base + o.block + o.page);
	before = atomic_read(&o.t->invalidations);
	o.t->tree.no_flush = true;
	c.what = KPT_TABLES;
	run(&o, &c);
	KUNIT_EXPECT_EQ(test, atomic_read(&o.t->invalidations), before);
	finish(&o);
}

/* Split and collapse */

static void splits_as_long_as_there_are_tables(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call c = call(&o, KPT_OP_SPLIT, o.base, o.base + 3 * o.block);

	map(&o, o.base, o.base + 3 * o.block);
	o.t->alloc = (struct kpt_trap) { .at = 3 };
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), -ENOMEM);
	KUNIT_EXPECT_EQ(test, c.done, o.base + 2 * o.block);
	KUNIT_EXPECT_EQ(test, leaf_level(&o, o.base + o.block), 0);
	KUNIT_EXPECT_EQ(test, leaf_level(&o, o.base + 2 * o.block), 1);
	o.t->alloc.at = 0;
	c.start = c.done;
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), 0);
	KUNIT_EXPECT_EQ(test, leaf_level(&o, o.base + 2 * o.block), 0);
	finish(&o);
}

static void breaks_only_if_it_must(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	u8 rule = o.fmt->rules[KPT_SPLIT];
	bool breaks = rule & KPT_BREAK && !o.t->config->no_break;
	struct kpt_call split = call(&o, KPT_OP_SPLIT, o.base, o.base + 3 * o.block);
	int before;

	map(&o, o.base, o.base + 3 * o.block);
	before = atomic_read(&o.t->invalidations);
	run(&o, &split);
	KUNIT_EXPECT_EQ(test, atomic_read(&o.t->invalidations) - before,
			breaks ? 3 : !!(rule & KPT_FLUSH_LEAF));
	finish(&o);
}

/* Map the first block with pages, as after dirty logging; @stranger maps other memory. */
static noinline_for_stack void map_pages(struct kpt_fixture *o, u64 stranger)
{
	struct kpt_call c = call(o, KPT_OP_MAP, o->base, o->base + o->block);
	struct kpt_call unmap = call(o, KPT_OP_UNMAP, stranger, stranger + o->page);

	c.level = 0;
	run(o, &c);
	if (stranger >= o->base + o->block)
		return;

	run(o, &unmap);
	c.start = stranger;
	c.end = stranger + o->page;
	c.oa = oa_of(o, stranger) + o->block;
	run(o, &c);
}

static void collapses_only_what_is_contiguous(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	u64 end = o.base + o.block, strangers[] = { end, o.base, o.base + o.page, end - o.page };

	for (int i = 0; i < ARRAY_SIZE(strangers); i++) {
		struct kpt_call collapse = call(&o, KPT_OP_COLLAPSE, o.base, o.base + o.block);
		struct kpt_call unmap = call(&o, KPT_OP_UNMAP, o.base, o.base + o.block);

		map_pages(&o, strangers[i]);
		run(&o, &collapse);
		KUNIT_EXPECT_EQ(test, leaf_level(&o, o.base), i ? 0 : 1);
		run(&o, &unmap);
	}
	finish(&o);
}

static void collapses_only_what_is_within_the_range(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call m = call(&o, KPT_OP_MAP, o.base, o.base + 3 * o.block);
	struct kpt_call c = call(&o, KPT_OP_COLLAPSE, m.start + o.page, m.end - o.page);

	m.level = 0;
	run(&o, &m);
	run(&o, &c);
	KUNIT_EXPECT_EQ(test, leaf_level(&o, o.base), 0);
	KUNIT_EXPECT_EQ(test, leaf_level(&o, o.base + o.block), 1);
	KUNIT_EXPECT_EQ(test, leaf_level(&o, o.base + 2 * o.block), 0);
	finish(&o);
}

static void collapses_only_what_is_aligned(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call c = call(&o, KPT_OP_MAP, o.base, o.base + o.block);
	struct kpt_call collapse = call(&o, KPT_OP_COLLAPSE, o.base, o.base + o.block);

	c.level = 0;
	c.oa += o.page;
	run(&o, &c);
	run(&o, &collapse);
	KUNIT_EXPECT_EQ(test, leaf_level(&o, o.base), 0);
	finish(&o);
}

/* More tables than fit into a bbm batch. */
static void collapses_many(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	u64 end = o.base + (KPT_BBM_MAX + 1) * o.block;
	struct kpt_call m = call(&o, KPT_OP_MAP, o.base, end);
	struct kpt_call c = call(&o, KPT_OP_COLLAPSE, o.base, end);
	u8 rule = o.fmt->rules[KPT_COLLAPSE];
	int before;

	m.level = 0;
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &m), 0);
	before = atomic_read(&o.t->invalidations);
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&o.t->invalidations) - before,
			rule & KPT_BREAK && !o.t->config->no_break ? 2 : 1);
	for (u64 ia = o.base; ia < end; ia += o.block)
		KUNIT_EXPECT_EQ(test, leaf_level(&o, ia), 1);
	finish(&o);
}

static void collapses_no_lower_than_it_is_asked_to(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call m = call(&o, KPT_OP_MAP, o.base, o.base + o.block);
	struct kpt_call c = call(&o, KPT_OP_COLLAPSE, o.base, o.base + o.block);

	m.level = 0;
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &m), 0);
	c.level = 2;
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), 0);
	KUNIT_EXPECT_EQ(test, leaf_level(&o, o.base), 0);
	c.level = -1;
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), -EINVAL);
	KUNIT_EXPECT_EQ(test, leaf_level(&o, o.base), 0);
	c.level = 1;
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), 0);
	KUNIT_EXPECT_EQ(test, leaf_level(&o, o.base), 1);
	finish(&o);
}

/* Each table is visited before and after its entries, the leaf in between. */
static void visits_tables_before_and_after_their_entries(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call c = call(&o, KPT_OP_VISIT, o.base, o.base + o.block);
	struct kpt_visits visits = {};
	unsigned int top = o.t->tree.top;

	map(&o, o.base + o.page, o.base + 2 * o.page);
	c.what = KPT_LEAVES | KPT_TABLES | KPT_POST;
	c.visit = note_visit;
	c.arg = &visits;
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), 0);
	KUNIT_ASSERT_EQ(test, visits.count, 2 * top + 1);
	for (unsigned int i = 0; i < visits.count; i++) {
		KUNIT_EXPECT_EQ(test, visits.seen[i].post, i > top);
		KUNIT_EXPECT_EQ(test, visits.seen[i].level, i > top ? i - top : top - i);
	}
	KUNIT_EXPECT_EQ(test, visits.seen[top].ia, o.base + o.page);

	visits = (struct kpt_visits) { .stop = top + 2 };
	KUNIT_EXPECT_EQ(test, kpt_test_run(o.t, &c), KPT_STOP);
	KUNIT_EXPECT_EQ(test, visits.count, top + 2);
	finish(&o);
}

static void finds_the_first_leaf(struct kunit *test)
{
	struct kpt_fixture o = start(test);
	struct kpt_call c = call(&o, KPT_OP_FIRST_LEAF, o.base, o.base + o.page);
	struct kpt_call u = call(&o, KPT_OP_UNMAP, o.base, o.base + o.block);

	c.level = 1;
	KUNIT_EXPECT_FALSE(test, kpt_test_run(o.t, &c));
	map(&o, o.base + 3 * o.page, o.base + 5 * o.page);
	KUNIT_EXPECT_TRUE(test, kpt_test_run(o.t, &c));
	KUNIT_EXPECT_EQ(test, kpt_oa(o.fmt, c.found.pte), oa_of(&o, o.base + 3 * o.page));
	/* The table stays, without leaves. */
	run(&o, &u);
	KUNIT_EXPECT_FALSE(test, kpt_test_run(o.t, &c));
	finish(&o);
}

static struct kunit_case ops_cases[] = {
	KUNIT_CASE_PARAM(maps_nothing_again_for_a_fault, kpt_next_config),
	KUNIT_CASE_PARAM(maps_largest_blocks, kpt_next_config),
	KUNIT_CASE_PARAM(maps_the_whole_address_space_sparsely, kpt_next_config),
	KUNIT_CASE_PARAM(annotating_what_is_so_needs_no_table, kpt_next_config),
	KUNIT_CASE_PARAM(refuses_bad_ranges, kpt_next_config),
	KUNIT_CASE_PARAM(refuses_bad_memory, kpt_next_config),
	KUNIT_CASE_PARAM(refuses_reserved_entries, next_with_reserved),
	KUNIT_CASE_PARAM(refuses_to_make_tables_of_leaves, next_with_leaf_bits),
	KUNIT_CASE_PARAM(refuses_bad_entries, kpt_next_config),
	KUNIT_CASE_PARAM(relaxes_what_another_cpu_relaxed, kpt_next_config),
	KUNIT_CASE_PARAM(relaxes_to_both, kpt_next_config),
	KUNIT_CASE_PARAM(refuses_other_memory, next_that_refuses_to_remap),
	KUNIT_CASE_PARAM(refuses_other_memory_for_a_part_of_a_block,
			 next_that_refuses_to_remap_blocks),
	KUNIT_CASE_PARAM(walks_all_of_its_root_and_no_more, kpt_next_config),
	KUNIT_CASE_PARAM(looks_up_no_address_that_it_does_not_have, kpt_next_config),
	KUNIT_CASE_PARAM(refuses_trees_without_an_end, kpt_next_config),
	KUNIT_CASE_PARAM(refuses_levels_that_it_does_not_have, kpt_next_config),
	KUNIT_CASE_PARAM(splits_nothing_that_is_small_enough, next_with_blocks_in_its_root),
	KUNIT_CASE_PARAM(unmapping_keeps_annotations_and_unlinking_does_not, next_with_soft_bits),
	KUNIT_CASE_PARAM(unmaps_blocks_that_it_replaces_in_part, next_with_blocks),
	KUNIT_CASE_PARAM(clears_pages_of_two_tables, next_that_clears_write),
	KUNIT_CASE_PARAM(tells_which_pages_a_block_maps, next_that_clears_write),
	KUNIT_CASE_PARAM(enters_no_table_that_its_visitor_unlinked, kpt_next_config),
	KUNIT_CASE_PARAM(every_allocation_may_fail, kpt_next_config),
	KUNIT_CASE_PARAM(every_race_may_be_lost, kpt_next_config),
	KUNIT_CASE_PARAM(every_chance_to_yield_is_taken, kpt_next_config),
	KUNIT_CASE_PARAM(protects_before_it_yields, kpt_next_config),
	KUNIT_CASE_PARAM(resumes_where_it_yielded, kpt_next_config),
	KUNIT_CASE_PARAM(looks_up_from_blocks, kpt_next_config),
	KUNIT_CASE_PARAM(faults_retry_at_frozen_entries, kpt_next_config),
	KUNIT_CASE_PARAM(waits_with_no_frozen_entries_of_its_own, next_with_blocks),
	KUNIT_CASE_PARAM(flushes_what_it_maps_only_where_needed, kpt_next_config),
	KUNIT_CASE_PARAM(waits_for_frozen_entries, kpt_next_config),
	KUNIT_CASE_PARAM(visits_each_leaf_once_although_it_waits, kpt_next_config),
	KUNIT_CASE_PARAM(flushes_what_it_finds_after_it_waited, kpt_next_config),
	KUNIT_CASE_PARAM(visits_what_it_is_asked_for, next_with_soft_bits),
	KUNIT_CASE_PARAM(tells_frozen_entries_from_absent_ones, kpt_next_config),
	KUNIT_CASE_PARAM(keeps_what_hardware_sets, next_with_dirty),
	KUNIT_CASE_PARAM(no_write_is_lost_at_any_moment, kpt_next_config),
	KUNIT_CASE_PARAM(no_write_is_lost_with_a_mask, next_that_clears_write),
	KUNIT_CASE_PARAM(no_write_is_lost_when_more_is_allowed, next_with_dirty),
	KUNIT_CASE_PARAM(no_write_is_lost_with_its_table, next_with_dirty),
	KUNIT_CASE_PARAM(splitting_keeps_dirty, next_with_dirty),
	KUNIT_CASE_PARAM(collapsing_keeps_dirty_and_accessed, next_with_dirty),
	KUNIT_CASE_PARAM(ages_once_and_without_invalidation, kpt_next_config),
	KUNIT_CASE_PARAM(ages_no_annotation, next_with_accessed),
	KUNIT_CASE_PARAM(a_fault_that_another_cpu_served_ends, kpt_next_config),
	KUNIT_CASE_PARAM(a_fault_that_was_served_and_aged_ends, next_with_accessed),
	KUNIT_CASE_PARAM(invalidates_once, kpt_next_config),
	KUNIT_CASE_PARAM(hands_out_tracked_debt, kpt_next_config),
	KUNIT_CASE_PARAM(hands_out_what_it_unmapped, kpt_next_config),
	KUNIT_CASE_PARAM(hands_over_what_it_unlinked, kpt_next_config),
	KUNIT_CASE_PARAM(retired_trees_owe_nothing, kpt_next_config),
	KUNIT_CASE_PARAM(splits_as_long_as_there_are_tables, next_with_blocks),
	KUNIT_CASE_PARAM(breaks_only_if_it_must, next_with_blocks),
	KUNIT_CASE_PARAM(collapses_only_what_is_contiguous, next_with_blocks),
	KUNIT_CASE_PARAM(collapses_only_what_is_within_the_range, next_with_blocks),
	KUNIT_CASE_PARAM(collapses_only_what_is_aligned, next_with_blocks),
	KUNIT_CASE_PARAM(collapses_many, next_with_blocks),
	KUNIT_CASE_PARAM(collapses_no_lower_than_it_is_asked_to, next_with_blocks),
	KUNIT_CASE_PARAM(visits_tables_before_and_after_their_entries, kpt_next_config),
	KUNIT_CASE_PARAM(finds_the_first_leaf, kpt_next_config),
	{}
};

static struct kunit_suite ops_suite = {
	.name = "kvm_pgtable_ops",
	.test_cases = ops_cases,
};

kunit_test_suite(ops_suite);
