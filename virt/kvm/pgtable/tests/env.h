/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The surroundings of a tree under test: tables that are counted, tracked from
 * their allocation to the end of their grace period and poisoned after it, a
 * lock whose states are checked, and failures on demand.
 */
#ifndef __KVM_PGTABLE_TESTS_ENV_H
#define __KVM_PGTABLE_TESTS_ENV_H

#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/spinlock.h>
#include <kvm/pgtable.h>

#include "configs.h"
#include "tlb.h"

struct kpt_schedule;
struct kpt_test;

/**
 * struct kpt_trap - something that happens at the n-th chance
 * @seen:	chances until now
 * @at:		the chance that is taken; 0: none
 * @every:	if set, every chance after @at is taken, too
 * @act:	what happens then instead of a failure
 */
struct kpt_trap {
	unsigned int seen;
	unsigned int at;
	bool every;
	void (*act)(struct kpt_test *t);
};

/**
 * enum kpt_lock - who may write a test's tree
 * @KPT_UNLOCKED:	nobody who needs a lock
 * @KPT_LOCK_SHARED:	several walks
 * @KPT_LOCK_EXCLUSIVE:	one walk
 */
enum kpt_lock {
	KPT_UNLOCKED,
	KPT_LOCK_SHARED,
	KPT_LOCK_EXCLUSIVE,
};

#define KPT_TEST_CPUS	3

/**
 * struct kpt_test - a tree under test
 * @kunit:	test that it belongs to
 * @config:	format and shape
 * @tree:	the tree that the engine sees
 * @external:	tables that mirror the tree, NULL unless the test has some
 * @dirt:	model that notes the simulated CPUs' writes, NULL if none does
 * @balance:	for each page from @balance_base on, how often its dirty bit was set and not
 *		reported as cleared; NULL if nobody counts
 * @balance_base: first page
 * @balance_count: pages
 * @rnd:	random numbers
 * @alloc:	chances of an allocation to fail
 * @race:	chances of an exchange to lose
 * @yield:	chances of a walk to yield
 * @yields:	how often walks yielded since an operation began
 * @moment:	chances of something to happen where the engine reads or writes an entry
 * @lock:	state of the tree's lock
 * @depth:	walks under way, nested
 * @threads:	the tree is used by several threads: what depends on there being one is not checked
 * @schedule:	threads that take turns, NULL if there are none
 * @tracking:	the walk under way owes tracked debt only
 * @tracked:	tracked debt that was handed out and is not paid
 * @cpus:	simulated CPUs
 * @cpu:	the one that executes the engine's operations
 * @cpu_lock:	protects what the simulated CPUs cache
 * @invalidations: how many there were
 * @steps:	invalidations and calls of external tables since a walk last looked up
 * @reclaimed:	tables that were unlinked and handed back
 * @live:	tables allocated and not freed, the root excluded
 * @tables:	tables linked, by the level of their entries, the root excluded
 * @leaves:	leaves, by level
 * @waiting:	tables whose grace period has not ended, where threads take turns
 * @nowhere:	a table without entries, where walks end that went astray
 * @freed:	tables that are free, but kept poisoned to see who uses them
 * @freed_count: how many
 * @vary:	bits that the leaves of a table to be collapsed need not have in common
 * @reports:	violations
 * @report:	the first of them
 * @failed:	the test has failed; long sequences end
 */
struct kpt_test {
	struct kunit *kunit;
	const struct kpt_config *config;
	struct kpt_tree tree;
	struct kpt_external *external;
	struct kpt_model *dirt;
	atomic_t *balance;
	u64 balance_base;
	unsigned int balance_count;
	struct rnd_state rnd;
	struct kpt_trap alloc;
	struct kpt_trap race;
	struct kpt_trap yield;
	unsigned int yields;
	struct kpt_trap moment;
	enum kpt_lock lock;
	int depth;
	bool threads;
	struct kpt_schedule *schedule;
	bool tracking;
	struct kpt_debt tracked;
	struct kpt_cpu cpus[KPT_TEST_CPUS];
	unsigned int cpu;
	spinlock_t cpu_lock; /* what the simulated CPUs cache, and @freed */
	atomic_t invalidations;
	unsigned int steps;
	atomic_long_t reclaimed;
	atomic_long_t live;
	atomic_long_t tables[KPT_MAX_LEVELS];
	atomic_long_t leaves[KPT_MAX_LEVELS];
	struct list_head waiting;
	kpt_pte_t *nowhere;
	struct list_head freed;
	unsigned int freed_count;
	u64 vary;
	atomic_t reports;
	char report[200];
	bool failed;
};

