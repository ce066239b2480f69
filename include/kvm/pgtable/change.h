/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One change of one entry, with all its consequences: the class of the change
 * decides how it is written, what invalidation it owes, and who is told.
 */
#ifndef __KVM_PGTABLE_CHANGE_H
#define __KVM_PGTABLE_CHANGE_H

#include <kvm/pgtable/walk.h>

static __always_inline bool kpt_leaf_may_change(const struct kpt_port *port, kpt_pte_t leaf)
{
	if (port->env->is_volatile)
		return port->env->is_volatile(leaf);
	return kpt_volatile(port->format, leaf);
}

static __always_inline bool
kpt_may_change(const struct kpt_port *port, kpt_pte_t pte, int level)
{
	return kpt_is_leaf(port->format, pte, level) && kpt_leaf_may_change(port, pte);
}

/* Nobody else replaces entries: v->pte becomes what hardware made of it until the end. */
static __always_inline void
kpt_replace_alone(struct kpt_visit *v, kpt_pte_t new, bool may_change)
{
	if (unlikely(may_change))
		v->pte = kpt_exchange(v->ptep, new);
	else
		kpt_store(v->ptep, new);
}

/*
 * Write @new if the entry still is what v->pte says.  An exclusive walk cannot
 * lose to another; only where @new was made of a leaf, as a block's table is, or a
 * leaf that allows more, it must not lose what hardware has set since.
 */
static __always_inline bool
kpt_replace(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v,
	    kpt_pte_t new, enum kpt_class change)
{
	bool may_change = kpt_may_change(port, v->pte, v->level);

	if (w->shared && port->env->lose_race && port->env->lose_race(w->tree))
		return false;

	if (w->shared || (may_change && kpt_present(port->format, new)))
		return kpt_try_exchange(v->ptep, &v->pte, new);

	kpt_replace_alone(v, new, may_change);
	return true;
}

/*
 * Take possession of an entry of a table that is unlinked already.  Somebody
 * may still be about to publish into an entry that it froze while the table was
 * linked: wait for that value, or what it links would never be found again.  And
 * until the flush, a CPU that has cached the way here may set dirty in a leaf.
 */
static __always_inline kpt_pte_t
kpt_take(const struct kpt_port *port, struct kpt_walk *w, kpt_ptep_t ptep, int level)
{
	kpt_pte_t old;

	if (!w->shared) {
		old = kpt_read(ptep);
		if (kpt_may_change(port, old, level))
			old = kpt_exchange(ptep, port->format->frozen);
		return old;
	}

	while (kpt_frozen(port->format, old = kpt_exchange(ptep, port->format->frozen)))
		cpu_relax();
	return old;
}

static __always_inline void
kpt_trace(struct kpt_walk *w, const struct kpt_visit *v, kpt_pte_t new)
{
	if (kpt_traced(kvm_pgtable_change))
		kpt_trace_change(w->tree, v->ia, v->level, v->pte, new);
}

static __always_inline void
kpt_tell(const struct kpt_port *port, struct kpt_walk *w, const struct kpt_visit *v,
	 kpt_pte_t new)
{
	if (port->env->changed)
		port->env->changed(w->tree, v, new);
	kpt_trace(w, v, new);
}

static __always_inline void
kpt_tell_detached(const struct kpt_port *port, struct kpt_walk *w, kpt_pte_t *ptep, u64 ia,
		  int level, kpt_pte_t old)
{
	struct kpt_visit v = {
		.ia = ia,
		.ptep = (kpt_ptep_t)ptep,
		.pte = old,
		.level = level,
	};

	kpt_tell(port, w, &v, port->format->frozen);
}

/**
 * kpt_count_leaves() - count the leaves of a table of last level
 * @fmt: format
 * @table: the table, linked or not
 *
 * Return: how many there are.
 */
static __always_inline unsigned int
kpt_count_leaves(const struct kpt_format *fmt, const kpt_pte_t *table)
{
	unsigned int leaves = 0;

	for (unsigned int i = 0; i < kpt_entries(fmt); i++)
		leaves += kpt_present(fmt, kpt_read((kpt_ptep_t)(table + i)));
	return leaves;
}

/*
 * No table can be linked below the last level.  Where nobody wants to hear of a leaf by
 * itself, its entries need not be taken; to those that others still add, the client sees.
 */
