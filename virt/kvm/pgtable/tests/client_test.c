// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test callbacks that are used by arm64: cache maintenance is done before a CPU can
 * use the memory, unlinked tables are passed to free_subtree() unchanged, and there is
 * an event for each entry that is set or cleared.
 */
#include <linux/mm.h>
#include <linux/tracepoint.h>

#include <trace/events/kvm_pgtable.h>
#include <fmt/arm64_s2.h>

#include "ports.h"

/* One test at a time uses it. */
static struct kpt_client {
	struct kpt_test *t;
	u64 memory;
	unsigned int prepared;
	int invalidations;
	unsigned int taken;
	int taken_level;
	int taken_flushes;
	long entries;
	unsigned int flushed_frozen;
} client;

static bool client_prepares(struct kpt_tree *tree, kpt_pte_t old, kpt_pte_t new, int level)
{
	/* Maintenance was done for the pages already if they are collapsed. */
	if (client.t->config->no_break)
		return false;

	return kpt_is_leaf(&kpt_s2_4k, new, level) &&
	       (!kpt_present(&kpt_s2_4k, old) ||
		kpt_oa(&kpt_s2_4k, old) != kpt_oa(&kpt_s2_4k, new) ||
		(kpt_s2_perms(new) & ~kpt_s2_perms(old) & KPT_X));
}

static void client_prepare(struct kpt_tree *tree, kpt_pte_t old, kpt_pte_t new, int level);

static bool
client_cmo(struct kpt_tree *tree, kpt_pte_t old, kpt_pte_t new, int level, bool now)
{
	bool needed = client_prepares(tree, old, new, level);

	if (needed && now)
		client_prepare(tree, old, new, level);
	return needed;
}

static void client_give_up(struct kpt_tree *tree, kpt_pte_t *table, int level);
static void client_flush(struct kpt_tree *tree, const struct kpt_flush *flush);

/* As EL2, which has nothing that lets a table outlive the operation, if the tree has no RCU. */
static void client_free_subtree(struct kpt_tree *tree, kpt_pte_t *table, int level)
{
	client.taken++;
	client.taken_level = level;
	client.taken_flushes = atomic_read(&client.t->invalidations);
	client_give_up(tree, table, level);
}

static void client_linked(struct kpt_tree *tree, kpt_pte_t *table, int level, bool full)
{
	kpt_test_linked(tree, table, level, full);
	client.entries += full ? kpt_entries(&kpt_s2_4k) : 0;
}

static void client_changed(struct kpt_tree *tree, kpt_ptep_t ptep, u64 ia, int level,
			   kpt_pte_t old, kpt_pte_t new)
{
	kpt_test_changed(tree, ptep, ia, level, old, new);
	client.entries += !!new - !!old;
}

static const struct kpt_ops client_ops = {
	.table_va	= kpt_test_table_va,
	.make_table	= kpt_test_make_table,
	.alloc		= kpt_test_alloc,
	.free		= kpt_test_free,
	.linked	= client_linked,
	.free_subtree	= client_free_subtree,
	.leaves		= kpt_test_leaves,
	.changed	= client_changed,
	.flush	= client_flush,
	.want_yield	= kpt_test_want_yield,
	.yield		= kpt_test_yield,
	.cmo		= client_cmo,
};

DEFINE_KPT_PORT(client, kpt_s2_4k, client_ops);

static long run_client(struct kpt_call *call)
{
	return kpt_test_dispatch(&client_port, call);
}

static const struct kpt_config client_config = {
	.name = "stage2_4k_client",
	.format = &kpt_s2_4k,
	.arch = &kpt_cpu_s2_4k,
	.run = run_client,
	.levels = 4,
	.ia_bits = 48,
};

static const struct kpt_config client_bbml3_config = {
	.name = "stage2_4k_client_bbml3",
	.format = &kpt_s2_4k,
	.arch = &kpt_cpu_s2_4k,
	.run = run_client,
	.levels = 4,
	.ia_bits = 48,
	.no_break = true,
};

#define PAGE		kpt_span(&kpt_s2_4k, 0)
#define BLOCK		kpt_span(&kpt_s2_4k, 1)
#define BASE		(kpt_span(&kpt_s2_4k, 2) - BLOCK)

static void client_flush(struct kpt_tree *tree, const struct kpt_flush *flush)
{
	kpt_pte_t ptes[KPT_MAX_LEVELS];
	int found = kpt_lookup(&client_port, tree, flush->start, ptes);

	client.flushed_frozen += kpt_frozen(&kpt_s2_4k, ptes[found]);
	kpt_test_flush(tree, flush);
}

