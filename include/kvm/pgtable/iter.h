/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The iterator: find one entry, or iterate over a range one table at a time.
 *
 * An operation is a loop over batches, and in each batch over entries of one table:
 *
 *	kpt_iterate(it, floor, flags);
 *	while (port->next_table(it)) {
 *		struct kpt_iter c = *it;
 *
 *		for (; kpt_at_leaf(port, &c); kpt_next(port, &c))
 *			...
 *		kpt_resume(it, &c);
 *	}
 *
 * The inner loop is inlined into the operation.  Everything that happens at most
 * once per table is out of line in &kpt_port.next_table: ascend, descend, yield,
 * and wait for frozen entries.  Rules for inner loops:
 *
 * - All entries of a batch have the same level, it->level.  Above level 0, an entry
 *   may begin before it->start and end after it->end.
 * - The loop must not go beyond it->stop.
 * - kpt_at() reads the current entry again.  To retry after -EAGAIN, just call it.
 * - A hot loop works on a copy of the iterator.  Its address is passed only to inline
 *   functions, so the compiler keeps the copy in registers.
 * - What is out of line, e.g. &kpt_port.commit, works on the iterator itself.  It
 *   may shorten it->stop, so that the walk yields after a slow change.
 * - it->start advances when the lock is dropped and when the walk waits.  Save it
 *   if the start of the range is needed.
 * - kpt_commit() adds the flush that a change needs to the gather.  kpt_edit() leaves
 *   that to the caller, who calls kpt_need_flush_range() once per batch.
 */
#ifndef __KVM_PGTABLE_ITER_H
#define __KVM_PGTABLE_ITER_H

#include <linux/errno.h>
#include <linux/processor.h>

#include <kvm/pgtable/gather.h>

/**
 * enum kpt_what - entries to stop at, and other iterator flags
 * @KPT_LEAVES:	stop at leaves
 * @KPT_TABLES:	stop at tables, before their entries
 * @KPT_POST:	stop at tables, after their entries
 * @KPT_EMPTY:	stop at empty entries
 * @KPT_NOTES:	stop at annotations
 * @KPT_ABSENT:	stop at all non-present entries except frozen ones
 * @KPT_FROZEN:	stop at frozen entries; without it, a shared operation waits until
 *		other walkers publish them.  An exclusive operation finds none
 * @KPT_ENTRIES: stop at everything except tables
 * @KPT_YIELDS:	allow the lock to be dropped between batches
 */
enum kpt_what {
	KPT_LEAVES	= BIT(0),
	KPT_TABLES	= BIT(1),
	KPT_POST	= BIT(2),
	KPT_EMPTY	= BIT(3),
	KPT_NOTES	= BIT(4),
	KPT_ABSENT	= KPT_EMPTY | KPT_NOTES,
	KPT_FROZEN	= BIT(5),
	KPT_ENTRIES	= KPT_LEAVES | KPT_ABSENT | KPT_FROZEN,
	KPT_YIELDS	= BIT(6),
};

/**
 * struct kpt_iter - state of an operation on a range of a tree
 * @tree:	tree
 * @start:	start of the range that is left; advances when the lock is dropped, and
 *		when the walk waits for a frozen entry
 * @end:	end of the range, exclusive
 * @ia:		first input address mapped by the current entry; less than @start if a
 *		block or table begins before the range
 * @table_end:	end of the part of the range that the current table maps, exclusive
 * @stop:	end of the entries that the inner loop may handle before it has to call
 *		&kpt_port.next_table again, exclusive
 * @span:	bytes mapped by an entry at @level, cached for kpt_next()
 * @ptep:	pointer to the current entry; NULL to restart at the root
 * @pte:	value of the current entry when it was last read
 * @level:	level of the current entry
 * @floor:	lowest level to descend to
 * @what:	&enum kpt_what; &kpt_port.next_table uses only KPT_TABLES, KPT_POST,
 *		KPT_FROZEN and KPT_YIELDS
 * @post:	the current entry is a table whose entries are done
 * @shared:	concurrent writers are possible
 * @yielded:	@start is where the operation began or the lock was last dropped; the lock is
 *		not dropped again before the operation advances or waits
 * @error:	first error of the external tables during a removal, which continues
 * @refused:	address of the last entry that the external tables failed to remove
 * @path:	pointers to the entries above the current one, by level less 1
 * @gather:	pending flushes and unlinked tables
 */
