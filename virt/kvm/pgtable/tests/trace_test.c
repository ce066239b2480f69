// SPDX-License-Identifier: GPL-2.0-only
/* Tests of tracepoints: the events must match the callbacks. */
#include <linux/tracepoint.h>

#include <trace/events/kvm_pgtable.h>

#include "env.h"

struct kpt_event {
	const void *root;
	const void *table;
	u64 ia;
	u64 end;
	u64 old;
	u64 new;
	int level;
};

/**
 * struct kpt_events - events of one tracepoint
 * @count:	number of events
 * @first:	first event
 * @last:	last event
 */
struct kpt_events {
	unsigned int count;
	struct kpt_event first;
	struct kpt_event last;
};

struct kpt_tracing {
	struct kpt_test *t;
	const struct kpt_format *fmt;
	struct kpt_events changes;
	struct kpt_events flushes;
	struct kpt_events detached;
	struct kpt_events reclaimed;
	struct kpt_events yields;
	u64 page;
	u64 block;
};

/* Probes */

static void note(struct kpt_events *events, struct kpt_event event)
{
	if (!events->count++)
		events->first = event;
	events->last = event;
}

static void probe_change(void *data, const void *root, u64 ia, int level, u64 old, u64 new)
{
	struct kpt_tracing *tr = data;

	note(&tr->changes, (struct kpt_event) {
		.root = root, .ia = ia, .level = level, .old = old, .new = new,
	});
}

static void probe_flush(void *data, const void *root, u64 start, u64 end, u8 levels, u8 scope)
{
	struct kpt_tracing *tr = data;

	note(&tr->flushes, (struct kpt_event) {
		.root = root, .ia = start, .end = end, .level = levels, .new = scope,
	});
}

static void probe_detach(void *data, const void *root, const void *table, u64 ia, int level)
{
	struct kpt_tracing *tr = data;

	note(&tr->detached, (struct kpt_event) {
		.root = root, .table = table, .ia = ia, .level = level,
	});
}

static void probe_reclaim(void *data, const void *root, const void *table)
{
	struct kpt_tracing *tr = data;

	note(&tr->reclaimed, (struct kpt_event) { .root = root, .table = table });
}

static void probe_yield(void *data, const void *root, u64 ia, bool shared)
{
	struct kpt_tracing *tr = data;

	note(&tr->yields, (struct kpt_event) { .root = root, .ia = ia, .level = shared });
}

static void forget_events(struct kpt_tracing *tr)
{
	tr->changes.count = 0;
	tr->flushes.count = 0;
	tr->detached.count = 0;
	tr->reclaimed.count = 0;
	tr->yields.count = 0;
}

static void stop(void *data)
{
	unregister_trace_kvm_pgtable_change(probe_change, data);
	unregister_trace_kvm_pgtable_flush(probe_flush, data);
	unregister_trace_kvm_pgtable_detach(probe_detach, data);
	unregister_trace_kvm_pgtable_reclaim(probe_reclaim, data);
	unregister_trace_kvm_pgtable_yield(probe_yield, data);
	tracepoint_synchronize_unregister();
}

static struct kpt_tracing *start(struct kunit *test)
{
	struct kpt_tracing *tr = kunit_kzalloc(test, sizeof(*tr), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, tr);
	tr->t = kpt_test_start(test, test->param_value);
	tr->fmt = tr->t->config->format;
	tr->page = kpt_span(tr->fmt, 0);
	tr->block = kpt_span(tr->fmt, 1);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, stop, tr), 0);
	KUNIT_ASSERT_EQ(test, register_trace_kvm_pgtable_change(probe_change, tr), 0);
	KUNIT_ASSERT_EQ(test, register_trace_kvm_pgtable_flush(probe_flush, tr), 0);
	KUNIT_ASSERT_EQ(test, register_trace_kvm_pgtable_detach(probe_detach, tr), 0);
	KUNIT_ASSERT_EQ(test, register_trace_kvm_pgtable_reclaim(probe_reclaim, tr), 0);
	KUNIT_ASSERT_EQ(test, register_trace_kvm_pgtable_yield(probe_yield, tr), 0);
	return tr;
}

/* Operations */

static void run(struct kpt_tracing *tr, struct kpt_call c)
{
	KUNIT_EXPECT_EQ(tr->t->kunit, kpt_test_run(tr->t, &c), 0);
}

static kpt_pte_t attrs(const struct kpt_tracing *tr)
{
	return tr->fmt->attrs(KPT_RWX, tr->t->config->features);
}

static void map(struct kpt_tracing *tr, u64 first, u64 end)
{
	run(tr, (struct kpt_call) {
		.op = KPT_OP_MAP,
		.start = first,
		.end = end,
		.oa = first,
		.value = attrs(tr),
	});
}

static const void *root(const struct kpt_tracing *tr)
{
	return kpt_raw(tr->t->tree.root);
}

/* Tests */

