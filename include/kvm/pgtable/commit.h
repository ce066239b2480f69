/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Change a single entry.  The class of the change selects how the entry is
 * written, which flush it needs, and which callbacks are called.
 */
#ifndef __KVM_PGTABLE_COMMIT_H
#define __KVM_PGTABLE_COMMIT_H

#include <kvm/pgtable/iter.h>

static __always_inline bool kpt_leaf_may_change(const struct kpt_port *port, kpt_pte_t leaf)
{
	if (port->format->is_volatile)
		return port->format->is_volatile(leaf);
	return kpt_volatile(port->format, leaf);
}

static __always_inline bool
kpt_may_change(const struct kpt_port *port, kpt_pte_t pte, int level)
{
	return kpt_is_leaf(port->format, pte, level) && kpt_leaf_may_change(port, pte);
}

/*
 * The lock is held exclusively, so only hardware and lockless faults change the
 * entry.  On return, it->pte is the final value, including their updates.
 */
static __always_inline void
kpt_replace_exclusive(struct kpt_iter *it, kpt_pte_t new, bool may_change)
{
	if (unlikely(may_change))
		it->pte = kpt_exchange(it->ptep, new);
	else
		kpt_store(it->ptep, new);
}

/*
 * Write @value if the entry still has the value it->pte.  With the lock held
 * exclusively this cannot race with other walkers.  But if @new, which is written
 * now or is published later, is derived from a volatile leaf, e.g. the table that
 * replaces a block, or a leaf with more permissions, the update must fail rather
 * than lose what hardware has set since the entry was read.
 */
static __always_inline bool
kpt_replace(const struct kpt_port *port, struct kpt_iter *it, kpt_pte_t value, kpt_pte_t new)
{
	bool may_change;

	if (kpt_is_shared(port, it))
		return !KPT_LOSE_RACE(it->tree) && kpt_try_exchange(it->ptep, &it->pte, value);

	may_change = kpt_may_change(port, it->pte, it->level);
	if (may_change && kpt_present(port->format, new))
		return kpt_try_exchange(it->ptep, &it->pte, value);

	kpt_replace_exclusive(it, value, may_change);
	return true;
}

/*
 * Freeze an entry of an unlinked table.  Another walker may have frozen it while
 * the table was still linked, and may be about to publish a value: wait for that
 * value, because a table that it links would leak otherwise.  Until the flush, a
 * CPU that uses its page-walk caches may still set the dirty bit of a leaf, so
 * exchange a volatile leaf even if the lock is held exclusively.
 */