static __always_inline bool
kpt_only_counts(const struct kpt_port *port, const struct kpt_walk *w, int level)
{
	const struct kpt_env *env = port->env;

	return level == 0 && (!w->shared || env->counted) &&
	       !kpt_is_external(port, w->tree) &&
	       !(env->changed && (!env->hears || env->hears(w->tree))) &&
	       !kpt_traced(kvm_pgtable_change);
}

/* Returns the first entry that is to be looked at. */
static __always_inline unsigned int
kpt_enter_unlinked(const struct kpt_port *port, struct kpt_walk *w, kpt_pte_t *table, int level)
{
	const struct kpt_env *env = port->env;
	unsigned int leaves;

	env->detached(w->tree, table, level);
	if (!kpt_only_counts(port, w, level))
		return 0;

	if (env->leaves) {
		leaves = kpt_count_leaves(port->format, table);
		kpt_count(port, &w->gather, level, -(long)leaves);
		if (w->shared)
			env->counted(w->tree, table, leaves);
	}
	return kpt_entries(port->format);
}

/* What is removed here is gone, whatever the external tables say: the error is noted. */
static __always_inline void
kpt_note_refusal(struct kpt_walk *w, u64 ia, int err)
{
	w->error = w->error ?: err;
	w->refused = ia;
}

/* The first error of the external tables for what an operation removed. */
static __always_inline int kpt_removal_error(const struct kpt_port *port, const struct kpt_walk *w)
{
	return port->env->external_set ? w->error : 0;
}

static __always_inline void
kpt_remove_external(const struct kpt_port *port, struct kpt_walk *w, u64 ia, int level,
		    kpt_pte_t old)
{
	int err;

	if (!kpt_is_external(port, w->tree))
		return;

	err = port->env->external_set(w->tree, ia, level, old, port->format->frozen);
	if (err)
		kpt_note_refusal(w, ia, err);
}

/* Addresses rise: if something was refused at or above @ia, it is in the table at @ia. */
static __always_inline void
kpt_free_external(const struct kpt_port *port, struct kpt_walk *w, kpt_pte_t *table, u64 ia)
{
	if (!port->env->external_free || !kpt_is_external(port, w->tree))
		return;

	if (!w->error || w->refused < ia)
		port->env->external_free(w->tree, table);
}

/**
 * kpt_detach() - hand an unlinked table and all tables below it to the gather
 * @port: port
 * @w: the operation; under a shared walk every entry is frozen on the way, so
 *	that nothing can be linked any more where nobody would find it, but for
 *	those of last level whose leaves the client counts again
 * @table: the table; no entry refers to it any more
 * @ia: the first address that it translates
 * @level: the level of its entries
 *
 * Operations call the port's copy, &kpt_port.detach.
 */
static __always_inline void
kpt_detach(const struct kpt_port *port, struct kpt_walk *w, kpt_pte_t *table,
	   u64 ia, int level)
{
	const struct kpt_format *fmt = port->format;
	const struct kpt_env *env = port->env;
	kpt_pte_t *tables[KPT_MAX_LEVELS];
	unsigned int index[KPT_MAX_LEVELS];
	u64 span = kpt_span(fmt, level);
	int top = level;
	long leaves = 0;
	unsigned int i;

	if (kpt_traced(kvm_pgtable_detach))
		kpt_trace_detach(w->tree, table, ia, level);
	if (env->take_over) {
		if (kpt_traced(kvm_pgtable_reclaim))
			kpt_trace_reclaim(w->tree, table);
		env->take_over(port, w, table, level);
		return;
	}

	i = kpt_enter_unlinked(port, w, table, level);
	for (;;) {
		while (i < kpt_entries(fmt)) {
			kpt_pte_t old = kpt_take(port, w, (kpt_ptep_t)(table + i++), level);

			if (kpt_is_table(fmt, old, level)) {
				tables[level] = table;
				index[level] = i;
				kpt_count(port, &w->gather, level, -leaves);
				leaves = 0;
				level--;
				span >>= fmt->index_bits;
				table = (__force kpt_pte_t *)kpt_child_table(port, w->tree, old);
				i = kpt_enter_unlinked(port, w, table, level);
				ia += i * span;
				continue;
			}
			if (kpt_present(fmt, old)) {
				leaves++;
				kpt_remove_external(port, w, ia, level, old);
				kpt_tell_detached(port, w, table + i - 1, ia, level, old);
			}
			ia += span;
		}
		kpt_count(port, &w->gather, level, -leaves);
		leaves = 0;
		kpt_free_external(port, w, table, ia - (span << fmt->index_bits));
		kpt_gather_table(port, &w->gather, table);
		if (level == top)
			return;

		level++;
		span <<= fmt->index_bits;
		table = tables[level];
		i = index[level];
	}
}

