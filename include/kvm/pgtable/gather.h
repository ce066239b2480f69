/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gather enforces the order of freeing page tables:
 *
 *  1) unlink the table
 *  2) flush TLBs and page-walk caches
 *  3) reclaim the table
 *
 * It collects the flushes that an operation needs and the tables that it
 * unlinked.  Tables are reclaimed only by kpt_gather_flush(), after the flush
 * that covers them.  kpt_gather_take_flush() is the only exception: its caller
 * does the flush before leaving the RCU read-side section, and reclaim waits
 * for that.
 */
#ifndef __KVM_PGTABLE_GATHER_H
#define __KVM_PGTABLE_GATHER_H

#include <linux/bitops.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mm.h>

#include <kvm/pgtable/trace.h>

/* Other walkers wait for frozen entries, so limit the size of a batch. */
#define KPT_BBM_MAX	32

/**
 * struct kpt_bbm_batch - entries that are frozen for break-before-make
 * @nr:		number of entries
 * @entries:	pointers to the entries, and the values to publish after the flush
 */
struct kpt_bbm_batch {
	unsigned int nr;
	struct {
		kpt_ptep_t ptep;
		kpt_pte_t pte;
	} entries[KPT_BBM_MAX];
};

/**
 * struct kpt_gather - pending flushes and unlinked tables of an operation
 * @flush:	pending flush; with KPT_FLUSH_NOW, it is needed before the lock or the RCU
 *		read lock is dropped, else it is deferred, i.e. needed before user space
 *		sees the dirty log
 * @tables:	unlinked tables, linked through lru.next of their pages
 * @bbm:	entries to publish after the flush, or NULL if the operation does not batch
 *		break-before-make
 * @counted:	bit n is set if leaves[n] is valid
 * @leaves:	change of the leaf count by level, not yet accounted
 */
struct kpt_gather {
	struct kpt_flush flush;
	struct list_head *tables;
	struct kpt_bbm_batch *bbm;
	u8 counted;
	long leaves[KPT_MAX_LEVELS];
};

/* Out of line, because it is called at most once per table. */
static noinline __maybe_unused void
kpt_flush_extend(struct kpt_flush *flush, u64 start, u64 end, u8 scope, u8 levels)
{
	if (!flush->scope) {
		*flush = (struct kpt_flush) { start, end, scope, levels };
		return;
	}

	flush->start = min(flush->start, start);
	flush->end = max(flush->end, end);
	flush->scope |= scope;
	flush->levels |= levels;
}

/**
 * kpt_flush_tlb() - Do a pending flush
 * @port: port
 * @tree: tree that the flush was collected for
 * @flush: pending flush; empty on return
 *
 * Context: @flush decides how long it may be deferred, see kpt_end_noflush().
 */
static __always_inline void
kpt_flush_tlb(const struct kpt_port *port, struct kpt_tree *tree, struct kpt_flush *flush)
{
	if (!flush->scope)
		return;

	flush->scope &= ~KPT_FLUSH_NOW;
	if (kpt_traced(port, kvm_pgtable_flush))
		kpt_trace_flush(tree, flush);
	port->ops->flush(tree, flush);
	flush->scope = 0;
}

static __always_inline void kpt_gather_begin(struct kpt_gather *g)
{
	g->flush.scope = 0;
	g->tables = NULL;
	g->bbm = NULL;
	g->counted = 0;
}

/* A constant false for bare ports, which flush for each entry instead. */
static __always_inline bool
kpt_has_batch(const struct kpt_port *port, const struct kpt_gather *g)
{
	return kpt_has_bbm(port->format) && !port->ops->bare && g->bbm;
}

/* Return true if the batch is full and has to be flushed. */
static __always_inline bool
kpt_bbm_add(struct kpt_gather *g, kpt_ptep_t ptep, kpt_pte_t pte)
{
	struct kpt_bbm_batch *b = g->bbm;

	b->entries[b->nr].ptep = ptep;
	b->entries[b->nr++].pte = pte;
	return b->nr == KPT_BBM_MAX;
}

static __always_inline void
kpt_bbm_publish(const struct kpt_port *port, struct kpt_gather *g)
{
	struct kpt_bbm_batch *b = g->bbm;

	if (!kpt_has_batch(port, g))
		return;

	for (unsigned int i = 0; i < b->nr; i++)
		kpt_store(b->entries[i].ptep, b->entries[i].pte);
	b->nr = 0;
}

static __always_inline void kpt_gather_table(struct kpt_gather *g, kpt_pte_t *table)
{
	struct list_head *link = &virt_to_page(table)->lru;

	link->next = g->tables;
	g->tables = link;
}

static __always_inline void
kpt_reclaim(const struct kpt_port *port, struct kpt_tree *tree, struct kpt_gather *g)
{
	if (port->ops->free_subtree)
		return;

	while (g->tables) {
		void *table = page_address(list_entry(g->tables, struct page, lru));

		g->tables = g->tables->next;
		if (kpt_traced(port, kvm_pgtable_reclaim))
			kpt_trace_reclaim(tree, table);
		port->ops->reclaim(tree, table);
	}
}

static __always_inline void
kpt_count(const struct kpt_port *port, struct kpt_gather *g, int level, long delta)
{
	if (!port->ops->leaves || !delta)
		return;

	if (g->counted & BIT(level))
		delta += g->leaves[level];
	g->leaves[level] = delta;
	g->counted |= BIT(level);
}

static __always_inline void
kpt_account(const struct kpt_port *port, struct kpt_tree *tree, struct kpt_gather *g)
{
	if (!port->ops->leaves)
		return;

	for (; g->counted; g->counted &= g->counted - 1) {
		int level = __ffs(g->counted);

		port->ops->leaves(tree, level, g->leaves[level]);
	}
}

/* Not meaningful while a bbm batch has entries. */
static __always_inline bool kpt_gather_is_empty(const struct kpt_gather *g)
{
	return !(g->flush.scope & KPT_FLUSH_NOW || g->counted || g->tables);
}

/*
 * Do the flush unless it is deferred, publish the entries of the bbm batch, reclaim the
 * unlinked tables and account the leaf counts.  Use the out-of-line copy,
 * &kpt_port.flush_gather.
 */
static __always_inline void
kpt_gather_flush(const struct kpt_port *port, struct kpt_tree *tree, struct kpt_gather *g)
{
	if (g->flush.scope & KPT_FLUSH_NOW)
		kpt_flush_tlb(port, tree, &g->flush);
	kpt_bbm_publish(port, g);
	kpt_reclaim(port, tree, g);
	kpt_account(port, tree, g);
}

/**
 * kpt_gather_take_flush() - Batch the flush for unlinked tables over several operations
 * @g: gather; its tables are reclaimed when the operation ends
 *
 * Context: inside an RCU read-side section, which the caller must not leave before
 * it did the flush.  &kpt_ops.reclaim must wait for a grace period.
 * Return: the pending flush.
 */
static __always_inline struct kpt_flush __must_check kpt_gather_take_flush(struct kpt_gather *g)
{
	struct kpt_flush flush = g->flush;

	g->flush.scope = 0;
	flush.scope &= ~KPT_FLUSH_NOW;
	return flush;
}

#endif /* __KVM_PGTABLE_GATHER_H */
