// SPDX-License-Identifier: GPL-2.0-only
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/random.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "env.h"
#include "model.h"
#include "schedule.h"

/* Maximum size of all freed tables that are kept poisoned. */
#define KPT_TEST_KEEP	SZ_4M
#define KPT_TEST_POISON	0xdead4ead5eaddead
/* More yields than any operation of a test can have tables. */
#define KPT_TEST_YIELDS	65536

enum kpt_table_state {
	KPT_TABLE_LINKED,
	KPT_TABLE_UNLINKED,
	KPT_TABLE_RECLAIMED,
	KPT_TABLE_FREED,
};

/**
 * struct kpt_table_info - state of a table, stored in the private data of its page
 * @state:	&enum kpt_table_state bits
 * @level:	level of its entries
 * @order:	order of its pages
 * @page:	first page
 * @table:	table
 * @t:		test
 * @rcu:	for call_rcu()
 * @readers:	if threads take turns, those that the grace period waits for
 * @ia:		first input address that it maps
 * @no_events:	it is unlinked, and there are no events for its leaves
 * @counted:	its leaves were counted when it was unlinked, others may have added some
 * @leaves:	leaf count at that time
 * @list:	in &kpt_test.waiting or &kpt_test.freed
 */
struct kpt_table_info {
	unsigned long state;
	int level;
	unsigned int order;
	struct page *page;
	kpt_pte_t *table;
	struct kpt_test *t;
	struct rcu_head rcu;
	unsigned long readers;
	u64 ia;
	bool no_events;
	bool counted;
	unsigned int leaves;
	struct list_head list;
};

/* For callbacks without an argument that leads to the test. */
static struct kpt_test *current_test;

static struct kpt_test *to_test(struct kpt_tree *tree)
{
	return container_of(tree, struct kpt_test, tree);
}

static struct kpt_table_info *to_info(const kpt_pte_t *table)
{
	return (void *)page_private(virt_to_page(table));
}

/* Reports */

void kpt_test_report(struct kpt_test *t, const char *format, ...)
{
	va_list args;

	if (atomic_inc_return(&t->reports) > 1)
		return;

	va_start(args, format);
	vsnprintf(t->report, sizeof(t->report), format, args);
	va_end(args);
}

static bool due(struct kpt_trap *trap)
{
	unsigned int seen = ++trap->seen;

	return trap->at && (trap->every ? seen >= trap->at : seen == trap->at);
}

/* Return true to fail, unless the test has another action for this event. */
static bool fails(struct kpt_test *t, struct kpt_trap *trap)
{
	if (!due(trap))
		return false;
	if (!trap->act)
		return true;
	trap->act(t);
	return false;
}

/* Called before the engine writes an entry, and after it reads one. */
void kpt_test_take_turns(void)
{
	struct kpt_test *t = current_test;

	if (!t)
		return;
	if (t->schedule)
		kpt_schedule_point(t->schedule);
	else if (t->moment.at && due(&t->moment))
		t->moment.act(t);
}

/* Life cycle of a table: private, linked, unlinked, reclaimed, freed */

/* An entry of a freed table may contain anything. */
static bool is_table(u64 pa)
{
	return pfn_valid(PHYS_PFN(pa)) && page_private(phys_to_page(pa)) &&
	       !kpt_test_freed(__va(pa));
}

kpt_pte_t *kpt_test_table_va(const struct kpt_tree *tree, u64 pa)
{
	if (likely(is_table(pa)))
		return __va(pa);

	kpt_test_report(current_test, "invariant 3: walking to %#llx, which is not a table", pa);
	return current_test->nowhere;
}

kpt_pte_t kpt_test_make_table(struct kpt_tree *tree, kpt_pte_t *table)
{
	return kpt_table(to_test(tree)->config->format, __pa(table));
}

/* Allocate a table with @guard bytes before and after it. */
static kpt_pte_t *
new_table(struct kpt_test *t, int level, unsigned int entries, unsigned int guard)
{
	struct kpt_table_info *info = kzalloc(sizeof(*info), GFP_ATOMIC);
	unsigned int order = get_order(entries * sizeof(kpt_pte_t) + 2 * guard);
	struct page *page = alloc_pages(GFP_ATOMIC | __GFP_ZERO, order);

	if (!info || !page) {
		kpt_test_report(t, "no memory for the test's own tables");
		kfree(info);
		if (page)
			__free_pages(page, order);
		return NULL;
	}

	info->page = page;
	info->table = page_address(page) + guard;
	info->level = level;
	info->order = order;
	info->t = t;
	set_page_private(virt_to_page(info->table), (unsigned long)info);
	kpt_fill(info->table, entries, t->config->format->empty, 0);
	return info->table;
}

