/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interface between the engine and its clients: format, ops and trees.
 *
 * A port is a static const struct that is passed by address to every engine
 * function, so callbacks are direct calls and the compiler drops those that
 * are NULL.
 */
#ifndef __KVM_PGTABLE_PORT_H
#define __KVM_PGTABLE_PORT_H

#include <linux/bug.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>

#include <kvm/pgtable/exchange.h>

/**
 * struct kpt_tree - the page tables of one address space
 * @root:	root table, or the first of several adjacent ones
 * @ia_base:	address bits that are set for every lookup, e.g. TDX's shared bit;
 *		addresses at or above the lowest of these bits are out of range
 * @ia_bits:	size of the address space, 63 bits at most; addresses at or above
 *		1 << @ia_bits are out of range
 * @top:	level of the root's entries
 * @external:	the tables mirror external page tables, which are changed only by
 *		&kpt_ops.external_set
 * @no_flush:	no CPU can load this root again without a full flush, so changes of
 *		this tree need none
 * @no_rcu:	the client guarantees by other means than RCU that tables are not freed
 *		during an operation
 * @leaf_events: call &kpt_ops.changed for each leaf of an unlinked last-level table
 * @no_break:	this CPU does not need break-before-make to replace a block by a table
 *		or vice versa if nothing but the size of the mapping changes; overrides
 *		the rules of the format
 * @no_map_flush: this CPU does not need the flush that the format requires for KPT_MAP, e.g.
 *		because it has RISC-V's Svvptc
 *
 * Clients embed this in a struct of their own, possibly on the stack, and use
 * container_of() in the callbacks.
 */
struct kpt_tree {
	kpt_ptep_t root;
	u64 ia_base;
	u8 ia_bits;
	u8 top;
	bool external;
	bool no_flush;
	bool no_rcu;
	bool leaf_events;
	bool no_break;
	bool no_map_flush;
};

/**
 * struct kpt_flush - a pending TLB flush
 * @start:	first input address to flush
 * @end:	end of the range, exclusive
 * @scope:	&enum kpt_rule flush bits; if 0, no flush is pending and the other
 *		fields are undefined.  KPT_FLUSH_NOW is set only within a gather
 * @levels:	bit n is set if entries at level n changed
 */
struct kpt_flush {
	u64 start;
	u64 end;
	u8 scope;
	u8 levels;
};

struct kpt_iter;
struct kpt_port;

/**
 * struct kpt_ops - callbacks of a port
 * @table_va:	translate the physical address of a table to its kernel address
 * @make_table:	encode the entry that points to @table
 * @alloc:	allocate a table to be linked at @parent, with all entries empty; return
 *		NULL if there is none
 * @free:	free a table from @alloc that was never linked
 * @reclaim:	free an unlinked table; all flushes that it needs are done.  If walkers
 *		rely on RCU, defer the free to the end of a grace period
 * @flush:	flush TLBs; return when no CPU uses stale translations of the range
 *
 * These may be NULL:
 *
 * @want_yield:	return true if rescheduling is needed or the lock is contended; needed if there
 *		is @yield
 * @yield:	drop and reacquire the lock; called outside of the RCU read-side section
 * @linked:	account a table that was linked.  Other walkers may have changed its entries
 *		already; @full is set if all entries were written before it was linked, else
 *		the table was empty
 * @unlinked:	account a table that is no longer reachable from the root; called before
 *		its entries are changed.  @leaves is -1, or the leaf count of a last-level
 *		table whose entries are not frozen: a concurrent walker may still add
 *		leaves to it, and the client has to account those with
 *		kpt_count_leaves() after a grace period
 * @leaves:	account @delta leaves at @level
 * @changed:	called after each change of an entry, for accounting, checks and tracing
 * @first_small: encode the first entry, at @level, of the table that replaces @block; NULL
 *		to use kpt_relevel()
 * @cmo:	return true if cache maintenance is needed before @new replaces @old; if @now
 *		is set, also do it.  Called with @now before any CPU can use @new: with the
 *		entry frozen, i.e. once, if it was non-present or goes through
 *		break-before-make; not frozen, i.e. possibly several times, if a valid leaf
 *		stays valid
 * @free_subtree: free an unlinked table and everything below it; the engine then neither
 *		walks nor reclaims it.  Called after the flush if the tree is not under RCU;
 *		else the table has to outlive the RCU read-side section
 * @external_set: propagate a change to the external tables.  On failure (-EAGAIN is turned
 *		into -EBUSY) a removal is completed in the tree nevertheless, and any other
 *		change is reverted.  A table is freed externally after its entries, unless
 *		the removal of one of these failed
 *
 * @recounts:	@unlinked takes care of leaves that are added late; if false, all entries of
 *		a table that is unlinked by a shared operation are frozen
 * @bare:	the port runs without RCU, tracepoints and shared operations, as at arm64's EL2
 */
struct kpt_ops {
	kpt_pte_t *(*table_va)(const struct kpt_tree *tree, u64 pa);
	kpt_pte_t (*make_table)(struct kpt_tree *tree, kpt_pte_t *table);
	kpt_pte_t *(*alloc)(struct kpt_tree *tree, const struct kpt_iter *parent);
	void (*free)(struct kpt_tree *tree, kpt_pte_t *table);
	void (*reclaim)(struct kpt_tree *tree, kpt_pte_t *table);
	void (*flush)(struct kpt_tree *tree, const struct kpt_flush *flush);

