// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of external tables.  The fake external tables do most checks themselves, in
 * their callbacks.
 */
#include "external.h"

struct kpt_mirror {
	struct kpt_test *t;
	struct kpt_external x;
	const struct kpt_format *fmt;
	u64 page;
	u64 block;
	u64 base;
};

static struct kpt_mirror *start(struct kunit *test)
{
	struct kpt_mirror *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->t = kpt_test_start(test, &kpt_mirror_config);
	m->fmt = m->t->config->format;
	m->page = kpt_span(m->fmt, 0);
	m->block = kpt_span(m->fmt, 1);
	m->base = kpt_span(m->fmt, 2) - m->block;
	kpt_external_start(m->t, &m->x);
	return m;
}

static void finish(struct kpt_mirror *m)
{
	kpt_external_compare(m->t);
	kpt_test_check(m->t);
	kpt_external_finish(m->t);
}

static long run(struct kpt_mirror *m, enum kpt_op op, u64 first, u64 end, bool shared)
{
	struct kpt_call c = {
		.op = op,
		.start = first,
		.end = end,
		.shared = shared,
		.what = op == KPT_OP_UNMAP ? KPT_TABLES : 0,
		.level = op == KPT_OP_MAP ? 1 : op == KPT_OP_ZAP ? m->t->tree.top : 0,
		.oa = first,
		.mask = 1,
		.clear = m->fmt->write,
		.value = m->fmt->attrs(KPT_RWX, m->t->config->features),
	};
	long ret = kpt_test_run(m->t, &c);

	kpt_external_compare(m->t);
	kpt_test_check(m->t);
	return ret;
}

static void follows_every_change(struct kunit *test)
{
	for (int shared = 0; shared < 2; shared++) {
		struct kpt_mirror *m = start(test);

		KUNIT_EXPECT_EQ(test, run(m, KPT_OP_MAP, m->base - m->page,
					  m->base + 2 * m->block + m->page, shared), 0);
		KUNIT_EXPECT_EQ(test, m->x.leaves, 4);
		KUNIT_EXPECT_EQ(test, run(m, KPT_OP_SPLIT, m->base, m->base + m->block, shared), 0);
		KUNIT_EXPECT_EQ(test, m->x.leaves, 3 + 512);
		KUNIT_EXPECT_EQ(test, run(m, KPT_OP_WRPROT, m->base, m->base + m->block, shared),
				0);
		KUNIT_EXPECT_EQ(test, run(m, KPT_OP_UNMAP, m->base, m->base + m->page, shared), 0);
		KUNIT_EXPECT_EQ(test, m->x.leaves, 3 + 511);
		KUNIT_EXPECT_EQ(test, run(m, KPT_OP_UNMAP, m->base, m->base + m->block, shared), 0);
		KUNIT_EXPECT_EQ(test, m->x.leaves, 3);
		KUNIT_EXPECT_EQ(test, run(m, KPT_OP_ZAP, 0, BIT_ULL(48), shared), 0);
		KUNIT_EXPECT_EQ(test, m->x.table_count, 0);
		finish(m);
	}
}

/* A client unlinks a table that still has leaves. */
static void unlinks_a_table_after_its_leaves(struct kunit *test)
{
	for (int shared = 0; shared < 2; shared++) {
		struct kpt_mirror *m = start(test);

		KUNIT_EXPECT_EQ(test, run(m, KPT_OP_MAP, m->base, m->base + 4 * m->page, shared),
				0);
		KUNIT_EXPECT_EQ(test, run(m, KPT_OP_UNLINK_EACH, m->base, m->base + m->block,
					  shared), 0);
		KUNIT_EXPECT_EQ(test, m->x.leaves, 0);
		finish(m);
	}
}