static void release(struct kpt_table_info *info)
{
	set_page_private(virt_to_page(info->table), 0);
	__free_pages(info->page, info->order);
	kfree(info);
}

kpt_pte_t *kpt_test_alloc(struct kpt_tree *tree, const struct kpt_iter *parent)
{
	struct kpt_test *t = to_test(tree);
	int level = parent->level - 1;
	kpt_pte_t *table;

	if (level < 0 || level >= tree->top) {
		kpt_test_report(t, "allocation of a table for level %d", level);
		return NULL;
	}
	if (!t->threads && fails(t, &t->alloc))
		return NULL;

	table = new_table(t, level, kpt_entries(t->config->format), 0);
	if (!table)
		return NULL;

	to_info(table)->ia = parent->ia;
	atomic_long_inc(&t->live);
	return table;
}

void kpt_test_free(struct kpt_tree *tree, kpt_pte_t *table)
{
	struct kpt_table_info *info = to_info(table);
	struct kpt_test *t = to_test(tree);

	if (info->state)
		kpt_test_report(t, "a table of level %d in state %#lx is freed as if never linked",
				info->level, info->state);
	atomic_long_dec(&t->live);
	release(info);
}

static void enter(struct kpt_table_info *info, enum kpt_table_state state)
{
	if (test_and_set_bit(state, &info->state))
		kpt_test_report(info->t, "a table of level %d enters state %d twice",
				info->level, state);
}

void kpt_test_linked(struct kpt_tree *tree, kpt_pte_t *table, int level, bool full)
{
	struct kpt_table_info *info = to_info(table);

	if (info->level != level)
		kpt_test_report(info->t, "a table of level %d is linked at level %d",
				info->level, level);
	enter(info, KPT_TABLE_LINKED);
	atomic_long_inc(&info->t->tables[level]);
}

void kpt_test_unlinked(struct kpt_tree *tree, kpt_pte_t *table, int level, int leaves)
{
	struct kpt_table_info *info = to_info(table);

	if (info->level != level)
		kpt_test_report(info->t, "a table of level %d is unlinked at level %d",
				info->level, level);
	enter(info, KPT_TABLE_UNLINKED);
	atomic_long_dec(&info->t->tables[level]);
	if (leaves >= 0) {
		if (level)
			kpt_test_report(info->t, "the leaves of level %d are counted", level);
		info->counted = true;
		info->leaves = leaves;
	}
	if (level || !info->t->config->no_events)
		return;

	WRITE_ONCE(info->no_events, true);
	kpt_dirt_unlinked(info->t, info->ia);
}

static unsigned int words(const struct kpt_table_info *info)
{
	return (PAGE_SIZE << info->order) / sizeof(kpt_pte_t);
}

static void release_poisoned(struct kpt_table_info *info)
{
	unsigned int i = 0;

	while (i < words(info) && info->table[i] == KPT_TEST_POISON)
		i++;
	if (i < words(info))
		kpt_test_report(info->t, "invariant 3: a freed table of level %d was written",
				info->level);
	release(info);
}

static void keep_poisoned(struct kpt_test *t, struct kpt_table_info *info)
{
	struct kpt_table_info *oldest = NULL;
	unsigned long flags;

	kpt_fill(info->table, words(info), KPT_TEST_POISON, 0);

	spin_lock_irqsave(&t->cpu_lock, flags);
	list_add_tail(&info->list, &t->freed);
	if (++t->freed_count > KPT_TEST_KEEP / (PAGE_SIZE << info->order)) {
		oldest = list_first_entry(&t->freed, struct kpt_table_info, list);
		list_del(&oldest->list);
		t->freed_count--;
	}
	spin_unlock_irqrestore(&t->cpu_lock, flags);
	if (oldest)
		release_poisoned(oldest);
}

