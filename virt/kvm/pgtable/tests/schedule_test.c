// SPDX-License-Identifier: GPL-2.0-only
/*
 * Concurrent operations, interleaved at random, with accesses by simulated CPUs in
 * between.  The final state of each cell must match some order of the operations.
 */
#include <linux/moduleparam.h>
#include <linux/seq_file.h>

#include "choose.h"
#include "external.h"
#include "schedule.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "kvm_pgtable."

static uint schedules = 80;
module_param(schedules, uint, 0444);
MODULE_PARM_DESC(schedules, "interleavings per tree, fewer if tables are larger");

/*
 * All ordered selections of three operations, each of which may be done, or have failed
 * after it split entries: 1 of none, 3 of one, 6 of two, and 6 of three.
 */
#define ORDERS	(1 + 3 * 2 + 6 * 4 + 6 * 8)

struct kpt_interleaving {
	struct kpt_test *t;
	struct kpt_schedule *s;
	void (*choose)(struct kpt_interleaving *r);
	struct kpt_model *m;
	struct kpt_model *path[KPT_ACTORS + 1];
	struct kpt_model *any[ORDERS];
	unsigned int orders;
	struct kpt_call calls[KPT_ACTORS];
	long results[KPT_ACTORS];
	struct seq_file dump;
};

/* Choosing */

static bool only_looks(const struct kpt_call *c)
{
	return c->op == KPT_OP_LOOKUP || c->op == KPT_OP_DUMP;
}

static void choose_look(struct kpt_interleaving *r, struct kpt_call *c)
{
	const struct kpt_model *m = r->m;

	*c = (struct kpt_call) {
		.op = kpt_test_random(m->t, 2) ? KPT_OP_LOOKUP : KPT_OP_DUMP,
		.start = m->base,
		.end = kpt_model_end(m),
		.shared = true,
		.arg = &r->dump,
	};
	if (c->op == KPT_OP_LOOKUP)
		c->start = kpt_choose_cell(m);
}

/* Always map the same memory, otherwise the expected result would be ambiguous. */
static void give_the_memory(const struct kpt_model *m, struct kpt_call *c)
{
	static const unsigned int prots[] = { KPT_RWX, KPT_RW, KPT_R | KPT_X | KPT_UX, KPT_R };
	const struct kpt_config *config = m->t->config;
	int level = min(m->unit + 2, config->format->levels - 1);

	c->oa = kpt_span(config->format, level) + c->start - m->base;
	c->value = config->format->attrs(prots[kpt_test_random(m->t, ARRAY_SIZE(prots))],
					 config->features);
}

/* The result of relaxing a leaf whose permissions ageing has cleared is up to the client. */
static bool is_ambiguous(const struct kpt_interleaving *r, unsigned int count)
{
	unsigned int ops = 0;

	for (unsigned int i = 0; i < count; i++)
		ops |= BIT(r->calls[i].op);
	return r->t->config->saved && ops & BIT(KPT_OP_AGE) && ops & BIT(KPT_OP_RELAX);
}

static void choose_one(struct kpt_interleaving *r, struct kpt_call *c)
{
	if (!kpt_test_random(r->t, 6)) {
		choose_look(r, c);
		return;
	}
	do {
		kpt_choose_call(r->m, c);
	} while (r->t->external && (c->op == KPT_OP_COLLAPSE || c->op == KPT_OP_CLEAR_MASK));
	if (c->op == KPT_OP_MAP)
		give_the_memory(r->m, c);
	if (r->t->external && c->op == KPT_OP_MAP)
		c->level = r->m->unit;
	if (c->op != KPT_OP_COLLAPSE && c->op != KPT_OP_AGE && c->op != KPT_OP_CLEAR_MASK)
		c->shared = kpt_test_random(r->t, 4) && !kpt_unmaps_alone(r->t->config, c->op);
}

static void choose_anything(struct kpt_interleaving *r)
{
	for (unsigned int i = 0; i < KPT_ACTORS; i++) {
		do {
			choose_one(r, &r->calls[i]);
		} while (is_ambiguous(r, i + 1));
	}
}