struct kpt_iter {
	struct kpt_tree *tree;
	u64 start;
	u64 end;
	u64 ia;
	u64 table_end;
	u64 stop;
	u64 span;
	kpt_ptep_t ptep;
	kpt_pte_t pte;
	s8 level;
	s8 floor;
	u8 what;
	bool post;
	bool shared;
	bool yielded;
	int error;
	u64 refused;
	kpt_ptep_t path[KPT_MAX_LEVELS - 1];
	struct kpt_gather gather;
};

/* Find one entry */

static __always_inline void
kpt_enter_root(const struct kpt_port *port, struct kpt_iter *it, u64 ia)
{
	kpt_assert_folded(port->format);
	kpt_assert_reachable(port, it->tree);
	it->level = it->tree->top;
	it->post = false;
	it->ia = ALIGN_DOWN(ia, kpt_span(port->format, it->level));
	it->ptep = kpt_root_entry(port->format, it->tree, ia);
	it->pte = kpt_read(it->ptep);
}

/**
 * kpt_enter_table() - Descend to the table that it->pte points to
 * @port: port
 * @it: iterator
 * @ia: input address that selects the entry in that table
 */
static __always_inline void
kpt_enter_table(const struct kpt_port *port, struct kpt_iter *it, u64 ia)
{
	kpt_ptep_t table = kpt_child_table(port, it->tree, it->pte);

	it->level--;
	it->ia = ALIGN_DOWN(ia, kpt_span(port->format, it->level));
	it->ptep = table + kpt_index(port->format, ia | it->tree->ia_base, it->level);
	it->pte = kpt_read(it->ptep);
}

/**
 * kpt_find() - Find the entry that maps an address
 * @port: port
 * @it: iterator, only &kpt_iter.tree has to be set; on return, the current entry is
 *	a leaf, non-present, or at level @floor
 * @ia: input address, less than kpt_tree_end()
 * @floor: lowest level to descend to
 *
 * &kpt_port.find is an out-of-line copy.
 *
 * Context: during an operation, or under the RCU read lock.
 */
static __always_inline void
kpt_find(const struct kpt_port *port, struct kpt_iter *it, u64 ia, int floor)
{
	kpt_enter_root(port, it, ia);
	while (it->level > floor && kpt_is_table(port->format, it->pte, it->level))
		kpt_enter_table(port, it, ia);
}

/* Are concurrent writers possible?  A constant false for bare ports. */
static __always_inline bool
kpt_is_shared(const struct kpt_port *port, const struct kpt_iter *it)
{
	return !port->ops->bare && it->shared;
}

static __always_inline bool
kpt_must_wait(const struct kpt_port *port, const struct kpt_iter *it)
{
	return kpt_is_shared(port, it) && kpt_frozen(port->format, it->pte);
}

/* Begin and end an operation */

/**
 * kpt_begin() - Begin an operation on a range
 * @port: port
 * @it: iterator, usually on the caller's stack; initialized here
 * @tree: tree
 * @start: start of the range, page aligned
 * @end: end of the range, exclusive, page aligned
 * @shared: false if the lock is held for write; true if concurrent writers are
 *	possible, i.e. it is held for read or not at all
 *
 * Context: the client's lock is held as @shared says.  On success, the caller is
 * in an RCU read-side section, if the port uses RCU, and must call kpt_end() or
 * kpt_end_noflush().
 * Return: 0, or -EINVAL if the range is empty, unaligned or not within the tree, or
 * if @shared is set for a bare port.
 */
static __always_inline int __must_check
kpt_begin(const struct kpt_port *port, struct kpt_iter *it, struct kpt_tree *tree,
	  u64 start, u64 end, bool shared)
{
	kpt_assert_folded(port->format);

	if (port->ops->bare && shared)
		return -EINVAL;
	if (start >= end || end > kpt_tree_end(tree) ||
	    (start | end) & (kpt_span(port->format, 0) - 1))
		return -EINVAL;

	kpt_gather_begin(&it->gather);
	it->tree = tree;
	it->start = start;
	it->end = end;
	it->yielded = true;
	it->ia = start;
	it->shared = shared;
	it->error = 0;
	kpt_read_lock(port, tree);
	return 0;
}