/* Same as what a client has to do, see &kpt_ops.unlinked. */
static void uncount_late_leaves(struct kpt_table_info *info)
{
	const struct kpt_format *fmt = info->t->config->format;
	long late = -(long)info->leaves;

	for (unsigned int i = 0; i < kpt_entries(fmt); i++)
		late += kpt_is_leaf(fmt, info->table[i], 0);
	atomic_long_sub(late, &info->t->leaves[0]);
	kpt_dirt_forgotten(info->t, info->table, info->ia);
}

static void grace_period_ended(struct kpt_table_info *info)
{
	struct kpt_test *t = info->t;

	if (info->counted)
		uncount_late_leaves(info);
	if (info->state != (BIT(KPT_TABLE_LINKED) | BIT(KPT_TABLE_UNLINKED) |
			    BIT(KPT_TABLE_RECLAIMED)))
		kpt_test_report(t, "a table of level %d is freed in state %#lx",
				info->level, info->state);
	if (!t->tree.no_flush)
		kpt_cpus_check_table(t, info->table, "freed");
	enter(info, KPT_TABLE_FREED);
	keep_poisoned(t, info);
	atomic_long_dec(&t->live);
}

static void after_grace_period(struct rcu_head *rcu)
{
	grace_period_ended(container_of(rcu, struct kpt_table_info, rcu));
}

/* The shortest possible grace period: wait only for operations that have begun. */
static void wait_for(struct kpt_table_info *info, unsigned long readers)
{
	info->readers = readers;
	if (readers)
		list_add_tail(&info->list, &info->t->waiting);
	else
		grace_period_ended(info);
}

static void reader_left(struct kpt_test *t, unsigned long reader)
{
	struct kpt_table_info *info, *next;

	list_for_each_entry_safe(info, next, &t->waiting, list) {
		info->readers &= ~reader;
		if (info->readers)
			continue;
		list_del(&info->list);
		grace_period_ended(info);
	}
}

void kpt_test_reclaim(struct kpt_tree *tree, kpt_pte_t *table)
{
	struct kpt_table_info *info = to_info(table);

	if (!info->t->tree.no_flush)
		kpt_cpus_check_table(info->t, table, "reclaimed before the flush");
	enter(info, KPT_TABLE_RECLAIMED);
	atomic_long_inc(&info->t->reclaimed);
	if (info->t->schedule)
		wait_for(info, kpt_schedule_readers(info->t->schedule));
	else
		call_rcu(&info->rcu, after_grace_period);
}

bool kpt_test_must_report(struct kpt_test *t, const kpt_pte_t *table, bool sets_dirty)
{
	const struct kpt_table_info *info = to_info(table);

	return !READ_ONCE(info->no_events) &&
	       (sets_dirty || !test_bit(KPT_TABLE_UNLINKED, &info->state));
}

bool kpt_test_freed(const kpt_pte_t *table)
{
	return test_bit(KPT_TABLE_FREED, &to_info(table)->state);
}

/* Events from the engine */

void kpt_test_leaves(struct kpt_tree *tree, int level, long delta)
{
	atomic_long_add(delta, &to_test(tree)->leaves[level]);
}

static bool has_no_events(struct kpt_test *t, kpt_ptep_t ptep, int level)
{
	unsigned long size = kpt_entries(t->config->format) * sizeof(kpt_pte_t);
	const kpt_pte_t *table = (void *)ALIGN_DOWN((unsigned long)ptep, size);

	return !level && READ_ONCE(to_info(table)->no_events);
}

void kpt_test_changed(struct kpt_tree *tree, kpt_ptep_t ptep, u64 ia, int level,
		      kpt_pte_t old, kpt_pte_t new)
{
	struct kpt_test *t = to_test(tree);

	if (kpt_frozen(t->config->format, old))
		kpt_test_report(t, "event for the change of a frozen entry at %#llx", ia);
	if (!has_no_events(t, ptep, level))
		kpt_dirt_changed(t, ia, level, old, new);
	kpt_dirt_balance(t, ia, level, old, new);
}

void kpt_test_flush(struct kpt_tree *tree, const struct kpt_flush *flush)
{
	struct kpt_test *t = to_test(tree);

	if (tree->no_flush || flush->start >= flush->end || !flush->scope ||
	    flush->scope & ~(KPT_FLUSH_LOCAL | KPT_FLUSH_BROADCAST))
		kpt_test_report(t, "bad flush of %#llx to %#llx, scope %#x",
				flush->start, flush->end, flush->scope);
	if (t->schedule)
		kpt_schedule_point(t->schedule);
	atomic_inc(&t->invalidations);
	kpt_test_step(t);
	kpt_cpus_invalidate(t, flush);
}