static void tells_changes(struct kunit *test)
{
	struct kpt_tracing *tr = start(test);
	kpt_pte_t leaf = kpt_leaf(tr->fmt, tr->block, attrs(tr), 0);
	struct kpt_events *changes = &tr->changes;
	int top = tr->t->tree.top;

	map(tr, tr->block, tr->block + tr->page);
	KUNIT_EXPECT_EQ(test, changes->count, tr->t->config->levels);
	KUNIT_EXPECT_PTR_EQ(test, changes->first.root, root(tr));
	KUNIT_EXPECT_EQ(test, changes->first.ia, ALIGN_DOWN(tr->block, kpt_span(tr->fmt, top)));
	KUNIT_EXPECT_EQ(test, changes->first.level, top);
	KUNIT_EXPECT_TRUE(test, kpt_is_table(tr->fmt, changes->first.new, top));
	KUNIT_EXPECT_EQ(test, changes->last.ia, tr->block);
	KUNIT_EXPECT_EQ(test, changes->last.level, 0);
	KUNIT_EXPECT_EQ(test, changes->last.old, tr->fmt->empty);
	KUNIT_EXPECT_EQ(test, changes->last.new, leaf);

	run(tr, (struct kpt_call) {
		.op = KPT_OP_WRPROT,
		.start = tr->block,
		.end = tr->block + tr->page,
	});
	KUNIT_EXPECT_EQ(test, changes->count, tr->t->config->levels + 1);
	KUNIT_EXPECT_EQ(test, changes->last.old, leaf);
	KUNIT_EXPECT_EQ(test, changes->last.new, (leaf & ~tr->fmt->write) | tr->fmt->read_only);
	kpt_test_finish(tr->t);
}

static void tells_what_goes(struct kunit *test)
{
	struct kpt_tracing *tr = start(test);
	int before;

	map(tr, tr->block, tr->block + 2 * tr->page);
	before = atomic_read(&tr->t->invalidations);
	forget_events(tr);
	run(tr, (struct kpt_call) {
		.op = KPT_OP_UNMAP,
		.what = KPT_TABLES,
		.start = tr->block,
		.end = 2 * tr->block,
	});

	/* The link and two leaves. */
	KUNIT_EXPECT_EQ(test, tr->changes.count, 3);
	KUNIT_EXPECT_EQ(test, tr->detached.count, 1);
	KUNIT_EXPECT_PTR_EQ(test, tr->detached.last.root, root(tr));
	KUNIT_EXPECT_EQ(test, tr->detached.last.ia, tr->block);
	KUNIT_EXPECT_EQ(test, tr->detached.last.level, 0);
	KUNIT_EXPECT_EQ(test, tr->reclaimed.count, 1);
	KUNIT_EXPECT_PTR_EQ(test, tr->reclaimed.last.root, root(tr));
	KUNIT_EXPECT_PTR_EQ(test, tr->reclaimed.last.table, tr->detached.last.table);
	KUNIT_EXPECT_EQ(test, tr->flushes.count, 1);
	KUNIT_EXPECT_EQ(test, before + 1, atomic_read(&tr->t->invalidations));
	KUNIT_EXPECT_PTR_EQ(test, tr->flushes.last.root, root(tr));
	KUNIT_EXPECT_EQ(test, tr->flushes.last.ia, tr->block);
	KUNIT_EXPECT_EQ(test, tr->flushes.last.end, 2 * tr->block);
	KUNIT_EXPECT_EQ(test, tr->flushes.last.level, BIT(1));
	KUNIT_EXPECT_TRUE(test, tr->flushes.last.new & KPT_FLUSH_WALK);
	kpt_test_finish(tr->t);
}

static void tells_yields(struct kunit *test)
{
	struct kpt_tracing *tr = start(test);

	map(tr, tr->block - tr->page, tr->block + tr->page);
	for (int shared = 0; shared < 2; shared++) {
		forget_events(tr);
		tr->t->yield = (struct kpt_trap) { .at = 1, .every = true };
		run(tr, (struct kpt_call) {
			.op = KPT_OP_CLEAR_DIRTY,
			.what = KPT_YIELDS,
			.clear = tr->fmt->write,
			.start = tr->block - tr->page,
			.end = tr->block + tr->page,
			.shared = shared,
		});
		KUNIT_EXPECT_EQ(test, tr->yields.count, 1);
		KUNIT_EXPECT_EQ(test, tr->yields.count, tr->t->yields);
		KUNIT_EXPECT_PTR_EQ(test, tr->yields.last.root, root(tr));
		KUNIT_EXPECT_EQ(test, tr->yields.last.ia, tr->block);
		KUNIT_EXPECT_EQ(test, tr->yields.last.level, shared);
	}
	kpt_test_finish(tr->t);
}

static struct kunit_case trace_cases[] = {
	KUNIT_CASE_PARAM(tells_changes, kpt_next_config),
	KUNIT_CASE_PARAM(tells_what_goes, kpt_next_config),
	KUNIT_CASE_PARAM(tells_yields, kpt_next_config),
	{}
};

static struct kunit_suite trace_suite = {
	.name = "kvm_pgtable_trace",
	.test_cases = trace_cases,
};

kunit_test_suite(trace_suite);