/* Return true if the operation has less than @n external updates. */
static bool nth_step_is_refused(struct kunit *test, bool shared, unsigned int n)
{
	struct kpt_mirror *m = start(test);
	u64 first = m->base - m->page, end = m->base + m->block + 2 * m->page;
	long live, ret;

	m->x.refuse.at = n;
	ret = run(m, KPT_OP_MAP, first, end, shared);
	live = atomic_long_read(&m->t->live);
	KUNIT_EXPECT_TRUE(test, !ret || ret == -EIO);
	KUNIT_EXPECT_EQ_MSG(test, live, m->x.table_count, "a table leaked");
	m->x.refuse.at = 0;
	KUNIT_EXPECT_EQ(test, run(m, KPT_OP_MAP, first, end, shared), 0);
	KUNIT_EXPECT_EQ(test, m->x.leaves, 4);
	finish(m);
	return !ret;
}

static void takes_back_what_is_refused(struct kunit *test)
{
	for (int shared = 0; shared < 2; shared++) {
		unsigned int n = 1;

		while (!nth_step_is_refused(test, shared, n))
			n++;
		KUNIT_EXPECT_GT(test, n, 8);
	}
}

static void refused_protection_leaves_the_entry(struct kunit *test)
{
	struct kpt_mirror *m = start(test);

	KUNIT_EXPECT_EQ(test, run(m, KPT_OP_MAP, m->base, m->base + m->page, false), 0);
	m->x.refuse.at = m->x.refuse.seen + 1;
	KUNIT_EXPECT_EQ(test, run(m, KPT_OP_WRPROT, m->base, m->base + m->page, true), -EIO);
	KUNIT_EXPECT_EQ(test, run(m, KPT_OP_CLEAR_MASK, m->base, m->base + m->page, false),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, m->x.leaves, 1);
	finish(m);
}

/* There is no race, so retrying immediately would never end. */
static void does_not_ask_again(struct kunit *test)
{
	static const enum kpt_op ops[] = { KPT_OP_WRPROT, KPT_OP_PROTECT };

	for (int i = 0; i < 2 * ARRAY_SIZE(ops); i++) {
		struct kpt_mirror *m = start(test);

		KUNIT_EXPECT_EQ(test, run(m, KPT_OP_MAP, m->base, m->base + m->page, false), 0);
		m->x.refuse = (struct kpt_trap) { .at = 1, .every = true };
		m->x.error = -EAGAIN;
		KUNIT_EXPECT_EQ(test, run(m, ops[i / 2], m->base, m->base + m->page, i % 2),
				-EBUSY);
		KUNIT_EXPECT_EQ(test, m->x.refuse.seen, 1);
		m->x.refuse = (struct kpt_trap) { };
		finish(m);
	}
}

/* The memory is about to be reused, so the mirror is unmapped completely despite errors. */
static void refused_removal_goes_on(struct kunit *test, enum kpt_op op, unsigned int what,
				    int level, bool shared)
{
	struct kpt_mirror *m = start(test);
	struct kpt_call c = {
		.op = op,
		.start = m->base,
		.end = m->base + 2 * m->block,
		.shared = shared,
		.what = what,
		.level = level,
		.value = m->fmt->empty,
	};
	bool tables = what & KPT_TABLES || level > 0;
	u64 behind = m->base + m->block;
	long had;

	KUNIT_EXPECT_EQ(test, run(m, KPT_OP_MAP, m->base - m->page, m->base + 3 * m->page, shared),
			0);
	KUNIT_EXPECT_EQ(test, run(m, KPT_OP_MAP, behind, behind + m->page, shared), 0);
	had = m->x.table_count;
	m->x.refuse.at = m->x.refuse.seen + 2;
	KUNIT_EXPECT_EQ(test, kpt_test_run(m->t, &c), -EIO);
	kpt_test_check(m->t);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&m->t->leaves[0]), 1);
	KUNIT_EXPECT_EQ_MSG(test, m->x.leaves, 2,
			    "the leaf that failed, and the one outside of the range");
	KUNIT_EXPECT_EQ_MSG(test, m->x.table_count, tables ? had - 1 : had,
			    "the table without an error is freed, the other one is not");
	if (tables)
		KUNIT_EXPECT_EQ(test, atomic_long_read(&m->t->tables[0]), 1);

	kpt_external_forget(m->t, m->base + m->page, tables ? 1 : 0);
	finish(m);
}