/* The lock */

void kpt_test_read_lock(struct kpt_tree *tree)
{
	struct kpt_test *t = to_test(tree);

	if (t->schedule) {
		kpt_schedule_begin(t->schedule);
		return;
	}
	rcu_read_lock();
	if (!t->threads)
		t->depth++;
}

void kpt_test_read_unlock(struct kpt_tree *tree)
{
	struct kpt_test *t = to_test(tree);

	if (t->schedule) {
		reader_left(t, kpt_schedule_end(t->schedule));
		return;
	}
	if (!t->threads && --t->depth < 0)
		kpt_test_report(t, "kpt_end() without kpt_begin()");
	rcu_read_unlock();
}

/* With several threads, the steps of all of them would be counted. */
static bool counts_steps(const struct kpt_test *t)
{
	return !t->threads && !t->schedule;
}

void kpt_test_step(struct kpt_test *t)
{
	if (counts_steps(t))
		t->steps++;
}

static void end_of_steps(struct kpt_test *t)
{
	if (!counts_steps(t))
		return;
	if (t->steps > KPT_LOOK_EVERY)
		kpt_test_report(t, "invariant 6: %u slow steps without a check to yield", t->steps);
	t->steps = 0;
}

bool kpt_test_want_yield(struct kpt_tree *tree)
{
	struct kpt_test *t = to_test(tree);

	end_of_steps(t);
	if (t->yields > KPT_TEST_YIELDS) {
		kpt_test_report(t, "invariant 6: an operation yields forever");
		return false;
	}
	if (t->schedule)
		return !kpt_test_random(t, 8);
	return !t->threads && t->depth == 1 && due(&t->yield);
}

/* Flushes that are not deferred must be done before the lock is dropped. */
void kpt_test_yield(struct kpt_tree *tree, bool shared)
{
	struct kpt_test *t = to_test(tree);
	enum kpt_lock lock = t->lock;
	enum kpt_lock expected = shared ? KPT_LOCK_SHARED : KPT_LOCK_EXCLUSIVE;

	t->yields++;
	if (t->schedule) {
		kpt_schedule_yield(t->schedule, shared);
		return;
	}
	if (t->depth || lock != expected)
		kpt_test_report(t, "yield at depth %d, lock state %d, shared %d",
				t->depth, lock, shared);
	kpt_cpus_check(t);
	t->lock = KPT_UNLOCKED;
	if (t->yield.act)
		t->yield.act(t);
	t->lock = lock;
}

/* Called between the last read of an entry and the exchange, so it can win the race. */
bool kpt_test_lose_race(struct kpt_tree *tree)
{
	struct kpt_test *t = to_test(tree);

	return !t->threads && !t->schedule && t->depth == 1 && fails(t, &t->race);
}

/* Running operations */

static bool only_tracks(const struct kpt_call *call)
{
	return call->op == KPT_OP_WRPROT || call->op == KPT_OP_CLEAR_DIRTY ||
	       call->op == KPT_OP_CLEAR_MASK;
}

void kpt_test_do_flush(struct kpt_test *t, const struct kpt_flush *flush)
{
	if (flush->scope)
		kpt_test_flush(&t->tree, flush);
}

void kpt_test_flush_deferred(struct kpt_test *t)
{
	kpt_test_do_flush(t, &t->deferred);
	t->deferred = (struct kpt_flush) { };
}

void kpt_test_flush_aged(struct kpt_test *t)
{
	struct kpt_flush all = { .end = kpt_tree_end(&t->tree), .scope = KPT_FLUSH_LEAF };

	if (t->config->saved)
		kpt_test_do_flush(t, &all);
}

static bool yields(const struct kpt_call *call)
{
	return call->what & KPT_YIELDS || call->op == KPT_OP_ZAP || call->op == KPT_OP_SPLIT ||
	       call->op == KPT_OP_COLLAPSE;
}

/*
 * Same as what a client does: lock, run the operation, flush, unlock.  Deferred
 * flushes are kept for later, all others are done here.
 */