/* Many operations change nothing: skip the call for an empty gather. */
static __always_inline void kpt_leave(const struct kpt_port *port, struct kpt_iter *it)
{
	if (!kpt_gather_is_empty(&it->gather))
		port->flush_gather(it);
	kpt_read_unlock(port, it->tree);
}

/**
 * kpt_end_noflush() - End an operation and return the pending flush
 * @port: port
 * @it: iterator
 *
 * If tables were unlinked, or &kpt_ops.free_subtree may have freed some, the flush
 * is done here, unless it is deferred.
 *
 * Context: before the client's lock is dropped.
 * Return: the pending flush, which the caller has to pass to kpt_flush_tlb(): after
 * removing permissions or mappings, before dropping the lock; after removing
 * only what tracks writes (KPT_TRACK), before user space sees the dirty log.
 */
static __always_inline struct kpt_flush __must_check
kpt_end_noflush(const struct kpt_port *port, struct kpt_iter *it)
{
	if (!it->gather.tables && !port->ops->free_subtree)
		it->gather.flush.scope &= ~KPT_FLUSH_NOW;
	kpt_leave(port, it);
	return it->gather.flush;
}

/**
 * kpt_end() - End an operation and do all pending flushes
 * @port: port
 * @it: iterator
 *
 * Context: before the client's lock is dropped.
 */
static __always_inline void kpt_end(const struct kpt_port *port, struct kpt_iter *it)
{
	if (it->gather.flush.scope)
		it->gather.flush.scope |= KPT_FLUSH_NOW;
	kpt_leave(port, it);
}

/**
 * kpt_done() - Get the progress of an operation that stopped early
 * @it: iterator
 *
 * Return: the first address that is not done.
 */
static __always_inline u64 kpt_done(const struct kpt_iter *it)
{
	return max(it->start, it->ia);
}

/* Iterate over a range */

/**
 * kpt_next() - Go to the next entry of the table, but not beyond it->stop
 * @port: port
 * @it: iterator
 */
static __always_inline void kpt_next(const struct kpt_port *port, struct kpt_iter *it)
{
	it->ia += it->span;
	it->ptep++;
}

/**
 * kpt_at() - Advance to the next matching entry of the current table
 * @port: port
 * @it: iterator; it->pte is the value of the entry that was found
 * @what: &enum kpt_what entries to stop at, a compile-time constant; 0 to stop only
 *	where the iterator has to descend or to wait
 *
 * The current entry is read again and may match.  Use kpt_next() to skip it.
 *
 * Return: true if it->ptep points to a matching entry; false if the caller has to
 * call &kpt_port.next_table.
 */
static __always_inline bool
kpt_at(const struct kpt_port *port, struct kpt_iter *it, unsigned int what)
{
	const struct kpt_format *fmt = port->format;

	for (; it->ia < it->stop; kpt_next(port, it)) {
		it->pte = kpt_read(it->ptep);
		if (!kpt_present(fmt, it->pte)) {
			if (what & KPT_ABSENT && it->pte == fmt->empty) {
				if (what & KPT_EMPTY)
					return true;
				continue;
			}
			if (what & KPT_FROZEN && kpt_frozen(fmt, it->pte))
				return true;
			if (what & KPT_NOTES && !kpt_frozen(fmt, it->pte))
				return true;
			if (!(what & KPT_FROZEN) && kpt_must_wait(port, it))
				return false;
		} else if (kpt_is_leaf(fmt, it->pte, it->level)) {
			if (what & KPT_LEAVES)
				return true;
		} else if (what & KPT_TABLES) {
			return true;
		} else if (it->level > it->floor) {
			return false;
		}
	}
	return false;
}