static __always_inline kpt_pte_t
kpt_freeze(const struct kpt_port *port, struct kpt_iter *it, kpt_ptep_t ptep, int level)
{
	kpt_pte_t old;

	if (!kpt_is_shared(port, it)) {
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
kpt_changed_at(const struct kpt_port *port, struct kpt_tree *tree, kpt_ptep_t ptep, u64 ia,
	       int level, kpt_pte_t old, kpt_pte_t new)
{
	if (port->ops->changed)
		port->ops->changed(tree, ptep, ia, level, old, new);
	if (kpt_traced(port, kvm_pgtable_change))
		kpt_trace_change(tree, ia, level, old, new);
}

static __always_inline void
kpt_changed(const struct kpt_port *port, struct kpt_iter *it, kpt_pte_t new)
{
	kpt_changed_at(port, it->tree, it->ptep, it->ia, it->level, it->pte, new);
}

/* Count the present entries of a last-level table, which may be unlinked already. */
static __always_inline unsigned int
kpt_count_leaves(const struct kpt_format *fmt, const kpt_pte_t *table)
{
	unsigned int leaves = 0;

	for (unsigned int i = 0; i < kpt_entries(fmt); i++)
		leaves += kpt_present(fmt, kpt_read((kpt_ptep_t)(table + i)));
	return leaves;
}

/*
 * Entries of an unlinked last-level table need not be frozen, as no table can be
 * linked below them.  Counting the leaves is enough if there is no callback for
 * each leaf, and if the client accounts leaves that are added concurrently.
 */
static __always_inline bool
kpt_counts_leaves(const struct kpt_port *port, const struct kpt_iter *it, int level)
{
	return level == 0 && (!kpt_is_shared(port, it) || port->ops->recounts) &&
	       !kpt_is_external(port, it->tree) &&
	       !(port->ops->changed && it->tree->leaf_events) &&
	       !kpt_traced(port, kvm_pgtable_change);
}

/* Return the index of the first entry that has to be frozen. */
static __always_inline unsigned int
kpt_enter_unlinked(const struct kpt_port *port, struct kpt_iter *it, kpt_pte_t *table, int level)
{
	const struct kpt_ops *ops = port->ops;
	bool counts = kpt_counts_leaves(port, it, level);
	int leaves = -1;

	if (counts && ops->leaves) {
		leaves = kpt_count_leaves(port->format, table);
		kpt_count(port, &it->gather, level, -(long)leaves);
	}
	if (ops->unlinked)
		ops->unlinked(it->tree, table, level, kpt_is_shared(port, it) ? leaves : -1);
	return counts ? kpt_entries(port->format) : 0;
}

/* A removal continues if the external tables fail, so remember the first error. */
static __always_inline void
kpt_record_error(struct kpt_iter *it, u64 ia, int err)
{
	it->error = it->error ?: err;
	it->refused = ia;
}

/* A constant 0 for ports without external tables. */
static __always_inline int kpt_removal_error(const struct kpt_port *port, const struct kpt_iter *it)
{
	return port->ops->external_set ? it->error : 0;
}

static __always_inline void
kpt_remove_external(const struct kpt_port *port, struct kpt_iter *it, u64 ia, int level,
		    kpt_pte_t old)
{
	int err;

	if (!kpt_is_external(port, it->tree))
		return;

	err = port->ops->external_set(it->tree, ia, level, old, port->format->frozen);
	if (err)
		kpt_record_error(it, ia, err);
}

/*
 * Addresses only increase, so the last failed removal was within this table if
 * its address is not below @ia.  Such a table must not be freed externally.
 */
static __always_inline void
kpt_free_external(const struct kpt_port *port, struct kpt_iter *it, u64 ia, int level,
		  kpt_pte_t *table)
{
	if (kpt_is_external(port, it->tree) && (!it->error || it->refused < ia))
		kpt_remove_external(port, it, ia, level, port->ops->make_table(it->tree, table));
}

/*
 * Move an unlinked table, and recursively all tables below it, to the gather.  Use
 * the out-of-line copy, &kpt_port.detach.
 *
 * A shared operation freezes every entry, so that concurrent walkers cannot link
 * tables that would never be found again.  It does not freeze the entries of
 * last-level tables whose leaves are recounted, see &kpt_ops.recounts.
 */
static __always_inline void
kpt_detach(const struct kpt_port *port, struct kpt_iter *it, kpt_pte_t *table, u64 ia, int level)
{
	const struct kpt_format *fmt = port->format;
	unsigned int i = kpt_enter_unlinked(port, it, table, level);
	u64 start = ia, span = kpt_span(fmt, level);
	long leaves = 0;

	for (ia += i * span; i < kpt_entries(fmt); i++, ia += span) {
		kpt_ptep_t ptep = (kpt_ptep_t)(table + i);
		kpt_pte_t old = kpt_freeze(port, it, ptep, level);

		if (kpt_is_table(fmt, old, level)) {
			port->detach(it, kpt_raw(kpt_child_table(port, it->tree, old)), ia,
				     level - 1);
		} else if (kpt_present(fmt, old)) {
			leaves++;
			kpt_remove_external(port, it, ia, level, old);
			kpt_changed_at(port, it->tree, ptep, ia, level, old, fmt->frozen);
		}
	}
	kpt_count(port, &it->gather, level, -leaves);
	kpt_free_external(port, it, start, level + 1, table);
	kpt_gather_table(&it->gather, table);
}

/* The flush that is needed before the table is reclaimed is in the gather already. */
static __always_inline void
kpt_detach_subtree(const struct kpt_port *port, struct kpt_iter *it, kpt_pte_t *table,
		   u64 ia, int level)
{
	if (kpt_traced(port, kvm_pgtable_detach))
		kpt_trace_detach(it->tree, table, ia, level);
	if (!port->ops->free_subtree) {
		port->detach(it, table, ia, level);
		return;
	}

	if (kpt_traced(port, kvm_pgtable_reclaim))
		kpt_trace_reclaim(it->tree, table);
	if (port->ops->bare || it->tree->no_rcu)
		kpt_flush_tlb(port, it->tree, &it->gather.flush);
	port->ops->free_subtree(it->tree, table, level);
}

/* For KPT_SPLIT, kpt_link() counts the leaves of the new table. */
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

/*
 * Add the flush for @change to the gather; several calls extend one range.  Bit n of
 * @levels is set if entries at level n changed.
 */
static __always_inline void
kpt_need_flush_range(const struct kpt_port *port, struct kpt_iter *it, enum kpt_class change,
		     u64 start, u64 end, u8 levels)
{
	u8 scope = kpt_rule(port->format, change) & (KPT_FLUSH_LOCAL | KPT_FLUSH_BROADCAST);

	if (!scope || it->tree->no_flush)
		return;
	if (kpt_rule(port->format, KPT_MAP) && change == KPT_MAP && it->tree->no_map_flush)
		return;

	if (change != KPT_TRACK)
		scope |= KPT_FLUSH_NOW;
	kpt_flush_extend(&it->gather.flush, start, end, scope, levels);
}

/* Add a flush of everything, for a caller that has one pending for other trees. */
static __always_inline void kpt_need_flush_all(struct kpt_iter *it)
{
	kpt_flush_extend(&it->gather.flush, 0, -1ull, KPT_FLUSH_BROADCAST | KPT_FLUSH_NOW, 0xff);
}

static __always_inline void
kpt_need_flush(const struct kpt_port *port, struct kpt_iter *it, enum kpt_class change)
{
	kpt_need_flush_range(port, it, change, it->ia, it->ia + kpt_span(port->format, it->level),
			     BIT(it->level));
}

static __always_inline void
kpt_finish_change(const struct kpt_port *port, struct kpt_iter *it, kpt_pte_t new,
		  enum kpt_class change)
{
	const struct kpt_format *fmt = port->format;

	kpt_need_flush(port, it, change);
	kpt_count(port, &it->gather, it->level, kpt_leaf_delta(fmt, change, new, it->level));
	if (change == KPT_DETACH || change == KPT_COLLAPSE) {
		kpt_look_next(port, it);
		kpt_detach_subtree(port, it, kpt_raw(kpt_child_table(port, it->tree, it->pte)),
				   it->ia, it->level - 1);
	}
	kpt_changed(port, it, new);
}

static __always_inline bool
kpt_needs_cmo(const struct kpt_port *port, struct kpt_iter *it, kpt_pte_t new)
{
	return port->ops->cmo && port->ops->cmo(it->tree, it->pte, new, it->level, false);
}

static __always_inline void
kpt_cmo(const struct kpt_port *port, struct kpt_iter *it, kpt_pte_t new)
{
	if (port->ops->cmo)
		port->ops->cmo(it->tree, it->pte, new, it->level, true);
}

static __always_inline bool
kpt_needs_break(const struct kpt_port *port, struct kpt_tree *tree, enum kpt_class change)
{
	return kpt_has_bbm(port->format) && kpt_rule(port->format, change) & KPT_BREAK &&
	       (change == KPT_REMAP || !tree->no_break);
}

static __always_inline bool
kpt_stays_valid(const struct kpt_port *port, const struct kpt_iter *it, enum kpt_class change)
{
	return kpt_present(port->format, it->pte) &&
	       !(kpt_rule(port->format, change) & KPT_BREAK);
}

/* Break-before-make and external updates take several steps, with the entry frozen. */
static __always_inline bool
kpt_needs_frozen(const struct kpt_port *port, struct kpt_tree *tree, enum kpt_class change)
{
	return kpt_is_external(port, tree) || kpt_needs_break(port, tree, change);
}

/*
 * If the external tables fail, keep the entry; but complete a removal, because
 * the memory is about to be reused.
 */
static __always_inline int
kpt_set_external(const struct kpt_port *port, struct kpt_iter *it, kpt_pte_t new,
		 enum kpt_class change)
{
	int err;

	/* Annotations are not mirrored, and kpt_free_external() handles tables. */
	if (change == KPT_DETACH || change == KPT_ANNOTATE)
		return 0;

	err = port->ops->external_set(it->tree, it->ia, it->level, it->pte, new);
	if (err && change == KPT_UNMAP) {
		kpt_record_error(it, it->ia, err);
		return 0;
	}
	/* -EAGAIN means that the entry changed.  It did not, so do not retry at once. */
	return err == -EAGAIN ? -EBUSY : err;
}

/*
 * Publish the value of a frozen entry after the flush.  In a bbm batch many entries
 * share one flush, and other walkers wait no longer than for that flush.
 */
static __always_inline void
kpt_publish(const struct kpt_port *port, struct kpt_iter *it, kpt_pte_t new)
{
	if (kpt_has_batch(port, &it->gather) && !kpt_needs_cmo(port, it, new)) {
		if (kpt_bbm_add(&it->gather, it->ptep, new))
			port->flush_gather(it);
		return;
	}

	port->flush_gather(it);
	kpt_cmo(port, it, new);
	kpt_store(it->ptep, new);
}

/*
 * Use the out-of-line copy, &kpt_port.commit.  @freeze forces break-before-make.
 *
 * A change that takes several steps freezes the entry first: then it is non-present
 * to hardware, other writers leave it alone, and nothing can be linked below it.
 * This is slow, so the iterator checks whether to yield before the next entry.
 */
static __always_inline int
kpt_commit_steps(const struct kpt_port *port, struct kpt_iter *it, kpt_pte_t new,
		 enum kpt_class change, bool freeze)
{
	bool external = kpt_is_external(port, it->tree);
	bool cmo = !freeze && kpt_needs_cmo(port, it, new);
	int err = 0;

	/* external_set() cannot replace a table by a block, nor undo that. */
	if (external && change == KPT_COLLAPSE)
		return -EINVAL;

	/* A leaf that stays valid is in use: do not let CPUs fault during maintenance. */
	freeze = freeze || kpt_needs_frozen(port, it->tree, change) ||
		 (cmo && !kpt_stays_valid(port, it, change));
	if (freeze || cmo)
		kpt_look_next(port, it);
	if (cmo && !freeze)
		kpt_cmo(port, it, new);

	if (!kpt_replace(port, it, freeze ? port->format->frozen : new, new))
		return -EAGAIN;

	if (external)
		err = kpt_set_external(port, it, new, change);
	if (!err)
		kpt_finish_change(port, it, new, change);
	if (external)
		kpt_store(it->ptep, err ? it->pte : new);
	else if (freeze)
		kpt_publish(port, it, new);
	return err;
}

/**
 * kpt_commit() - Change an entry, with a known class of change
 * @port: port
 * @it: iterator at the entry, it->pte as last read; on return, it->pte is the
 *	value that was replaced or, after -EAGAIN, the current value
 * @new: value to write
 * @change: class of the change, as of kpt_classify(); a compile-time constant
 *
 * The flush that the change needs is added to the gather of the operation.  If the
 * class is not constant, use &kpt_port.commit, which is out of line.
 *
 * Context: during an operation.
 * Return: 0; -EAGAIN if another walker changed the entry first or, if @new is
 * present, if hardware did; or the error of the external tables.  On error the
 * entry is not changed.  A removal succeeds even if the external tables fail; that
 * error is stored in it->error.
 */
static __always_inline int __must_check
kpt_commit(const struct kpt_port *port, struct kpt_iter *it,
	   kpt_pte_t new, enum kpt_class change)
{
	if (unlikely(kpt_needs_frozen(port, it->tree, change) ||
		     kpt_needs_cmo(port, it, new)))
		return port->commit(it, new, change, false);

	if (!kpt_replace(port, it, new, new))
		return -EAGAIN;

	kpt_finish_change(port, it, new, change);
	return 0;
}

/**
 * kpt_change() - Change an entry
 * @port: port
 * @it: iterator at the entry, see kpt_commit()
 * @new: value to write
 *
 * Context: see kpt_commit().
 * Return: see kpt_commit(); -EINVAL if the change is not allowed, in which case
 * nothing is written: @new is frozen, the format does not allow the address or
 * memory type of a leaf to change, or a table would replace another table.
 */
static __always_inline int __must_check
kpt_change(const struct kpt_port *port, struct kpt_iter *it, kpt_pte_t new)
{
	enum kpt_class change;

	if (kpt_frozen(port->format, it->pte))
		return -EAGAIN;

	change = kpt_classify(port->format, it->pte, new, it->level);
	if (kpt_rule(port->format, change) & KPT_REFUSED)
		return -EINVAL;
	/* The block may map other memory than the table, so ignore kpt_tree.no_break. */
	return port->commit(it, new, change, change == KPT_COLLAPSE &&
			    kpt_rule(port->format, change) & KPT_BREAK);
}

static __always_inline int __must_check
kpt_edit_in_place(const struct kpt_port *port, struct kpt_iter *it,
		  u64 clear, u64 set, enum kpt_class change)
{
	kpt_pte_t new = (it->pte & ~clear) | set;

	if (!kpt_is_shared(port, it) && !set && kpt_may_change(port, it->pte, it->level)) {
		it->pte = kpt_clear_bits(it->ptep, clear);
		new = it->pte & ~clear;
	} else if (!kpt_replace(port, it, new, new)) {
		return -EAGAIN;
	}
	kpt_changed(port, it, new);
	return 0;
}

/**
 * kpt_edit() - Clear and set bits of a leaf
 * @port: port
 * @it: iterator
 * @c: @it, or a copy of it in a hot loop; at the leaf, see kpt_commit()
 * @clear: bits to clear
 * @set: bits to set
 * @change: class of the change, which must not need break-before-make
 *
 * The caller has to add the flush with kpt_need_flush() or kpt_need_flush_range(),
 * so that a run of leaves needs only one call.
 *
 * With the lock held exclusively and @set being 0, the leaf is edited atomically:
 * unlike with kpt_commit(), concurrent updates of other bits by hardware or a
 * lockless fault neither get lost nor cause -EAGAIN.
 *
 * Context: see kpt_commit().
 * Return: see kpt_commit(); after -EAGAIN, read the leaf again.
 */
static __always_inline int __must_check
kpt_edit(const struct kpt_port *port, struct kpt_iter *it, struct kpt_iter *c,
	 u64 clear, u64 set, enum kpt_class change)
{
	int err;

	if (!kpt_is_external(port, it->tree))
		return kpt_edit_in_place(port, c, clear, set, change);

	kpt_resume(it, c);
	err = port->commit(it, (c->pte & ~clear) | set, change, false);
	/* The commit was slow and ends the batch. */
	c->stop = it->stop;
	return err;
}

/**
 * kpt_link() - Link an initialized table in place of a non-present entry or a block
 * @port: port
 * @it: iterator at the entry; on success, it->pte points to the table and the
 *	caller may descend with kpt_enter_table()
 * @table: table with all entries written; on success, the tree owns it, on error,
 *	the caller still does
 * @same: all entries of the table are equivalent to the entry; if false, it is empty
 *
 * Context: see kpt_commit().
 * Return: see kpt_commit().
 */
static __always_inline int __must_check
kpt_link(const struct kpt_port *port, struct kpt_iter *it, kpt_pte_t *table, bool same)
{
	kpt_pte_t new = port->ops->make_table(it->tree, table);
	bool split = kpt_present(port->format, it->pte);
	bool full = same && it->pte != port->format->empty;
	bool other = split && !same;
	int err;

	if (other && (kpt_is_external(port, it->tree) ||
		      !(kpt_rule(port->format, KPT_SPLIT) & KPT_BREAK)))
		return -EINVAL;

	err = port->commit(it, new, split ? KPT_SPLIT : KPT_MAP, other);
	if (err)
		return err;

	if (split && same)
		kpt_count(port, &it->gather, it->level - 1, kpt_entries(port->format));
	if (port->ops->linked)
		port->ops->linked(it->tree, table, it->level - 1, full);
	it->pte = new;
	return 0;
}

/* Initialize a table that is not linked yet to map the same memory as a block. */
static __always_inline void
kpt_fill_from_block(const struct kpt_port *port, struct kpt_tree *tree, kpt_pte_t *table,
		    kpt_pte_t block, int level)
{
	kpt_pte_t first = port->ops->first_small ?
			  port->ops->first_small(tree, block, level - 1) :
			  kpt_relevel(port->format, block, level - 1);

	kpt_fill(table, kpt_entries(port->format), first,
		 kpt_oa_bits(port->format, kpt_span(port->format, level - 1)));
}

#endif /* __KVM_PGTABLE_COMMIT_H */