/* By how much a change of this class changes the number of leaves of its level. */
static __always_inline long
kpt_leaf_delta(const struct kpt_format *fmt, enum kpt_class change, kpt_pte_t new, int level)
{
	switch (change) {
	case KPT_MAP:
		return kpt_is_leaf(fmt, new, level);
	case KPT_COLLAPSE:
		return 1;
	case KPT_UNMAP:
	case KPT_SPLIT:
		return -1;
	default:
		return 0;
	}
}

/* What only tracks writes may be paid later than all else. */
static __always_inline void
kpt_owe_range(const struct kpt_port *port, struct kpt_walk *w, enum kpt_class change,
	      u64 start, u64 end, u8 levels)
{
	u8 owes = kpt_rule(port->format, change) & (KPT_OWES_LOCAL | KPT_OWES_BROADCAST);
	struct kpt_debt debt = { start, end, owes, levels };

	if (!w->tree->retired)
		kpt_debt_add(change == KPT_TRACK ? &w->gather.tracked : &w->gather.debt, debt);
}

static __always_inline void
kpt_owe(const struct kpt_port *port, struct kpt_walk *w, enum kpt_class change,
	const struct kpt_visit *v)
{
	kpt_owe_range(port, w, change, v->ia, v->ia + kpt_span(port->format, v->level),
		      BIT(v->level));
}

/* What was true of the old value is no longer, and what is true of the new one is. */
static __always_inline void
kpt_conclude(const struct kpt_port *port, struct kpt_walk *w, const struct kpt_visit *v,
	     kpt_pte_t new, enum kpt_class change)
{
	const struct kpt_format *fmt = port->format;

	kpt_owe(port, w, change, v);
	kpt_count(port, &w->gather, v->level, kpt_leaf_delta(fmt, change, new, v->level));
	if (change == KPT_DETACH || change == KPT_COLLAPSE)
		port->detach(w, (__force kpt_pte_t *)kpt_child_table(port, w->tree, v->pte),
			     v->ia, v->level - 1);
	kpt_tell(port, w, v, new);
}

static __always_inline bool
kpt_prepares(const struct kpt_port *port, struct kpt_tree *tree, const struct kpt_visit *v,
	     kpt_pte_t new)
{
	return port->env->prepares && port->env->prepares(tree, v->pte, new, v->level);
}

/*
 * Break, invalidate, prepare, make: the entry is frozen meanwhile, so that a
 * walker finds nothing and a writer stays away.  Where the operation gathers what
 * it broke, many breaks share an invalidation, and nobody waits longer than for that.
 */
static __always_inline int
kpt_change_by_break(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v,
		    kpt_pte_t new, enum kpt_class change)
{
	if (!kpt_replace(port, w, v, port->format->frozen, change))
		return -EAGAIN;

	kpt_conclude(port, w, v, new, change);
	if (kpt_rule(port->format, KPT_COLLAPSE) & KPT_BREAK && w->gather.broken) {
		if (kpt_make_later(&w->gather, v->ptep, new))
			port->settle(w->tree, &w->gather);
		return 0;
	}

	port->settle(w->tree, &w->gather);
	if (kpt_prepares(port, w->tree, v, new))
		port->env->prepare(w->tree, v->pte, new, v->level);
	kpt_store(v->ptep, new);
	return 0;
}

static __always_inline int
kpt_change_at_once(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v,
		   kpt_pte_t new, enum kpt_class change)
{
	if (!kpt_replace(port, w, v, new, change))
		return -EAGAIN;

	kpt_conclude(port, w, v, new, change);
	return 0;
}

/*
 * The external tables follow while the entry is frozen: nobody links below it
 * before they know of it.  If they refuse, the entry is again what it was, but a
 * removal goes on: whoever asked for it is about to give the memory to others.
 */
static __always_inline int
kpt_change_external(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v,
		    kpt_pte_t new, enum kpt_class change)
{
	int err = 0;

	/* What took the table's place could not be told, nor taken back. */
	if (change == KPT_COLLAPSE)
		return -EINVAL;

	if (!kpt_replace(port, w, v, port->format->frozen, change))
		return -EAGAIN;

	/* They know nothing of annotations, and of a table only when it is freed. */
	if (change != KPT_DETACH && change != KPT_ANNOTATE)
		err = port->env->external_set(w->tree, v->ia, v->level, v->pte, new);
	/* Nobody was faster, so to try again at once would not help. */
	if (err == -EAGAIN)
		err = -EBUSY;
	if (err && change == KPT_UNMAP) {
		kpt_note_refusal(w, v->ia, err);
		err = 0;
	}
	if (!err)
		kpt_conclude(port, w, v, new, change);
	kpt_store(v->ptep, err ? v->pte : new);
	return err;
}