long kpt_test_run(struct kpt_test *t, struct kpt_call *call)
{
	enum kpt_lock lock = t->lock;
	bool tracking = t->tracking;
	long ret;

	call->tree = &t->tree;
	call->flush.scope = 0;
	t->yields = 0;
	t->lock = call->shared ? KPT_LOCK_SHARED : KPT_LOCK_EXCLUSIVE;
	t->tracking = tracking || only_tracks(call);
	t->steps = 0;
	ret = t->config->run(call);
	if (yields(call))
		end_of_steps(t);
	t->tracking = tracking;
	t->lock = lock;

	if (only_tracks(call) && call->flush.scope)
		kpt_flush_extend(&t->deferred, call->flush.start, call->flush.end,
				 call->flush.scope, call->flush.levels);
	else
		kpt_test_do_flush(t, &call->flush);
	return ret;
}

/* An independent walker, to verify the accounting and the model. */
struct kpt_reading {
	struct kpt_test *t;
	kpt_reader_t reader;
	void *arg;
	long tables[KPT_MAX_LEVELS];
	long leaves[KPT_MAX_LEVELS];
};

static void read_table(struct kpt_reading *r, const kpt_pte_t *table, unsigned int entries,
		       u64 ia, int level)
{
	const struct kpt_format *fmt = r->t->config->format;

	for (unsigned int i = 0; i < entries; i++, ia += kpt_span(fmt, level)) {
		kpt_pte_t pte = table[i];

		if (pte == fmt->empty)
			continue;
		if (kpt_frozen(fmt, pte)) {
			kpt_test_report(r->t, "%#llx is left frozen at level %d", ia, level);
			continue;
		}
		r->reader(r->t, ia, level, pte, r->arg);
		if (kpt_is_leaf(fmt, pte, level))
			r->leaves[level]++;
		if (!kpt_is_table(fmt, pte, level))
			continue;
		r->tables[level - 1]++;
		read_table(r, __va(kpt_oa(fmt, pte)), kpt_entries(fmt), ia, level - 1);
	}
}

static unsigned int root_entries(struct kpt_test *t)
{
	return 1U << (t->tree.ia_bits - kpt_shift(t->config->format, t->tree.top));
}

/* Entries of the root for addresses outside of the tree must not be used. */
static void read_root(struct kpt_reading *r)
{
	struct kpt_test *t = r->t;
	const struct kpt_format *fmt = t->config->format;
	kpt_pte_t *root = (__force kpt_pte_t *)t->tree.root;
	u64 span = kpt_span(fmt, t->tree.top);
	unsigned int first = t->tree.ia_base / span;
	unsigned int end = first + DIV_ROUND_UP(kpt_tree_end(&t->tree), span);

	for (unsigned int i = 0; i < root_entries(t); i++)
		if ((i < first || i >= end) && root[i] != fmt->empty)
			kpt_test_report(t, "invariant 3: entry %u of the root was written", i);
	read_table(r, root + first, end - first, 0, t->tree.top);
}

/* Read the whole tree and verify the accounting (invariant 9). */
void kpt_test_read(struct kpt_test *t, kpt_reader_t reader, void *arg)
{
	struct kpt_reading r = { .t = t, .reader = reader, .arg = arg };

	/* Late changes in tables whose leaves were counted are accounted after a grace period. */
	if (t->config->no_events)
		rcu_barrier();
	read_root(&r);
	for (int level = 0; level < KPT_MAX_LEVELS; level++) {
		if (r.tables[level] != atomic_long_read(&t->tables[level]))
			kpt_test_report(t, "invariant 9: %ld tables at level %d, but %ld accounted",
					r.tables[level], level,
					atomic_long_read(&t->tables[level]));
		if (r.leaves[level] != atomic_long_read(&t->leaves[level]))
			kpt_test_report(t, "invariant 9: %ld leaves at level %d, but %ld accounted",
					r.leaves[level], level,
					atomic_long_read(&t->leaves[level]));
	}
}

/* Guard entries next to the root: following them is reported, and so is writing. */
#define GUARD	PAGE_SIZE

static kpt_pte_t beside_root(struct kpt_test *t)
{
	return kpt_table(t->config->format, __pa((__force kpt_pte_t *)t->tree.root) - GUARD);
}