/*
 * During cache maintenance, the entry must be frozen.  But if it already maps the same
 * memory, it must be unchanged, so that other CPUs can go on using it.
 */
static void
client_prepare(struct kpt_tree *tree, kpt_pte_t old, kpt_pte_t new, int level)
{
	u64 ia = kpt_oa(&kpt_s2_4k, new) - client.memory + BASE;
	bool live = kpt_is_leaf(&kpt_s2_4k, old, level) &&
		    kpt_oa(&kpt_s2_4k, old) == kpt_oa(&kpt_s2_4k, new);
	kpt_pte_t ptes[KPT_MAX_LEVELS];
	int found = kpt_lookup(&client_port, tree, ia, ptes);

	if (found != level || ptes[found] != (live ? old : kpt_s2_4k.frozen))
		kpt_test_report(client.t, "%#llx is %#llx during cache maintenance", ia,
				ptes[found]);
	client.prepared++;
	client.invalidations = atomic_read(&client.t->invalidations);
}

static void client_give_up(struct kpt_tree *tree, kpt_pte_t *table, int level)
{
	long leaves = 0;

	for (unsigned int i = 0; i < kpt_entries(&kpt_s2_4k); i++) {
		if (kpt_is_table(&kpt_s2_4k, table[i], level))
			client_give_up(tree, kpt_test_table_va(tree, kpt_oa(&kpt_s2_4k, table[i])),
				       level - 1);
		if (kpt_frozen(&kpt_s2_4k, table[i]))
			kpt_test_report(client.t, "an entry was frozen before free_subtree()");
		leaves += kpt_is_leaf(&kpt_s2_4k, table[i], level);
		client.entries -= !!table[i];
	}
	kpt_test_leaves(tree, level, -leaves);
	kpt_test_unlinked(tree, table, level, -1);
	kpt_test_reclaim(tree, table);
}

static void start_on(struct kunit *test, const struct kpt_config *config)
{
	client = (struct kpt_client) {
		.t = kpt_test_start(test, config),
		.memory = 4 * BLOCK,
	};
	client.t->tree.no_rcu = true;
}

static void start(struct kunit *test)
{
	start_on(test, &client_config);
}

static void count_entry(struct kpt_test *t, u64 ia, int level, kpt_pte_t pte, void *arg)
{
	++*(long *)arg;
}

static void check(struct kunit *test)
{
	long entries = 0;

	kpt_test_read(client.t, count_entry, &entries);
	KUNIT_EXPECT_EQ(test, client.entries, entries);
	kpt_cpus_check(client.t);
	kpt_test_check(client.t);
}

static void finish(struct kunit *test)
{
	check(test);
	kpt_test_finish(client.t);
	KUNIT_EXPECT_EQ(test, client.entries, 0);
}

static long run(struct kunit *test, enum kpt_op op, u64 first, u64 end, bool shared)
{
	struct kpt_call c = {
		.op = op,
		.start = first,
		.end = end,
		.shared = shared,
		.what = op == KPT_OP_UNMAP ? KPT_TABLES : 0,
		.level = op == KPT_OP_MAP ? 1 : op == KPT_OP_ZAP ? 3 : 0,
		.oa = first - BASE + client.memory,
		.value = op == KPT_OP_ANNOTATE ? BIT_ULL(2) : kpt_s2_4k.attrs(KPT_RWX, 0),
		.prot = KPT_RWX,
	};
	long ret = kpt_test_run(client.t, &c);

	check(test);
	return ret;
}

static void prepares_before_use(struct kunit *test)
{
	for (int shared = 0; shared < 2; shared++) {
		start(test);
		KUNIT_EXPECT_EQ(test, run(test, KPT_OP_MAP, BASE, BASE + BLOCK + 2 * PAGE, shared),
				0);
		KUNIT_EXPECT_EQ(test, client.prepared, 3);
		KUNIT_EXPECT_EQ(test, run(test, KPT_OP_MAP, BASE, BASE + BLOCK, shared), 0);
		KUNIT_EXPECT_EQ(test, run(test, KPT_OP_WRPROT, BASE, BASE + BLOCK, shared), 0);
		KUNIT_EXPECT_EQ_MSG(test, client.prepared, 3, "unneeded cache maintenance");
		finish(test);
	}
}

static void prepares_once_if_others_are_faster(struct kunit *test)
{
	start(test);
	client.t->race.at = client.t->tree.top + 1;
	KUNIT_EXPECT_EQ(test, run(test, KPT_OP_MAP, BASE, BASE + PAGE, true), -EAGAIN);
	KUNIT_EXPECT_EQ(test, client.prepared, 0);
	KUNIT_EXPECT_EQ(test, run(test, KPT_OP_MAP, BASE, BASE + PAGE, true), 0);
	KUNIT_EXPECT_EQ(test, client.prepared, 1);
	finish(test);
}