/* One operation unlinks the table that others map into. */
static void choose_a_table(struct kpt_interleaving *r)
{
	const struct kpt_format *fmt = r->t->config->format;
	u64 page = kpt_span(fmt, 0);

	for (unsigned int i = 0; i < KPT_ACTORS; i++) {
		r->calls[i] = (struct kpt_call) {
			.op = KPT_OP_MAP,
			.start = r->m->base + kpt_test_random(r->t, 4) * page,
			.shared = true,
		};
		r->calls[i].end = r->calls[i].start + 4 * page;
		give_the_memory(r->m, &r->calls[i]);
	}
	r->calls[0].op = KPT_OP_UNMAP;
	r->calls[0].shared = !kpt_unmaps_alone(r->t->config, KPT_OP_UNMAP);
	r->calls[0].what = KPT_TABLES;
	r->calls[0].start = r->m->base;
	r->calls[0].end = kpt_model_end(r->m);
}

/* Judging */

static bool may_be_undone(const struct kpt_call *c, long ret)
{
	switch (c->op) {
	case KPT_OP_RELAX:
		return ret == -EAGAIN || ret == -ENOENT;
	case KPT_OP_MAP:
	case KPT_OP_ANNOTATE:
		return ret == -EAGAIN || ret == -ENOMEM;
	case KPT_OP_SPLIT:
		return ret == -ENOMEM;
	default:
		return false;
	}
}

/* Ageing takes no lock, so a writer may revert it; the page then only looks younger. */
static bool must_be_done(const struct kpt_call *c, long ret)
{
	return !ret && c->op != KPT_OP_AGE && !only_looks(c);
}

static bool is_an_error(const struct kpt_call *c, long ret)
{
	return ret && c->op != KPT_OP_AGE && !only_looks(c) && !may_be_undone(c, ret);
}

/*
 * Store all possible results of the operations in @left, of which those in @must have
 * been done and those in @failed may have split entries only, in r->any[0] to
 * r->any[r->orders - 1].  r->path[n] is the window after n operations.
 */
static void add_orders(struct kpt_interleaving *r, unsigned int done, unsigned long left,
		       unsigned long must, unsigned long failed)
{
	unsigned int i;

	if (!(left & must))
		kpt_model_copy(r->any[r->orders++], r->path[done]);

	for_each_set_bit(i, &left, KPT_ACTORS) {
		kpt_model_copy(r->path[done + 1], r->path[done]);
		kpt_model_apply(r->path[done + 1], &r->calls[i]);
		add_orders(r, done + 1, left & ~BIT(i), must, failed);
		if (!(failed & BIT(i)))
			continue;

		kpt_model_copy(r->path[done + 1], r->path[done]);
		kpt_model_push_down(r->path[done + 1], &r->calls[i]);
		add_orders(r, done + 1, left & ~BIT(i), must, failed);
	}
}

static void judge(struct kpt_interleaving *r)
{
	unsigned long changing = 0, must = 0, failed = 0;

	for (unsigned int i = 0; i < KPT_ACTORS; i++) {
		const struct kpt_call *c = &r->calls[i];
		long ret = r->results[i];

		if (!only_looks(c))
			changing |= BIT(i);
		if (is_an_error(c, ret))
			kpt_test_report(r->t, "operation %d returned %ld", c->op, ret);
		if (must_be_done(c, ret))
			must |= BIT(i);
		if (ret && (c->op == KPT_OP_MAP || c->op == KPT_OP_ANNOTATE))
			failed |= BIT(i);
	}
	r->orders = 0;
	add_orders(r, 0, changing, must, failed);
	kpt_model_compare_any(r->m, r->any, r->orders);
}

/* Running */

/* Prefer addresses in the range of an operation. */
static void guest_accesses(struct kpt_interleaving *r, unsigned int perm)
{
	const struct kpt_call *c = &r->calls[kpt_test_random(r->t, KPT_ACTORS)];
	u64 cell = kpt_span(r->t->config->format, r->m->unit), ia;

	ia = c->start + kpt_test_random(r->t, 8) * cell;
	if (ia >= c->end || kpt_test_random(r->t, 2))
		ia = kpt_choose_cell(r->m);
	kpt_cpu_access(r->t, kpt_test_random(r->t, KPT_TEST_CPUS), ia, perm);
}