static void check_beside_root(struct kpt_test *t)
{
	kpt_pte_t *root = (__force kpt_pte_t *)t->tree.root, *end = root + root_entries(t);

	for (unsigned int i = 0; i < GUARD / sizeof(*root); i++)
		if (root[-1 - (int)i] != beside_root(t) || end[i] != beside_root(t))
			kpt_test_report(t, "invariant 3: an entry outside of the root was written");
}

void kpt_test_check(struct kpt_test *t)
{
	check_beside_root(t);
	if (t->depth || t->lock != KPT_UNLOCKED)
		kpt_test_report(t, "an operation has not ended, depth %d", t->depth);
	if (!atomic_xchg(&t->reports, 0))
		return;
	KUNIT_FAIL(t->kunit, "%s: %s", t->config->name, t->report);
	t->failed = true;
}

/* Start and end */

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "kvm_pgtable."

static ulong seed;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "seed of random tests, 0 for a random one");

void kpt_test_seed(struct kpt_test *t)
{
	u64 chosen = seed ?: get_random_u32() | 1;

	kunit_info(t->kunit, "%s: seed %llu", t->config->name, chosen);
	prandom_seed_state(&t->rnd, chosen);
}

u32 kpt_test_random(struct kpt_test *t, u32 below)
{
	return prandom_u32_state(&t->rnd) % below;
}

struct kpt_test *kpt_test_start(struct kunit *kunit, const struct kpt_config *config)
{
	const struct kpt_format *fmt = config->format;
	struct kpt_test *t = kunit_kzalloc(kunit, sizeof(*t), GFP_KERNEL);
	kpt_pte_t *root;

	KUNIT_ASSERT_NOT_NULL(kunit, t);
	t->kunit = kunit;
	t->config = config;
	t->tree.top = config->levels - 1;
	t->tree.leaf_events = !config->no_events;
	t->tree.no_break = config->no_break;
	t->tree.no_map_flush = config->no_map_flush;
	t->tree.ia_bits = config->ia_bits;
	spin_lock_init(&t->cpu_lock);
	INIT_LIST_HEAD(&t->freed);
	INIT_LIST_HEAD(&t->waiting);
	prandom_seed_state(&t->rnd, 1);
	t->tree.ia_base = config->ia_base;
	root = new_table(t, t->tree.top, root_entries(t), GUARD);
	t->nowhere = new_table(t, 0, kpt_entries(fmt), 0);
	KUNIT_ASSERT_NOT_NULL(kunit, root);
	KUNIT_ASSERT_NOT_NULL(kunit, t->nowhere);
	t->tree.root = (__force kpt_ptep_t)root;
	kpt_fill((void *)root - GUARD, GUARD / sizeof(*root), beside_root(t), 0);
	kpt_fill(root + root_entries(t), GUARD / sizeof(*root), beside_root(t), 0);
	current_test = t;
	return t;
}

/* Zap the tree and verify that nothing leaked. */
void kpt_test_finish(struct kpt_test *t)
{
	struct kpt_table_info *info, *next;
	struct kpt_call zap = {
		.op = KPT_OP_ZAP,
		.end = kpt_tree_end(&t->tree),
		.level = t->tree.top,
	};

	memset(&t->alloc, 0, sizeof(t->alloc));
	memset(&t->yield, 0, sizeof(t->yield));
	memset(&t->moment, 0, sizeof(t->moment));
	kpt_test_run(t, &zap);
	kpt_cpus_check(t);
	check_beside_root(t);
	rcu_barrier();
	KUNIT_EXPECT_EQ_MSG(t->kunit, atomic_long_read(&t->live), 0, "%s: tables leaked",
			    t->config->name);
	for (int level = 0; level < KPT_MAX_LEVELS; level++) {
		KUNIT_EXPECT_EQ(t->kunit, atomic_long_read(&t->tables[level]), 0);
		KUNIT_EXPECT_EQ(t->kunit, atomic_long_read(&t->leaves[level]), 0);
	}
	list_for_each_entry_safe(info, next, &t->freed, list)
		release_poisoned(info);
	release(to_info(t->nowhere));
	release(to_info((__force kpt_pte_t *)t->tree.root));
	current_test = NULL;
	if (atomic_read(&t->reports))
		KUNIT_FAIL(t->kunit, "%s: %s", t->config->name, t->report);
}