/* Continue where the loop over a copy of the iterator stopped. */
static __always_inline void kpt_resume(struct kpt_iter *it, const struct kpt_iter *copy)
{
	it->ia = copy->ia;
	it->ptep = copy->ptep;
	it->pte = copy->pte;
}

static __always_inline bool kpt_at_leaf(const struct kpt_port *port, struct kpt_iter *it)
{
	return kpt_at(port, it, KPT_LEAVES);
}

/**
 * kpt_iterate() - Start to iterate over the range of an operation
 * @it: iterator, after kpt_begin()
 * @floor: lowest level to descend to
 * @what: &enum kpt_what flags for &kpt_port.next_table
 */
static __always_inline void kpt_iterate(struct kpt_iter *it, int floor, unsigned int what)
{
	it->ptep = NULL;
	it->floor = floor;
	it->what = what;
}

/*
 * Do the flush unless it is deferred, and drop the lock, but not twice without
 * advancing or waiting in between.  After true, everything read from the tree is stale:
 * restart at the root.
 */
static __always_inline bool kpt_try_yield(const struct kpt_port *port, struct kpt_iter *it)
{
	u64 at = kpt_done(it);

	if (!port->ops->yield || (it->yielded && at == it->start) ||
	    !port->ops->want_yield(it->tree))
		return false;

	port->flush_gather(it);
	kpt_read_unlock(port, it->tree);
	if (kpt_traced(port, kvm_pgtable_yield))
		kpt_trace_yield(it->tree, at, it->shared);
	port->ops->yield(it->tree, it->shared);
	kpt_read_lock(port, it->tree);
	it->start = at;
	it->yielded = true;
	return true;
}

/*
 * Another walker is about to publish this entry, or has unlinked its table, so
 * restart at the root.  Publish the own bbm batch first: two walkers that wait
 * with frozen entries of their own could deadlock.
 */
static __always_inline void kpt_wait(const struct kpt_port *port, struct kpt_iter *it)
{
	if (kpt_has_batch(port, &it->gather))
		port->flush_gather(it);
	it->start = kpt_done(it);
	it->yielded = false;
	cpu_relax();
}

/* The root may be wider than other tables, so its end is not aligned to a span. */
static __always_inline u64 kpt_table_end(const struct kpt_port *port, const struct kpt_iter *it)
{
	u64 span;

	if (it->level == it->tree->top)
		return it->end;

	span = kpt_span(port->format, it->level + 1);
	return min(it->end, ALIGN_DOWN(it->ia, span) + span);
}

/* Entries above level 0 to handle between two checks whether to yield. */
#define KPT_LOOK_EVERY	32

static __always_inline u64 kpt_next_look(const struct kpt_port *port, const struct kpt_iter *it)
{
	u64 span = KPT_LOOK_EVERY * kpt_span(port->format, it->level);

	/* Without yields, and at level 0, the table is one batch. */
	if (!port->ops->yield || !it->level || !(it->what & KPT_YIELDS))
		return it->table_end;
	return min(it->table_end, ALIGN_DOWN(it->ia, span) + span);
}

/* Make the current entry a batch of its own, e.g. to yield after a slow change. */
static __always_inline void kpt_look_next(const struct kpt_port *port, struct kpt_iter *it)
{
	it->span = kpt_span(port->format, it->level);
	it->stop = it->ia + it->span;
}

/* Return true if KPT_POST is set and the entry still points to a table. */
static __always_inline bool kpt_climb(const struct kpt_port *port, struct kpt_iter *it)
{
	it->level++;
	it->span = kpt_span(port->format, it->level);
	it->ia = ALIGN_DOWN(it->ia - 1, it->span);
	it->ptep = it->path[it->level - 1];
	it->table_end = kpt_table_end(port, it);
	if (!(it->what & KPT_POST))
		return false;

	it->pte = kpt_read(it->ptep);
	it->post = kpt_is_table(port->format, it->pte, it->level);
	it->stop = it->ia + it->span;
	return it->post;
}

