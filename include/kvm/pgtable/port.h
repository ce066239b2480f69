/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a client brings to the engine: its format, its surroundings, its trees.
 *
 * A port is a static const struct passed by address to every engine function;
 * its callbacks are known at compile time and fold away where they are not set.
 */
#ifndef __KVM_PGTABLE_PORT_H
#define __KVM_PGTABLE_PORT_H

#include <linux/bug.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>

#include <kvm/pgtable/exchange.h>

/**
 * struct kpt_tree - the page tables of one address space
 * @root:	the root table, or the first of several adjacent ones
 * @ia_base:	or'ed into an address before its indices are taken (TDX's shared bit);
 *		addresses at or above its lowest bit are out of range
 * @ia_bits:	addresses at or above 1 << @ia_bits are out of range, 63 bits at most
 * @top:	the level of the root's entries
 * @external:	the tables mirror others that only the client's hooks may change
 * @retired:	no CPU can load this root again without a full invalidation, so
 *		nothing that is removed from it owes one
 * @unprotected: tables are not freed while a walk is under way, by other means
 *		than RCU
 *
 * A client embeds it in a struct of its own, or builds it on its stack, and
 * finds that struct again by container_of() in the callbacks.
 */
struct kpt_tree {
	kpt_ptep_t root;
	u64 ia_base;
	u8 ia_bits;
	u8 top;
	bool external;
	bool retired;
	bool unprotected;
};

/**
 * struct kpt_debt - an invalidation that is owed; all 0 if none is
 * @start:	first input address that may be cached
 * @end:	first input address behind it
 * @owes:	&enum kpt_rule bits, 0 if nothing is owed
 * @levels:	bit n is set if an entry of level n is concerned
 */
struct kpt_debt {
	u64 start;
	u64 end;
	u8 owes;
	u8 levels;
};

struct kpt_gather;
struct kpt_port;
struct kpt_visit;
struct kpt_walk;

/**
 * struct kpt_env - the surroundings of a port
 * @table_va:	physical address of a table to its kernel address
 * @table_pa:	kernel address of a table to its physical address
 * @alloc:	a table to be linked at @parent, its entries all empty, or NULL
 * @free:	takes back a table from @alloc that was not linked
 * @table_link:	a word of a table's metadata that the engine may use between
 *		unlinking the table and reclaiming it
 * @attached:	a table was linked; for accounting
 * @detached:	a table is no longer reachable from its root, its entries still
 *		are what they were; for accounting
 * @reclaim:	frees an unlinked table; every invalidation that it needs has
 *		been paid.  Where walks run under RCU, after a grace period
 * @take_over:	takes an unlinked table with all below it, so that the engine neither
 *		looks into it nor reclaims it; NULL if the engine is to
 * @leaves:	the number of leaves of @level changed by @delta; NULL if nobody counts
 * @counted:	a table of last level was unlinked under a shared walk; this many leaves were
 *		counted and its entries left as they are, so that a walk that is in it may
 *		still add some.  The client sees to those by kpt_count_leaves() after the
 *		grace period.  Not called where the entries are frozen, as they all are if
 *		this is NULL: then what is counted is final
 * @changed:	an entry was changed, from the value in @v to @new; for accounting,
 *		checks and tracing
 * @emptied:	@nr leaves in adjacent entries of one table, or of the root's tables, were
 *		removed, from @first on; told instead of @changed by operations that remove
 *		many.  NULL: @changed hears of each
 * @hears:	false if @changed need not hear of the leaves of unlinked tables of last
 *		level; NULL: it is to hear of all
 * @invalidate:	pays a debt; returns when no CPU uses what it covers
 * @begin:	enters a walk (RCU), NULL if there is nothing to enter
 * @end:	leaves a walk
 * @want_yield:	the CPU or the lock is wanted by others
 * @yield:	drops and takes the lock; called outside of @begin and @end
 * @needs_break: false if this CPU changes between block and table without
 *		break-before-make, all else being the same; NULL: it needs what the
 *		format's rules say
 * @prepares:	true if memory must be made ready before @new replaces @old; NULL: never
 * @prepare:	does that work, before any CPU can use @new; an entry that was absent or
 *		is broken is frozen, so it is done once; a leaf that stays valid is not
 * @is_volatile: replaces kpt_volatile() where the client knows more
 * @aged:	a leaf as it is after ageing, replaces clearing the accessed bit
 * @make_table:	replaces kpt_table() where the client encodes more
 * @first_small: the first entry of the table of @level that replaces a block,
 *		replaces kpt_relevel() where the client decides more
 * @external_set: applies a change of an entry to the external tables.  If it fails
 *		(-EAGAIN counts as -EBUSY), an
 *		entry that was to be removed is removed from the tree all the same, and
 *		any other stays what it was
 * @external_free: frees the external counterpart of a table whose entries have
 *		all been removed from the external tables; not called if a removal failed
 *		there
 * @lose_race:	a test's wish that an exchange fails, never set by a client
 */