struct kpt_test *kpt_test_start(struct kunit *kunit, const struct kpt_config *config);
void kpt_test_finish(struct kpt_test *t);
long kpt_test_run(struct kpt_test *t, struct kpt_call *call);
void kpt_test_pay(struct kpt_test *t, const struct kpt_debt *debt);
void kpt_test_pay_tracked(struct kpt_test *t);

/* Ageing owes nothing, but where it takes access away somebody must see to it. */
void kpt_test_pay_aged(struct kpt_test *t);
void kpt_test_check(struct kpt_test *t);
void kpt_test_seed(struct kpt_test *t);
u32 kpt_test_random(struct kpt_test *t, u32 below);

/* Notes a violation; in any context.  The test fails at its next kpt_test_check(). */
__printf(2, 3) void kpt_test_report(struct kpt_test *t, const char *format, ...);

/* Has the table at this address been freed? */
bool kpt_test_freed(const kpt_pte_t *table);

/*
 * Must a write through an entry of this table be reported?  One that sets dirty must, also
 * in an unlinked table, but where the client does not want to hear of its leaves.  One that
 * finds dirty set needs no more than what was reported when the table was unlinked.
 */
bool kpt_test_must_report(struct kpt_test *t, const kpt_pte_t *table, bool sets_dirty);

/* A slow step of an operation: there are at most so many between two looks. */
void kpt_test_step(struct kpt_test *t);

/* Called for every entry of a tree but the frozen and empty ones; reads by the format. */
typedef void (*kpt_reader_t)(struct kpt_test *t, u64 ia, int level, kpt_pte_t pte, void *arg);
void kpt_test_read(struct kpt_test *t, kpt_reader_t reader, void *arg);

/* The callbacks; each port folds them into an env of its own. */
kpt_pte_t *kpt_test_table_va(const struct kpt_tree *tree, u64 pa);
u64 kpt_test_table_pa(const struct kpt_tree *tree, kpt_pte_t *table);
kpt_pte_t **kpt_test_table_link(kpt_pte_t *table);
kpt_pte_t *kpt_test_alloc(struct kpt_tree *tree, const struct kpt_visit *parent);
void kpt_test_free(struct kpt_tree *tree, kpt_pte_t *table);
void kpt_test_attached(struct kpt_tree *tree, kpt_pte_t *table, int level);
void kpt_test_detached(struct kpt_tree *tree, kpt_pte_t *table, int level);
void kpt_test_reclaim(struct kpt_tree *tree, kpt_pte_t *table);
void kpt_test_leaves(struct kpt_tree *tree, int level, long delta);
void kpt_test_counted(struct kpt_tree *tree, kpt_pte_t *table, unsigned int leaves);
bool kpt_test_hears(struct kpt_tree *tree);
void kpt_test_changed(struct kpt_tree *tree, const struct kpt_visit *v, kpt_pte_t new);
void kpt_test_invalidate(struct kpt_tree *tree, const struct kpt_debt *debt);
void kpt_test_begin(struct kpt_tree *tree);
void kpt_test_end(struct kpt_tree *tree);
bool kpt_test_want_yield(struct kpt_tree *tree);
void kpt_test_yield(struct kpt_tree *tree, bool shared);
bool kpt_test_needs_break(struct kpt_tree *tree);
bool kpt_test_lose_race(struct kpt_tree *tree);

#define KPT_TEST_ENV						\
	.table_va	= kpt_test_table_va,			\
	.table_pa	= kpt_test_table_pa,			\
	.table_link	= kpt_test_table_link,			\
	.alloc		= kpt_test_alloc,			\
	.free		= kpt_test_free,			\
	.attached	= kpt_test_attached,			\
	.detached	= kpt_test_detached,			\
	.reclaim	= kpt_test_reclaim,			\
	.leaves		= kpt_test_leaves,			\
	.changed	= kpt_test_changed,			\
	.invalidate	= kpt_test_invalidate,			\
	.begin		= kpt_test_begin,			\
	.end		= kpt_test_end,				\
	.want_yield	= kpt_test_want_yield,			\
	.yield		= kpt_test_yield,			\
	.needs_break	= kpt_test_needs_break,			\
	.lose_race	= kpt_test_lose_race

#endif /* __KVM_PGTABLE_TESTS_ENV_H */