static void guest_reads(void *arg)
{
	guest_accesses(arg, KPT_R);
}

static void guest_writes(void *arg)
{
	guest_accesses(arg, KPT_RW);
}

/* Collapsing ignores dirty bits, clients must not rely on them at that time. */
static bool may_write(const struct kpt_interleaving *r)
{
	for (unsigned int i = 0; i < KPT_ACTORS; i++)
		if (r->calls[i].op == KPT_OP_COLLAPSE)
			return false;
	return true;
}

static void interleave(struct kpt_interleaving *r)
{
	r->choose(r);
	kpt_model_confine(r->m, r->calls, KPT_ACTORS);
	kpt_model_copy(r->path[0], r->m);
	for (int i = 0; i < 4; i++) {
		guest_reads(r);
		guest_writes(r);
	}

	r->t->alloc = (struct kpt_trap) { .at = kpt_test_random(r->t, 16) };
	kpt_schedule_run(r->s, r->calls, r->results,
			 may_write(r) && kpt_test_random(r->t, 2) ? guest_writes : guest_reads, r);
	r->t->alloc.at = 0;

	judge(r);
	kpt_test_flush_aged(r->t);
	kpt_cpus_check(r->t);
	kpt_test_check(r->t);
	for (int i = 0; r->t->failed && i < KPT_ACTORS; i++)
		kpt_describe_call(r->t, &r->calls[i], r->results[i]);
}

static void interleave_often(struct kpt_test *t, int unit,
			     void (*choose)(struct kpt_interleaving *r))
{
	unsigned int count = max(schedules * 512 / kpt_entries(t->config->format), schedules / 4);
	struct kpt_interleaving *r = kunit_kzalloc(t->kunit, sizeof(*r), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(t->kunit, r);
	r->t = t;
	r->s = kpt_schedule_start(t);
	r->choose = choose;
	r->m = kpt_model_create(t, unit);
	for (int i = 0; i < ARRAY_SIZE(r->any); i++)
		r->any[i] = kpt_model_create(t, unit);
	for (int i = 0; i < ARRAY_SIZE(r->path); i++)
		r->path[i] = kpt_model_create(t, unit);
	t->dirt = r->m;
	t->tree.no_rcu = true;
	kpt_test_seed(t);

	for (int i = 0; i < count && !t->failed; i++)
		interleave(r);

	kpt_schedule_stop(r->s);
	t->dirt = NULL;
}

static void pages(struct kunit *test)
{
	struct kpt_test *t = kpt_test_start(test, test->param_value);

	interleave_often(t, 0, choose_anything);
	kpt_test_finish(t);
}

static void tables_that_go(struct kunit *test)
{
	struct kpt_test *t = kpt_test_start(test, test->param_value);

	interleave_often(t, 0, choose_a_table);
	kpt_test_finish(t);
}

static void blocks(struct kunit *test)
{
	struct kpt_test *t = kpt_test_start(test, test->param_value);

	interleave_often(t, kpt_largest_unit(t->config), choose_anything);
	kpt_test_finish(t);
}

static void mirror(struct kunit *test, void (*choose)(struct kpt_interleaving *r))
{
	struct kpt_test *t = kpt_test_start(test, &kpt_mirror_config);
	struct kpt_external *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, x);
	kpt_external_start(t, x);
	interleave_often(t, 0, choose);
	kpt_external_compare(t);
	kpt_external_finish(t);
}

static void mirrored_pages(struct kunit *test)
{
	mirror(test, choose_anything);
}

static void mirrored_tables_that_go(struct kunit *test)
{
	mirror(test, choose_a_table);
}

static struct kunit_case schedule_cases[] = {
	KUNIT_CASE_PARAM(pages, kpt_next_config),
	KUNIT_CASE_PARAM(tables_that_go, kpt_next_config),
	KUNIT_CASE_PARAM(blocks, kpt_next_config),
	KUNIT_CASE(mirrored_pages),
	KUNIT_CASE(mirrored_tables_that_go),
	{}
};

static struct kunit_suite schedule_suite = {
	.name = "kvm_pgtable_schedule",
	.test_cases = schedule_cases,
};

kunit_test_suite(schedule_suite);