struct kpt_env {
	kpt_pte_t *(*table_va)(const struct kpt_tree *tree, u64 pa);
	u64 (*table_pa)(const struct kpt_tree *tree, kpt_pte_t *table);
	kpt_pte_t *(*alloc)(struct kpt_tree *tree, const struct kpt_visit *parent);
	void (*free)(struct kpt_tree *tree, kpt_pte_t *table);
	kpt_pte_t **(*table_link)(kpt_pte_t *table);
	void (*attached)(struct kpt_tree *tree, kpt_pte_t *table, int level);
	void (*detached)(struct kpt_tree *tree, kpt_pte_t *table, int level);
	void (*reclaim)(struct kpt_tree *tree, kpt_pte_t *table);
	void (*take_over)(const struct kpt_port *port, struct kpt_walk *w, kpt_pte_t *table,
			  int level);
	void (*leaves)(struct kpt_tree *tree, int level, long delta);
	void (*counted)(struct kpt_tree *tree, kpt_pte_t *table, unsigned int leaves);
	void (*changed)(struct kpt_tree *tree, const struct kpt_visit *v, kpt_pte_t new);
	void (*emptied)(struct kpt_tree *tree, kpt_pte_t *first, unsigned int nr);
	bool (*hears)(struct kpt_tree *tree);
	void (*invalidate)(struct kpt_tree *tree, const struct kpt_debt *debt);
	void (*begin)(struct kpt_tree *tree);
	void (*end)(struct kpt_tree *tree);
	bool (*want_yield)(struct kpt_tree *tree);
	void (*yield)(struct kpt_tree *tree, bool shared);
	bool (*needs_break)(struct kpt_tree *tree);
	bool (*prepares)(struct kpt_tree *tree, kpt_pte_t old, kpt_pte_t new, int level);
	void (*prepare)(struct kpt_tree *tree, kpt_pte_t old, kpt_pte_t new, int level);
	bool (*is_volatile)(kpt_pte_t pte);
	kpt_pte_t (*aged)(kpt_pte_t pte);
	kpt_pte_t (*make_table)(struct kpt_tree *tree, kpt_pte_t *table);
	kpt_pte_t (*first_small)(struct kpt_tree *tree, kpt_pte_t block, int level);
	int (*external_set)(struct kpt_tree *tree, u64 ia, int level,
			    kpt_pte_t old, kpt_pte_t new);
	void (*external_free)(struct kpt_tree *tree, kpt_pte_t *table);
	bool (*lose_race)(struct kpt_tree *tree);
};

/**
 * struct kpt_port - an architecture's use of the engine
 * @format:	descriptor
 * @env:	surroundings
 * @detach:	kpt_detach() for this port
 * @settle:	kpt_settle() for this port
 * @change_slowly: kpt_change_slowly() for this port
 *
 * DEFINE_KPT_PORT() defines one.  The functions are the port's out-of-line copies of
 * what the engine would otherwise inline into every operation.
 */
struct kpt_port {
	const struct kpt_format *format;
	const struct kpt_env *env;
	void (*detach)(struct kpt_walk *w, kpt_pte_t *table, u64 ia, int level);
	void (*settle)(struct kpt_tree *tree, struct kpt_gather *g);
	int (*change_slowly)(struct kpt_walk *w, struct kpt_visit *v, kpt_pte_t new,
			     enum kpt_class change);
};

/*
 * Whoever reads this tree's entries keeps its tables from being freed.  Objects
 * that run outside of the kernel (arm64's EL2) have neither RCU nor lockdep.
 */
static __always_inline void kpt_assert_reachable(const struct kpt_tree *tree)
{
#ifndef __DISABLE_EXPORTS
	RCU_LOCKDEP_WARN(!tree->unprotected && !rcu_read_lock_held(),
			 "page-table walk outside of RCU");
#endif
}

static __always_inline bool
kpt_is_external(const struct kpt_port *port, const struct kpt_tree *tree)
{
	return port->env->external_set && unlikely(tree->external);
}

/*
 * The first address beyond the tree: none of its addresses has a bit of the base.  A
 * tree of 64 bits, the end of which no range could name, has no address at all.
 */
static __always_inline u64 kpt_tree_end(const struct kpt_tree *tree)
{
	u64 end = BIT_ULL(tree->ia_bits % 64);

	return tree->ia_base ? min(end, tree->ia_base & -tree->ia_base) : end;
}

/* The root may be wider than other tables: what limits its index is the tree. */
static __always_inline kpt_ptep_t
kpt_root_entry(const struct kpt_format *fmt, const struct kpt_tree *tree, u64 ia)
{
	ia = (ia | tree->ia_base) & (BIT_ULL(tree->ia_bits) - 1);
	return tree->root + (ia >> kpt_shift(fmt, tree->top));
}

static __always_inline kpt_ptep_t
kpt_child_table(const struct kpt_port *port, const struct kpt_tree *tree, kpt_pte_t pte)
{
	return (kpt_ptep_t)port->env->table_va(tree, kpt_oa(port->format, pte));
}

static __always_inline kpt_pte_t
kpt_make_table(const struct kpt_port *port, struct kpt_tree *tree, kpt_pte_t *table)
{
	if (port->env->make_table)
		return port->env->make_table(tree, table);

	return kpt_table(port->format, port->env->table_pa(tree, table));
}

#endif /* __KVM_PGTABLE_PORT_H */