static void prepares_after_the_break(struct kunit *test)
{
	int before;

	start(test);
	KUNIT_EXPECT_EQ(test, run(test, KPT_OP_MAP, BASE, BASE + PAGE, false), 0);
	client.memory += BLOCK;
	before = atomic_read(&client.t->invalidations);
	KUNIT_EXPECT_EQ(test, run(test, KPT_OP_MAP, BASE, BASE + PAGE, false), 0);
	KUNIT_EXPECT_EQ(test, client.prepared, 2);
	KUNIT_EXPECT_EQ(test, client.invalidations, before + 1);
	finish(test);
}

static kpt_pte_t entry_at(u64 ia)
{
	struct kpt_call c = {
		.op = KPT_OP_LOOKUP,
		.start = ia,
		.end = ia + PAGE,
	};

	return c.ptes[kpt_test_run(client.t, &c)];
}

/* Maintenance of a block takes long, and other CPUs use the leaf meanwhile. */
static void prepares_a_live_leaf_in_place(struct kunit *test)
{
	for (int shared = 0; shared < 2; shared++) {
		struct kpt_call m = {
			.op = KPT_OP_MAP,
			.start = BASE,
			.end = BASE + BLOCK,
			.level = 1,
			.value = kpt_s2_4k.attrs(KPT_RW, 0),
		};
		kpt_pte_t before;

		start(test);
		m.oa = client.memory;
		KUNIT_EXPECT_EQ(test, kpt_test_run(client.t, &m), 0);
		KUNIT_EXPECT_EQ(test, client.prepared, 1);
		before = entry_at(BASE);

		if (shared) {
			client.t->race = (struct kpt_trap) { .at = 1 };
			KUNIT_EXPECT_EQ(test, run(test, KPT_OP_RELAX, BASE, BASE + PAGE, true),
					-EAGAIN);
			KUNIT_EXPECT_EQ(test, entry_at(BASE), before);
			client.t->race.at = 0;
		}
		client.prepared = 0;
		KUNIT_EXPECT_EQ(test, run(test, KPT_OP_RELAX, BASE, BASE + PAGE, shared), 0);
		KUNIT_EXPECT_EQ(test, client.prepared, 1);
		KUNIT_EXPECT_EQ(test, kpt_s2_perms(entry_at(BASE)), KPT_RWX);
		KUNIT_EXPECT_EQ(test, client.flushed_frozen, 0);
		finish(test);
	}
}

/* Map pages that are in use; if @mixed, some of them are not writable. */
static void map_for_collapse(struct kunit *test, bool mixed)
{
	struct kpt_call c = {
		.op = KPT_OP_MAP,
		.start = BASE,
		.end = BASE + BLOCK,
		.oa = client.memory,
		.value = kpt_s2_4k.attrs(KPT_RWX, 0),
	};

	KUNIT_EXPECT_EQ(test, kpt_test_run(client.t, &c), 0);
	if (mixed)
		KUNIT_EXPECT_EQ(test, run(test, KPT_OP_WRPROT, BASE + 7 * PAGE, BASE + 9 * PAGE,
					  false), 0);
	KUNIT_EXPECT_TRUE(test, kpt_cpu_access(client.t, 1, BASE + 8 * PAGE, KPT_R));
	client.t->vary = KPT_S2_WRITE;
}

/* FEAT_BBM level 3 allows only the size of a mapping to change. */
static void breaks_where_more_than_the_size_changes(struct kunit *test)
{
	for (int mixed = 0; mixed < 2; mixed++) {
		for (int shared = 0; shared < 2; shared++) {
			start_on(test, &client_bbml3_config);
			map_for_collapse(test, mixed);
			client.flushed_frozen = 0;
			KUNIT_EXPECT_EQ(test, run(test, KPT_OP_COLLAPSE, BASE, BASE + BLOCK,
						  shared), 0);
			KUNIT_EXPECT_EQ(test, client.flushed_frozen, mixed);
			KUNIT_EXPECT_EQ(test, client.taken, 1);
			KUNIT_EXPECT_EQ(test, kpt_s2_perms(entry_at(BASE + 8 * PAGE)), KPT_RWX);
			finish(test);
		}
	}
}