static __always_inline bool
kpt_needs_break(const struct kpt_port *port, struct kpt_tree *tree, enum kpt_class change)
{
	return kpt_rule(port->format, change) & KPT_BREAK &&
	       (change == KPT_REMAP || !port->env->needs_break || port->env->needs_break(tree));
}

/* External tables follow each change, and a break comes between: both take more than one step. */
static __always_inline bool
kpt_takes_steps(const struct kpt_port *port, struct kpt_tree *tree, enum kpt_class change)
{
	return kpt_is_external(port, tree) || kpt_needs_break(port, tree, change);
}

/**
 * kpt_change_slowly() - change an entry in more than one step
 * @port: port
 * @w: the operation
 * @v: the entry, as for kpt_commit()
 * @new: its new value
 * @change: what kpt_classify() would say
 *
 * Operations call the port's copy, &kpt_port.change_slowly.
 *
 * Return: as kpt_commit().
 */
static __always_inline int
kpt_change_slowly(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v,
		  kpt_pte_t new, enum kpt_class change)
{
	if (kpt_is_external(port, w->tree))
		return kpt_change_external(port, w, v, new, change);

	/* A leaf that stays valid is in use: no CPU faults while its memory is made ready. */
	if (port->env->prepare && kpt_present(port->format, v->pte) &&
	    !(kpt_rule(port->format, change) & KPT_BREAK)) {
		port->env->prepare(w->tree, v->pte, new, v->level);
		return kpt_change_at_once(port, w, v, new, change);
	}

	return kpt_change_by_break(port, w, v, new, change);
}

static __always_inline int __must_check
kpt_commit_slowly(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v,
		  kpt_pte_t new, enum kpt_class change)
{
	/* A copy, so that the walk's own stays in registers. */
	struct kpt_visit copy = *v;
	int err = port->change_slowly(w, &copy, new, change);

	*v = copy;
	return err;
}

/**
 * kpt_commit() - change an entry, the class of the change being known
 * @port: port
 * @w: the operation
 * @v: the entry, as last read; afterwards v->pte is the value that was replaced,
 *	or, after -EAGAIN, the value that was found
 * @new: its new value
 * @change: what kpt_classify() would say
 *
 * Return: 0; -EAGAIN if the entry was changed first, by another walker or, where the new
 * value is present, by hardware; or the error of the external tables.  If not 0, the entry is
 * not changed.  A removal is never refused; the error of the external tables is in w->error.
 */
static __always_inline int __must_check
kpt_commit(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v,
	   kpt_pte_t new, enum kpt_class change)
{
	if (unlikely(kpt_takes_steps(port, w->tree, change) ||
		     kpt_prepares(port, w->tree, v, new)))
		return kpt_commit_slowly(port, w, v, new, change);

	return kpt_change_at_once(port, w, v, new, change);
}

/**
 * kpt_change() - change an entry
 * @port: port
 * @w: the operation
 * @v: the entry, as for kpt_commit()
 * @new: its new value
 *
 * Return: as kpt_commit(); -EINVAL, and nothing is written, if no such change is
 * allowed: frozen as the new value, another address or memory type where the
 * format forbids it, a table for another table.
 */
static __always_inline int __must_check
kpt_change(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v, kpt_pte_t new)
{
	enum kpt_class change;

	if (kpt_frozen(port->format, v->pte))
		return -EAGAIN;

	change = kpt_classify(port->format, v->pte, new, v->level);
	if (kpt_rule(port->format, change) & KPT_REFUSED)
		return -EINVAL;
	/* The block need not map what the table's leaves do: break it on every CPU. */
	if (change == KPT_COLLAPSE && kpt_rule(port->format, change) & KPT_BREAK)
		return kpt_commit_slowly(port, w, v, new, change);
	return kpt_commit(port, w, v, new, change);
}