	bool (*want_yield)(struct kpt_tree *tree);
	void (*yield)(struct kpt_tree *tree, bool shared);
	void (*linked)(struct kpt_tree *tree, kpt_pte_t *table, int level, bool full);
	void (*unlinked)(struct kpt_tree *tree, kpt_pte_t *table, int level, int leaves);
	void (*leaves)(struct kpt_tree *tree, int level, long delta);
	void (*changed)(struct kpt_tree *tree, kpt_ptep_t ptep, u64 ia, int level,
			kpt_pte_t old, kpt_pte_t new);
	kpt_pte_t (*first_small)(struct kpt_tree *tree, kpt_pte_t block, int level);
	bool (*cmo)(struct kpt_tree *tree, kpt_pte_t old, kpt_pte_t new, int level, bool now);
	void (*free_subtree)(struct kpt_tree *tree, kpt_pte_t *table, int level);
	int (*external_set)(struct kpt_tree *tree, u64 ia, int level,
			    kpt_pte_t old, kpt_pte_t new);
	bool recounts;
	bool bare;
};

/**
 * struct kpt_port - an instance of the engine
 * @format:	format of the entries
 * @ops:	callbacks
 * @find:	out-of-line kpt_find()
 * @next_table:	out-of-line kpt_next_table()
 * @walk:	out-of-line kpt_walk()
 * @remove:	out-of-line kpt_remove()
 * @clear_leaves: out-of-line kpt_clear_leaves()
 * @split_entry: out-of-line kpt_split_entry()
 * @edit_leaves: out-of-line kpt_edit_leaves()
 * @commit:	out-of-line kpt_commit(); if @freeze is set, freeze the entry and flush even
 *		if the format does not require break-before-make
 * @detach:	out-of-line kpt_detach()
 * @flush_gather: out-of-line kpt_gather_flush() for the gather of the iterator
 *
 * Use DEFINE_KPT_PORT() to define a port.  The functions are specialized for
 * the port once, instead of being inlined into every operation.
 */
struct kpt_port {
	const struct kpt_format *format;
	const struct kpt_ops *ops;
	void (*find)(struct kpt_iter *it, u64 ia, int floor);
	bool (*next_table)(struct kpt_iter *it);
	int (*walk)(struct kpt_iter *it, int floor, unsigned int what,
		    int (*visit)(struct kpt_iter *it, void *arg), void *arg);
	int (*remove)(struct kpt_iter *it, int level, unsigned int what);
	void (*clear_leaves)(struct kpt_iter *it);
	int (*split_entry)(struct kpt_iter *it, bool fill);
	int (*edit_leaves)(struct kpt_iter *it, int floor, unsigned int what,
			   u64 clear, u64 set, enum kpt_class change);
	int (*commit)(struct kpt_iter *it, kpt_pte_t new, enum kpt_class change, bool freeze);
	void (*detach)(struct kpt_iter *it, kpt_pte_t *table, u64 ia, int level);
	void (*flush_gather)(struct kpt_iter *it);
};

/* Without this protection, tables could be freed under the reader. */
static __always_inline void
kpt_assert_reachable(const struct kpt_port *port, const struct kpt_tree *tree)
{
	if (!port->ops->bare)
		RCU_LOCKDEP_WARN(!tree->no_rcu && !rcu_read_lock_held(),
				 "page-table walk outside of RCU");
}

#ifndef KPT_READ_LOCK
#define KPT_READ_LOCK(tree)	do { if (!(tree)->no_rcu) rcu_read_lock(); } while (0)
#define KPT_READ_UNLOCK(tree)	do { if (!(tree)->no_rcu) rcu_read_unlock(); } while (0)
#endif

static __always_inline void kpt_read_lock(const struct kpt_port *port, struct kpt_tree *tree)
{
	if (!port->ops->bare)
		KPT_READ_LOCK(tree);
}

static __always_inline void kpt_read_unlock(const struct kpt_port *port, struct kpt_tree *tree)
{
	if (!port->ops->bare)
		KPT_READ_UNLOCK(tree);
}

static __always_inline bool
kpt_is_external(const struct kpt_port *port, const struct kpt_tree *tree)
{
	return port->ops->external_set && unlikely(tree->external);
}

/*
 * Exclusive end of the tree: no valid address has a bit of ia_base set.  The end
 * of a 64-bit tree does not fit into a u64, so such a tree has no valid address.
 */
static __always_inline u64 kpt_tree_end(const struct kpt_tree *tree)
{
	u64 end = BIT_ULL(tree->ia_bits % 64);

	return tree->ia_base ? min(end, tree->ia_base & -tree->ia_base) : end;
}

/* The root may be wider than other tables, so ia_bits limits its index. */
static __always_inline kpt_ptep_t
kpt_root_entry(const struct kpt_format *fmt, const struct kpt_tree *tree, u64 ia)
{
	ia = (ia | tree->ia_base) & (BIT_ULL(tree->ia_bits) - 1);
	return tree->root + (ia >> kpt_shift(fmt, tree->top));
}

static __always_inline kpt_ptep_t
kpt_child_table(const struct kpt_port *port, const struct kpt_tree *tree, kpt_pte_t pte)
{
	return (kpt_ptep_t)port->ops->table_va(tree, kpt_oa(port->format, pte));
}

#endif /* __KVM_PGTABLE_PORT_H */