static noinline_for_stack void hand_over(struct kunit *test, bool shared, bool no_rcu)
{
	int before;

	start(test);
	KUNIT_EXPECT_EQ(test, run(test, KPT_OP_MAP, BASE + PAGE, BASE + BLOCK, shared), 0);
	client.t->tree.no_rcu = no_rcu;
	before = atomic_read(&client.t->invalidations);
	KUNIT_EXPECT_EQ(test, run(test, KPT_OP_UNMAP, BASE, BASE + BLOCK, shared), 0);
	KUNIT_EXPECT_EQ(test, client.taken, 1);
	KUNIT_EXPECT_EQ(test, client.taken_level, 0);
	KUNIT_EXPECT_EQ(test, client.taken_flushes, before + no_rcu);
	KUNIT_EXPECT_EQ(test, atomic_read(&client.t->invalidations), before + 1);
	finish(test);
}

/* Where RCU does not keep the table, the flush comes before it is freed. */
static void hands_tables_over(struct kunit *test)
{
	for (int shared = 0; shared < 2; shared++) {
		hand_over(test, shared, false);
		hand_over(test, shared, true);
	}
}

/* free_subtree() may free a table at once, so its flush must not be returned. */
static void hands_out_no_debt_for_tables(struct kunit *test)
{
	struct kpt_call c = {
		.op = KPT_OP_UNMAP,
		.start = BASE,
		.end = BASE + BLOCK,
		.what = KPT_TABLES,
		.noflush = true,
	};

	start(test);
	KUNIT_EXPECT_EQ(test, run(test, KPT_OP_MAP, BASE, BASE + PAGE, false), 0);
	client.t->tree.no_rcu = false;
	c.tree = &client.t->tree;
	KUNIT_EXPECT_EQ(test, client.t->config->run(&c), 0);
	KUNIT_EXPECT_EQ(test, client.taken, 1);
	KUNIT_EXPECT_EQ(test, c.flush.scope, 0);
	finish(test);
}

static void count_reclaimed(void *data, const void *root, const void *table)
{
	++*(unsigned int *)data;
}

static void traces_what_it_hands_over(struct kunit *test)
{
	unsigned int traced = 0;

	if (!IS_ENABLED(CONFIG_TRACEPOINTS))
		kunit_skip(test, "needs CONFIG_TRACEPOINTS");
	KUNIT_ASSERT_EQ(test, register_trace_kvm_pgtable_reclaim(count_reclaimed, &traced), 0);

	start(test);
	KUNIT_EXPECT_EQ(test, run(test, KPT_OP_MAP, BASE, BASE + BLOCK + PAGE, false), 0);
	KUNIT_EXPECT_EQ(test, run(test, KPT_OP_UNMAP, BASE, BASE + 2 * BLOCK, false), 0);
	KUNIT_EXPECT_EQ(test, client.taken, 1);
	KUNIT_EXPECT_EQ(test, traced, 1);
	finish(test);

	unregister_trace_kvm_pgtable_reclaim(count_reclaimed, &traced);
	tracepoint_synchronize_unregister();
}

static void tells_every_entry(struct kunit *test)
{
	for (int shared = 0; shared < 2; shared++) {
		start(test);
		KUNIT_EXPECT_EQ(test, run(test, KPT_OP_MAP, BASE - PAGE, BASE + 2 * BLOCK, shared),
				0);
		KUNIT_EXPECT_EQ(test, run(test, KPT_OP_SPLIT, BASE, BASE + BLOCK, shared), 0);
		KUNIT_EXPECT_EQ(test, run(test, KPT_OP_UNMAP, BASE, BASE + PAGE, shared), 0);
		KUNIT_EXPECT_EQ(test, run(test, KPT_OP_MAP, BASE, BASE + PAGE, shared), 0);
		KUNIT_EXPECT_EQ(test, run(test, KPT_OP_COLLAPSE, BASE, BASE + BLOCK, shared), 0);
		KUNIT_EXPECT_EQ(test, client.taken, 1);
		KUNIT_EXPECT_EQ(test, run(test, KPT_OP_ANNOTATE, BASE, BASE + 3 * PAGE, shared), 0);
		KUNIT_EXPECT_EQ(test, run(test, KPT_OP_ZAP, 0, BIT_ULL(48), shared), 0);
		finish(test);
	}
}

static struct kunit_case client_cases[] = {
	KUNIT_CASE(prepares_before_use),
	KUNIT_CASE(prepares_once_if_others_are_faster),
	KUNIT_CASE(prepares_after_the_break),
	KUNIT_CASE(prepares_a_live_leaf_in_place),
	KUNIT_CASE(breaks_where_more_than_the_size_changes),
	KUNIT_CASE(hands_tables_over),
	KUNIT_CASE(hands_out_no_debt_for_tables),
	KUNIT_CASE(traces_what_it_hands_over),
	KUNIT_CASE(tells_every_entry),
	{}
};

static struct kunit_suite client_suite = {
	.name = "kvm_pgtable_client",
	.test_cases = client_cases,
};

kunit_test_suite(client_suite);