static void completes_a_refused_removal(struct kunit *test)
{
	for (int shared = 0; shared < 2; shared++) {
		refused_removal_goes_on(test, KPT_OP_UNMAP, 0, 0, shared);
		refused_removal_goes_on(test, KPT_OP_UNMAP, KPT_YIELDS, 0, shared);
		refused_removal_goes_on(test, KPT_OP_UNMAP, KPT_TABLES, 0, shared);
		refused_removal_goes_on(test, KPT_OP_ZAP, 0, 0, shared);
		refused_removal_goes_on(test, KPT_OP_ZAP, 0, 1, shared);
		refused_removal_goes_on(test, KPT_OP_ANNOTATE, 0, 0, shared);
		refused_removal_goes_on(test, KPT_OP_ANNOTATE, 0, 1, shared);
	}
}

/* kpt_external_set() counts the steps. */
static void looks_between_few_steps(struct kunit *test)
{
	static const enum kpt_op ops[] = { KPT_OP_WRPROT, KPT_OP_SPLIT, KPT_OP_UNMAP, KPT_OP_ZAP };

	for (int i = 0; i < 4 * ARRAY_SIZE(ops); i++) {
		struct kpt_mirror *m = start(test);
		struct kpt_call c = {
			.op = ops[i / 4],
			.start = m->base,
			.end = m->base + 40 * m->block,
			.shared = i % 2,
			.what = KPT_YIELDS | (i & 2 ? KPT_TABLES : 0),
			.level = ops[i / 4] == KPT_OP_ZAP ? i & 2 ? m->t->tree.top : 1 : 0,
			.oa = m->base,
			.value = m->fmt->attrs(KPT_RWX, m->t->config->features),
		};
		struct kpt_call map = c;

		map.op = KPT_OP_MAP;
		map.level = ops[i / 4] == KPT_OP_SPLIT;
		map.end = ops[i / 4] == KPT_OP_SPLIT ? map.end : m->base + 2 * m->block;
		map.what = 0;
		if (ops[i / 4] != KPT_OP_UNMAP && ops[i / 4] != KPT_OP_ZAP)
			c.what = KPT_YIELDS;
		KUNIT_EXPECT_EQ(test, kpt_test_run(m->t, &map), 0);
		KUNIT_EXPECT_EQ(test, kpt_test_run(m->t, &c), 0);
		KUNIT_EXPECT_GE_MSG(test, m->t->yield.seen, 40 / 32 + 1, "operation %d", c.op);
		kpt_test_flush_deferred(m->t);
		finish(m);
	}
}

static void does_not_collapse(struct kunit *test)
{
	struct kpt_mirror *m = start(test);

	KUNIT_EXPECT_EQ(test, run(m, KPT_OP_MAP, m->base, m->base + m->block, false), 0);
	KUNIT_EXPECT_EQ(test, run(m, KPT_OP_SPLIT, m->base, m->base + m->block, false), 0);
	KUNIT_EXPECT_EQ(test, run(m, KPT_OP_COLLAPSE, m->base, m->base + m->block, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, m->x.leaves, 512);
	finish(m);
}

static struct kunit_case external_cases[] = {
	KUNIT_CASE(follows_every_change),
	KUNIT_CASE(unlinks_a_table_after_its_leaves),
	KUNIT_CASE(takes_back_what_is_refused),
	KUNIT_CASE(refused_protection_leaves_the_entry),
	KUNIT_CASE(does_not_ask_again),
	KUNIT_CASE(completes_a_refused_removal),
	KUNIT_CASE(looks_between_few_steps),
	KUNIT_CASE(does_not_collapse),
	{}
};

static struct kunit_suite external_suite = {
	.name = "kvm_pgtable_mirror",
	.test_cases = external_cases,
};

kunit_test_suite(external_suite);