/**
 * kpt_next_table() - Advance to the next batch of entries of the range
 * @port: port
 * @it: iterator, after kpt_iterate()
 *
 * If the current entry is before it->stop, descend into it if it is a table,
 * wait for it if it is frozen, or else stay there so that the caller reads it again.
 * Otherwise go on with the next table of the range.
 *
 * The lock is dropped only here, and only with KPT_YIELDS: before a table, before
 * every 32nd entry above level 0, and after a slow change.  With KPT_POST, a
 * table whose entries are done is returned as a batch of its own, with it->post set.
 *
 * Use the out-of-line copy, &kpt_port.next_table.
 *
 * Return: false if the range is done.
 */
static __always_inline bool kpt_next_table(const struct kpt_port *port, struct kpt_iter *it)
{
	const struct kpt_format *fmt = port->format;
	bool descend = false;

	if (!it->ptep)
		goto restart;

	if (it->post) {
		it->post = false;
		if (it->ia < it->stop)
			kpt_next(port, it);
	} else if (it->ia < it->stop) {
		it->pte = kpt_read(it->ptep);
		if (!(it->what & KPT_FROZEN) && kpt_must_wait(port, it)) {
			kpt_wait(port, it);
			goto restart;
		}
		descend = true;
	}
	while (it->ia >= it->table_end) {
		if (it->level == it->tree->top || (it->ia >= it->end && !(it->what & KPT_POST)))
			return false;
		if (kpt_climb(port, it))
			return true;
		kpt_next(port, it);
	}
look:
	if (it->what & KPT_YIELDS && kpt_try_yield(port, it))
		goto restart;
	it->pte = kpt_read(it->ptep);
	while ((descend || !(it->what & KPT_TABLES)) && it->level > it->floor &&
	       kpt_is_table(fmt, it->pte, it->level)) {
		it->path[it->level - 1] = it->ptep;
		kpt_enter_table(port, it, max(it->start, it->ia));
		it->table_end = kpt_table_end(port, it);
		descend = false;
	}
	it->span = kpt_span(fmt, it->level);
	it->stop = kpt_next_look(port, it);
	return true;
restart:
	if (it->floor > it->tree->top)
		return false;
	kpt_enter_root(port, it, it->start);
	it->table_end = it->end;
	goto look;
}

typedef int (*kpt_visitor_t)(struct kpt_iter *it, void *arg);

/* Return value of a visitor that ends the walk without an error. */
#define KPT_STOP	1

/**
 * kpt_walk() - Call a visitor for the entries of a range, in address order
 * @port: port
 * @it: iterator, after kpt_begin()
 * @floor: lowest level to descend to
 * @what: &enum kpt_what entries to visit, and flags
 * @visit: visitor; a return value other than 0 ends the walk
 * @arg: argument for @visit
 *
 * For cold paths, and for callers in other files.  If an entry above @floor is a
 * table after it was visited, the walk descends into that table.
 *
 * Use the out-of-line copy, &kpt_port.walk.
 *
 * Return: 0, or the non-zero return value of @visit.
 */
static __always_inline int
kpt_walk(const struct kpt_port *port, struct kpt_iter *it, int floor, unsigned int what,
	 kpt_visitor_t visit, void *arg)
{
	const struct kpt_format *fmt = port->format;
	unsigned int kind;
	int err;

	kpt_iterate(it, floor, what);
	while (port->next_table(it)) {
		while (kpt_at(port, it, KPT_ENTRIES | KPT_TABLES)) {
			if (it->pte == fmt->empty)
				kind = KPT_EMPTY;
			else if (!kpt_present(fmt, it->pte))
				kind = kpt_frozen(fmt, it->pte) ? KPT_FROZEN : KPT_NOTES;
			else if (kpt_is_leaf(fmt, it->pte, it->level))
				kind = KPT_LEAVES;
			else
				kind = it->post ? KPT_POST : KPT_TABLES;
			if (kind == KPT_FROZEN && !(what & KPT_FROZEN) && kpt_is_shared(port, it))
				break;
			if (what & kind) {
				err = visit(it, arg);
				if (err)
					return err;
				it->pte = kpt_read(it->ptep);
			}
			if (it->post || (it->level > floor &&
					 kpt_is_table(fmt, it->pte, it->level)))
				break;
			kpt_next(port, it);
		}
	}
	return 0;
}

#endif /* __KVM_PGTABLE_ITER_H */