static __always_inline int __must_check
kpt_edit_in_place(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v,
		  u64 clear, u64 set, enum kpt_class change)
{
	kpt_pte_t new = (v->pte & ~clear) | set;

	if (!w->shared && !set && kpt_may_change(port, v->pte, v->level)) {
		v->pte = kpt_clear_bits(v->ptep, clear);
		new = v->pte & ~clear;
	} else if (!kpt_replace(port, w, v, new, change)) {
		return -EAGAIN;
	}
	kpt_tell(port, w, v, new);
	return 0;
}

/**
 * kpt_edit() - clear and set bits of a leaf, the debt being the caller's to note
 * @port: port
 * @w: the operation
 * @v: the entry, as for kpt_commit()
 * @clear: bits to clear
 * @set: bits to set
 * @change: what kpt_classify() would say: a class that never needs a break
 *
 * Unlike kpt_commit() under an exclusive walk, this keeps the other bits that
 * hardware or a lockless fault sets meanwhile, if there is nothing to set.
 *
 * Return: as kpt_commit().
 */
static __always_inline int __must_check
kpt_edit(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v,
	 u64 clear, u64 set, enum kpt_class change)
{
	if (kpt_is_external(port, w->tree))
		return kpt_commit(port, w, v, (v->pte & ~clear) | set, change);

	return kpt_edit_in_place(port, w, v, clear, set, change);
}

/**
 * kpt_link() - put a prepared table where there is nothing or a block
 * @port: port
 * @w: the operation
 * @v: the entry; afterwards v->pte refers to the table, and kpt_visit_child() may follow
 * @table: the table, its entries written; the tree's if the call succeeds, still
 *	the caller's if not
 *
 * Return: as kpt_commit().
 */
static __always_inline int __must_check
kpt_link(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v, kpt_pte_t *table)
{
	kpt_pte_t new = kpt_make_table(port, w->tree, table);
	bool split = kpt_present(port->format, v->pte);
	int err = kpt_commit(port, w, v, new, split ? KPT_SPLIT : KPT_MAP);

	if (err)
		return err;

	if (split)
		kpt_count(port, &w->gather, v->level - 1, kpt_entries(port->format));
	port->env->attached(w->tree, table, v->level - 1);
	v->pte = new;
	return 0;
}

/**
 * kpt_fill_from_block() - write the entries that together map what a block maps
 * @port: port
 * @tree: tree
 * @table: the table to fill, not linked yet
 * @block: the block
 * @level: the block's level
 */
static __always_inline void
kpt_fill_from_block(const struct kpt_port *port, struct kpt_tree *tree, kpt_pte_t *table,
		    kpt_pte_t block, int level)
{
	kpt_pte_t first = port->env->first_small ?
			  port->env->first_small(tree, block, level - 1) :
			  kpt_relevel(port->format, block, level - 1);

	kpt_fill(table, kpt_entries(port->format), first,
		 kpt_oa_bits(port->format, kpt_span(port->format, level - 1)));
}

/**
 * DEFINE_KPT_PORT() - define a port, with its copies of what is not inlined everywhere
 * @_name: the &struct kpt_port is called this, and _port
 * @_format: descriptor
 * @_env: surroundings
 */
#define DEFINE_KPT_PORT(_name, _format, _env)						\
static void _name##_port_detach(struct kpt_walk *w, kpt_pte_t *table, u64 ia, int level);	\
static void _name##_port_settle(struct kpt_tree *tree, struct kpt_gather *g);		\
static int _name##_port_change_slowly(struct kpt_walk *w, struct kpt_visit *v,		\
				      kpt_pte_t new, enum kpt_class change);		\
											\
static const struct kpt_port _name##_port = {						\
	.format		= &(_format),							\
	.env		= &(_env),							\
	.detach		= _name##_port_detach,						\
	.settle		= _name##_port_settle,						\
	.change_slowly	= _name##_port_change_slowly,					\
};											\
											\
static noinline void									\
_name##_port_detach(struct kpt_walk *w, kpt_pte_t *table, u64 ia, int level)		\
{											\
	kpt_detach(&_name##_port, w, table, ia, level);					\
}											\
											\
static noinline void _name##_port_settle(struct kpt_tree *tree, struct kpt_gather *g)	\
{											\
	kpt_settle(&_name##_port, tree, g);						\
}											\
											\
static noinline int __maybe_unused							\
_name##_port_change_slowly(struct kpt_walk *w, struct kpt_visit *v, kpt_pte_t new,	\
			   enum kpt_class change)					\
{											\
	return kpt_change_slowly(&_name##_port, w, v, new, change);			\
}

#endif /* __KVM_PGTABLE_CHANGE_H */
