/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unlink, invalidate, reclaim: the gather keeps this order for everyone.
 *
 * It collects the invalidations that an operation owes and the tables that it
 * unlinked.  A table leaves through kpt_settle(), after the invalidation that
 * covers it; or before, if the caller took that over by kpt_hand_over() and pays
 * before it leaves its RCU section.  There is no other door.
 */
#ifndef __KVM_PGTABLE_GATHER_H
#define __KVM_PGTABLE_GATHER_H

#include <linux/bitops.h>
#include <linux/minmax.h>

#include <kvm/pgtable/trace.h>

/* How many entries an operation may leave frozen before it pays for them. */
#define KPT_BROKEN_MAX	32

/**
 * struct kpt_broken - entries that are frozen until what is owed for them is paid
 * @nr:		how many there are
 * @entries:	where they stand, and what they will be
 */
struct kpt_broken {
	unsigned int nr;
	struct {
		kpt_ptep_t ptep;
		kpt_pte_t pte;
	} entries[KPT_BROKEN_MAX];
};

/**
 * struct kpt_gather - what an operation owes and has unlinked
 * @debt:	the invalidation due before the lock or RCU is dropped
 * @tracked:	the invalidation due before user space sees the dirty log; it may
 *		outlive the lock
 * @tables:	unlinked tables, chained through &kpt_env.table_link
 * @broken:	entries to make when the debt is paid, or NULL
 * @counted:	bit n is set if the number of leaves of level n may have changed
 * @leaves:	by how much the number of leaves changed, for the levels in @counted
 */
struct kpt_gather {
	struct kpt_debt debt;
	struct kpt_debt tracked;
	kpt_pte_t *tables;
	struct kpt_broken *broken;
	u8 counted;
	long leaves[KPT_MAX_LEVELS];
};

/**
 * kpt_debt_add() - merge one debt into another
 * @debt: the sum
 * @more: what is added
 */
static __always_inline void kpt_debt_add(struct kpt_debt *debt, struct kpt_debt more)
{
	if (!more.owes)
		return;

	if (!debt->owes || more.start < debt->start)
		debt->start = more.start;
	debt->end = max(debt->end, more.end);
	debt->owes |= more.owes;
	debt->levels |= more.levels;
}

/* The debt, which is the caller's from now on. */
static __always_inline struct kpt_debt kpt_take_debt(struct kpt_debt *debt)
{
	struct kpt_debt owed = *debt;

	*debt = (struct kpt_debt) { };
	return owed;
}

/**
 * kpt_pay() - invalidate what is owed
 * @port: port
 * @tree: tree
 * @debt: what is owed; nothing afterwards
 */
static __always_inline void
kpt_pay(const struct kpt_port *port, struct kpt_tree *tree, struct kpt_debt *debt)
{
	if (!debt->owes)
		return;

	if (kpt_traced(kvm_pgtable_flush))
		kpt_trace_flush(tree, debt);
	port->env->invalidate(tree, debt);
	*debt = (struct kpt_debt) { };
}

static __always_inline void kpt_gather_begin(struct kpt_gather *g)
{
	g->debt = (struct kpt_debt) { };
	g->tracked = (struct kpt_debt) { };
	g->tables = NULL;
	g->broken = NULL;
	g->counted = 0;
}

/* True if there is no room for another. */
static __always_inline bool
kpt_make_later(struct kpt_gather *g, kpt_ptep_t ptep, kpt_pte_t pte)
{
	struct kpt_broken *b = g->broken;

	b->entries[b->nr].ptep = ptep;
	b->entries[b->nr++].pte = pte;
	return b->nr == KPT_BROKEN_MAX;
}

static __always_inline void
kpt_make_broken(const struct kpt_port *port, struct kpt_gather *g)
{
	struct kpt_broken *b = g->broken;

	if (!(port->format->rules[KPT_COLLAPSE] & KPT_BREAK) || !b)
		return;

	for (unsigned int i = 0; i < b->nr; i++)
		kpt_store(b->entries[i].ptep, b->entries[i].pte);
	b->nr = 0;
}

static __always_inline void
kpt_gather_table(const struct kpt_port *port, struct kpt_gather *g, kpt_pte_t *table)
{
	*port->env->table_link(table) = g->tables;
	g->tables = table;
}

static __always_inline void
kpt_reclaim(const struct kpt_port *port, struct kpt_tree *tree, struct kpt_gather *g)
{
	if (port->env->take_over)
		return;

	while (g->tables) {
		kpt_pte_t *table = g->tables;

		g->tables = *port->env->table_link(table);
		if (kpt_traced(kvm_pgtable_reclaim))
			kpt_trace_reclaim(tree, table);
		port->env->reclaim(tree, table);
	}
}

static __always_inline void
kpt_count(const struct kpt_port *port, struct kpt_gather *g, int level, long delta)
{
	if (!port->env->leaves || !delta)
		return;

	if (g->counted & BIT(level))
		delta += g->leaves[level];
	g->leaves[level] = delta;
	g->counted |= BIT(level);
}

static __always_inline void
kpt_account(const struct kpt_port *port, struct kpt_tree *tree, struct kpt_gather *g)
{
	if (!port->env->leaves)
		return;

	for (; g->counted; g->counted &= g->counted - 1) {
		int level = __ffs(g->counted);

		port->env->leaves(tree, level, g->leaves[level]);
	}
}

/* True if kpt_settle() would do nothing, no entry being broken. */
static __always_inline bool kpt_is_settled(const struct kpt_gather *g)
{
	return !(g->debt.owes | g->counted) && !g->tables;
}

/**
 * kpt_settle() - pay all that is due now, then let go of what waited for that
 * @port: port
 * @tree: tree
 * @g: gather; only tracked debt is left in it afterwards
 *
 * Operations call the client's copy, &kpt_port.settle.
 *
 * Context: inside the walk, before its lock or RCU is dropped.
 */
static __always_inline void
kpt_settle(const struct kpt_port *port, struct kpt_tree *tree, struct kpt_gather *g)
{
	kpt_pay(port, tree, &g->debt);
	kpt_make_broken(port, g);
	kpt_reclaim(port, tree, g);
	kpt_account(port, tree, g);
}

/**
 * kpt_hand_over() - give what is due for the unlinked tables to the caller
 * @g: gather; the tables go when the operation ends
 *
 * For callers that batch the invalidation over several operations.  Only where
 * &kpt_env.reclaim waits for an RCU grace period.
 *
 * Context: inside an RCU section that the caller does not leave before it paid.
 * Return: the debt.
 */
static __always_inline struct kpt_debt __must_check kpt_hand_over(struct kpt_gather *g)
{
	return kpt_take_debt(&g->debt);
}

#endif /* __KVM_PGTABLE_GATHER_H */
