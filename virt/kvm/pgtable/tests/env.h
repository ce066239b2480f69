/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Test environment: callbacks of a tree under test.  Tables are counted, tracked
 * from allocation to the end of their grace period, and then poisoned; the state
 * of the lock is checked; failures are injected.
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
 * struct kpt_trap - inject an event at the n-th opportunity
 * @seen:	opportunities so far
 * @at:		opportunity to trigger at, 0 for none
 * @every:	also trigger at every opportunity after @at
 * @act:	called instead of a failure, or NULL
 */
struct kpt_trap {
	unsigned int seen;
	unsigned int at;
	bool every;
	void (*act)(struct kpt_test *t);
};

/**
 * enum kpt_lock - state of the lock of a test's tree
 * @KPT_UNLOCKED:	not held
 * @KPT_LOCK_SHARED:	held for read
 * @KPT_LOCK_EXCLUSIVE:	held for write
 */
enum kpt_lock {
	KPT_UNLOCKED,
	KPT_LOCK_SHARED,
	KPT_LOCK_EXCLUSIVE,
};

#define KPT_TEST_CPUS	3

/**
 * struct kpt_test - a tree under test
 * @kunit:	KUnit test
 * @config:	format and shape
 * @tree:	tree that is passed to the engine
 * @external:	external tables that the tree mirrors, or NULL
 * @dirt:	model that records writes of simulated CPUs, or NULL
 * @balance:	for each page from @balance_base, how often its dirty bit was set minus
 *		how often it was reported as cleared; NULL if that is not counted
 * @balance_base: first page
 * @balance_count: number of pages
 * @rnd:	state of the random number generator
 * @alloc:	makes allocations fail
 * @race:	makes exchanges fail
 * @yield:	makes operations yield
 * @yields:	number of yields since the operation began
 * @moment:	triggers when the engine reads or writes an entry
 * @lock:	state of the tree's lock
 * @depth:	nesting of operations
 * @threads:	several threads use the tree, so skip checks that require a single one
 * @schedule:	threads that take turns, or NULL
 * @tracking:	the current operation needs only deferred flushes
 * @deferred:	deferred flush that is still pending
 * @cpus:	simulated CPUs
 * @cpu:	the simulated CPU that runs the engine's operations
 * @cpu_lock:	protects the TLBs of the simulated CPUs
 * @invalidations: number of flushes
 * @steps:	flushes and external updates since the last check whether to yield
 * @reclaimed:	number of reclaimed tables
 * @live:	number of tables that are allocated and not freed, without the root
 * @tables:	number of linked tables by the level of their entries, without the root
 * @leaves:	leaf count by level
 * @waiting:	tables that wait for a grace period, if threads take turns
 * @nowhere:	empty table, for walks that follow an invalid pointer
 * @freed:	freed tables that are kept poisoned to detect use after free
 * @freed_count: how many
 * @vary:	bits that may differ between the leaves of a table to be collapsed
 * @reports:	number of violations
 * @report:	message of the first one
 * @failed:	the test has failed, so long sequences stop early
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
	struct kpt_flush deferred;
	struct kpt_cpu cpus[KPT_TEST_CPUS];
	unsigned int cpu;
	spinlock_t cpu_lock; /* TLBs of the simulated CPUs, and @freed */
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
void kpt_test_do_flush(struct kpt_test *t, const struct kpt_flush *flush);
void kpt_test_flush_deferred(struct kpt_test *t);

/* Ageing does not flush, so the caller has to if ageing clears permissions. */
void kpt_test_flush_aged(struct kpt_test *t);
void kpt_test_check(struct kpt_test *t);
void kpt_test_seed(struct kpt_test *t);
u32 kpt_test_random(struct kpt_test *t, u32 below);

/* Record a violation, in any context.  The test fails at the next kpt_test_check(). */
__printf(2, 3) void kpt_test_report(struct kpt_test *t, const char *format, ...);

bool kpt_test_freed(const kpt_pte_t *table);

/*
 * Return true if the engine has to report a write through an entry of this table.
 * A write that sets the dirty bit must be reported even if the table is unlinked,
 * unless there are no leaf events.  A write that finds the dirty bit set is covered
 * by the report when the table was unlinked.
 */
bool kpt_test_must_report(struct kpt_test *t, const kpt_pte_t *table, bool sets_dirty);

/* Count a slow step; the number between two checks whether to yield is limited. */
void kpt_test_step(struct kpt_test *t);

/* Called for every entry that is neither frozen nor empty, decoded by the format. */
typedef void (*kpt_reader_t)(struct kpt_test *t, u64 ia, int level, kpt_pte_t pte, void *arg);
void kpt_test_read(struct kpt_test *t, kpt_reader_t reader, void *arg);

/* Callbacks, see &struct kpt_ops. */
kpt_pte_t *kpt_test_table_va(const struct kpt_tree *tree, u64 pa);
kpt_pte_t kpt_test_make_table(struct kpt_tree *tree, kpt_pte_t *table);
kpt_pte_t *kpt_test_alloc(struct kpt_tree *tree, const struct kpt_iter *parent);
void kpt_test_free(struct kpt_tree *tree, kpt_pte_t *table);
void kpt_test_linked(struct kpt_tree *tree, kpt_pte_t *table, int level, bool full);
void kpt_test_unlinked(struct kpt_tree *tree, kpt_pte_t *table, int level, int leaves);
void kpt_test_reclaim(struct kpt_tree *tree, kpt_pte_t *table);
void kpt_test_leaves(struct kpt_tree *tree, int level, long delta);
void kpt_test_changed(struct kpt_tree *tree, kpt_ptep_t ptep, u64 ia, int level,
		      kpt_pte_t old, kpt_pte_t new);
void kpt_test_flush(struct kpt_tree *tree, const struct kpt_flush *flush);
bool kpt_test_want_yield(struct kpt_tree *tree);
void kpt_test_yield(struct kpt_tree *tree, bool shared);

#define KPT_TEST_OPS						\
	.table_va	= kpt_test_table_va,			\
	.make_table	= kpt_test_make_table,			\
	.alloc		= kpt_test_alloc,			\
	.free		= kpt_test_free,			\
	.linked	= kpt_test_linked,			\
	.unlinked	= kpt_test_unlinked,			\
	.reclaim	= kpt_test_reclaim,			\
	.leaves		= kpt_test_leaves,			\
	.changed	= kpt_test_changed,			\
	.flush	= kpt_test_flush,			\
	.want_yield	= kpt_test_want_yield,			\
	.yield		= kpt_test_yield

#endif /* __KVM_PGTABLE_TESTS_ENV_H */
