/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Operations on a tree: map, unmap, protect, age, split, collapse, ...
 *
 * Each runs between kpt_begin() and kpt_end() or kpt_end_noflush(), on the range
 * passed to kpt_begin() and under the lock that its @shared stands for.  An
 * operation advances it->start, so it needs a kpt_begin() of its own.  "Flush
 * before ..." is for callers of kpt_end_noflush(); kpt_end() flushes itself.
 *
 * Invalid arguments are rejected with -EINVAL before anything is written, and a
 * change that the format does not allow before its entry is written.  If an
 * operation ends early, each entry is either unchanged or completely changed, and
 * kpt_done() returns the first address that is left.
 */
#ifndef __KVM_PGTABLE_OPS_H
#define __KVM_PGTABLE_OPS_H

#include <linux/bitops.h>

#include <kvm/pgtable/commit.h>

/* Lookup */

/**
 * kpt_lookup() - Read the entries of all levels for an address
 * @port: port
 * @tree: tree
 * @ia: input address
 * @ptes: array of KPT_MAX_LEVELS entries, indexed by level, to store the values in
 *
 * Context: any lock or none, but under the RCU read lock if the port uses RCU.
 * Return: the level of the last entry read, which may be non-present or frozen; or
 * -EINVAL, with @ptes not written, if @ia is not within the tree.
 */
static __always_inline int
kpt_lookup(const struct kpt_port *port, struct kpt_tree *tree, u64 ia, kpt_pte_t *ptes)
{
	struct kpt_iter it __uninitialized;

	if (ia >= kpt_tree_end(tree))
		return -EINVAL;

	it.tree = tree;
	kpt_enter_root(port, &it, ia);
	for (;;) {
		ptes[it.level] = it.pte;
		if (!kpt_is_table(port->format, it.pte, it.level))
			return it.level;
		kpt_enter_table(port, &it, ia);
	}
}

/**
 * kpt_first_leaf() - Find the first leaf below a table
 * @port: port
 * @tree: tree
 * @table: value of the entry that points to the table
 * @level: level of that entry
 * @leaf: on success, the level of the leaf
 *
 * Context: any lock or none, but under the RCU read lock if the port uses RCU.
 * Return: the value of the leaf, or &kpt_format.empty if there is none.
 */
static __always_inline kpt_pte_t
kpt_first_leaf(const struct kpt_port *port, const struct kpt_tree *tree, kpt_pte_t table,
	       int level, int *leaf)
{
	struct kpt_tree below = {
		.root = kpt_child_table(port, tree, table),
		.ia_bits = kpt_shift(port->format, level),
		.top = level - 1,
		.no_rcu = tree->no_rcu,
	};
	struct kpt_iter it __uninitialized;

	it.tree = &below;
	it.start = 0;
	it.end = kpt_span(port->format, level);
	it.shared = false;
	kpt_iterate(&it, 0, 0);
	while (port->next_table(&it)) {
		if (kpt_at_leaf(port, &it)) {
			*leaf = it.level;
			return it.pte;
		}
	}
	return port->format->empty;
}

/* Map and annotate */

/**
 * enum kpt_map_flags - How a range is mapped
 * @KPT_MAP_FAULT: fail with -EAGAIN if the same memory is mapped already, with any permissions
 *		and young or old: another CPU handled the same fault
 * @KPT_MAP_UNMAP_BLOCKS: unmap a block that is replaced in part, instead of splitting it
 * @KPT_MAP_SKIP_RACES: skip an entry that another walker changes concurrently
 */
enum kpt_map_flags {
	KPT_MAP_FAULT		= BIT(0),
	KPT_MAP_UNMAP_BLOCKS	= BIT(1),
	KPT_MAP_SKIP_RACES	= BIT(2),
};

/**
 * struct kpt_mapping - what to install in a range
 * @memory:	map contiguous memory; if false, write @annotation to every entry, and
 *		unmap leaves and tables
 * @flags:	&enum kpt_map_flags
 * @max_level:	highest level of the entries; a block must also fit the format and the
 *		alignment of the range and of @oa
 * @base:	input address that @oa is mapped at
 * @oa:		output address, page aligned
 * @attrs:	permissions, memory type and software bits, as encoded by
 *		&kpt_format.attrs
 * @annotation:	&kpt_format.empty, plus bits that hardware ignores in a non-present
 *		entry; just &kpt_format.empty removes annotations
 */
struct kpt_mapping {
	bool memory;
	u8 flags;
	int max_level;
	u64 base;
	u64 oa;
	union {
		u64 attrs;
		kpt_pte_t annotation;
	};
};

static __always_inline kpt_pte_t
kpt_mapping_pte(const struct kpt_format *fmt, const struct kpt_mapping *m, u64 ia, int level)
{
	if (!m->memory)
		return m->annotation;

	return kpt_leaf(fmt, m->oa + (ia - m->base), m->attrs, level);
}

/* Highest level of an entry that fits into the rest of the range. */
static __always_inline int
kpt_mapping_level(const struct kpt_format *fmt, const struct kpt_iter *it,
		  const struct kpt_mapping *m)
{
	u64 ia = it->start, span;
	int level;

	level = min_t(int, m->max_level, it->tree->top);
	for (; level > 0; level--) {
		span = kpt_span(fmt, level);
		if (!IS_ALIGNED(ia, span) || ia + span > it->end)
			continue;
		if (!m->memory ||
		    (kpt_block_level(fmt, level) && IS_ALIGNED(m->oa + (ia - m->base), span)))
			break;
	}
	return level;
}

/*
 * Replace an entry by a table; on success, it->pte points to the table.  With @fill,
 * the table is equivalent to the entry, else it is empty.  Return -ENOMEM if there is
 * no table, or see kpt_commit().  Use the out-of-line copy, &kpt_port.split_entry.
 */
static __always_inline int
kpt_split_entry(const struct kpt_port *port, struct kpt_iter *it, bool fill)
{
	const struct kpt_format *fmt = port->format;
	kpt_pte_t *table = port->ops->alloc(it->tree, it);
	int err;

	if (!table)
		return -ENOMEM;

	if (fill && kpt_present(fmt, it->pte))
		kpt_fill_from_block(port, it->tree, table, it->pte, it->level);
	else if (fill && it->pte != fmt->empty)
		kpt_fill(table, kpt_entries(fmt), it->pte, 0);

	err = kpt_link(port, it, table, fill);
	if (err)
		port->ops->free(it->tree, table);
	return err;
}

/* Exclusive only.  Fill up to the first entry that is not empty, or to @end. */
static __always_inline void
kpt_fill_range(const struct kpt_port *port, struct kpt_iter *it, const struct kpt_mapping *m,
	       u64 end)
{
	const struct kpt_format *fmt = port->format;
	struct kpt_iter c = *it;

	do {
		kpt_pte_t new = kpt_mapping_pte(fmt, m, c.ia, c.level);

		kpt_store(c.ptep, new);
		kpt_changed(port, &c, new);
		kpt_next(port, &c);
	} while (c.ia + c.span <= end && (c.pte = kpt_read(c.ptep)) == fmt->empty);

	kpt_need_flush_range(port, it, KPT_MAP, it->ia, c.ia, BIT(it->level));
	kpt_count(port, &it->gather, it->level, c.ptep - it->ptep);
	kpt_resume(it, &c);
}

/* Do not split a block if the format does not allow a leaf to be remapped anyway. */
static __always_inline bool
kpt_refuses_part(const struct kpt_format *fmt, const struct kpt_mapping *m,
		 const struct kpt_iter *it)
{
	enum kpt_class change;

	if (!(kpt_rule(fmt, KPT_REMAP) & KPT_REFUSED) || !m->memory ||
	    !kpt_present(fmt, it->pte))
		return false;

	change = kpt_classify(fmt, it->pte, kpt_mapping_pte(fmt, m, it->ia, it->level), it->level);
	return kpt_rule(fmt, change) & KPT_REFUSED;
}

/* The entry is completely within the range. */
static __always_inline int
kpt_install_entry(const struct kpt_port *port, struct kpt_iter *it, const struct kpt_mapping *m)
{
	const struct kpt_format *fmt = port->format;
	kpt_pte_t new = kpt_mapping_pte(fmt, m, it->ia, it->level);

	if (it->pte == fmt->empty && m->memory)
		return kpt_commit(port, it, new, KPT_MAP);
	if (kpt_is_leaf(fmt, it->pte, it->level)) {
		if (m->flags & KPT_MAP_FAULT && m->memory &&
		    !((it->pte ^ new) & ~(fmt->perm_mask | fmt->accessed)))
			return -EAGAIN;
		/* This CPU's TLB may hold an older value, non-present or read-only. */
		if (kpt_rule(fmt, KPT_RELAX) & KPT_FLUSH_LOCAL)
			kpt_need_flush(port, it, KPT_RELAX);
	}
	return new == it->pte ? 0 : kpt_change(port, it, new);
}

/*
 * Descend to the entry at @level, and link missing tables on the way.  Stop early
 * at a larger entry that already holds the annotation.
 */
static __always_inline int
kpt_install_tables(const struct kpt_port *port, struct kpt_iter *it, const struct kpt_mapping *m,
		   int level)
{
	const struct kpt_format *fmt = port->format;
	int err;

	kpt_enter_root(port, it, it->start);
	while (it->level > level) {
		if (!kpt_is_table(fmt, it->pte, it->level)) {
			if (kpt_frozen(fmt, it->pte))
				return -EAGAIN;
			if (!m->memory && it->pte == m->annotation)
				return 0;
			if (kpt_refuses_part(fmt, m, it))
				return -EINVAL;
			err = port->split_entry(it, !(m->flags & KPT_MAP_UNMAP_BLOCKS));
			if (err)
				return err;
		}
		kpt_enter_table(port, it, it->start);
	}
	return 0;
}

/* Install the rest of the range in the current table. */
static __always_inline int
kpt_install_entries(const struct kpt_port *port, struct kpt_iter *it, const struct kpt_mapping *m)
{
	u64 end = kpt_table_end(port, it);
	bool fills = m->memory && !kpt_is_shared(port, it) && !port->ops->cmo &&
		     !kpt_needs_frozen(port, it->tree, KPT_MAP);
	int err;

	for (;;) {
		if (fills && it->pte == port->format->empty) {
			kpt_fill_range(port, it, m, end);
		} else {
			err = kpt_install_entry(port, it, m);
			if (err && !(err == -EAGAIN && m->flags & KPT_MAP_SKIP_RACES))
				return err;
			kpt_next(port, it);
		}
		if (it->ia + it->span > end)
			return 0;
		it->pte = kpt_read(it->ptep);
	}
}

/**
 * kpt_install() - kpt_map() without checking @m
 * @port: port
 * @it: iterator, after kpt_begin()
 * @m: what to install
 *
 * For clients that encode entries at run time, so that @m does not fit the
 * compile-time format.
 *
 * Return: see kpt_map().
 */
static __always_inline int __must_check
kpt_install(const struct kpt_port *port, struct kpt_iter *it, const struct kpt_mapping *m)
{
	int level, err;

	while (it->start < it->end) {
		level = kpt_mapping_level(port->format, it, m);
		err = kpt_install_tables(port, it, m, level);
		it->span = kpt_span(port->format, it->level);
		if (!err && it->level == level) {
			err = kpt_install_entries(port, it, m);
		} else if (!err || (err == -EAGAIN && m->flags & KPT_MAP_SKIP_RACES)) {
			kpt_next(port, it);
			err = 0;
		}
		/* If exclusive, only hardware can have changed the entry: just retry. */
		if (err && (kpt_is_shared(port, it) || err != -EAGAIN || m->flags & KPT_MAP_FAULT ||
			    kpt_frozen(port->format, it->pte)))
			return err;
		it->start = max(it->start, it->ia);
	}
	return kpt_removal_error(port, it);
}

static __always_inline bool
kpt_mapping_valid(const struct kpt_format *fmt, const struct kpt_iter *it,
		  const struct kpt_mapping *m)
{
	u64 last = m->oa + (it->end - m->base) - kpt_span(fmt, 0);

	if (m->max_level < 0)
		return false;
	if (!m->memory)
		return !kpt_present(fmt, m->annotation) && !kpt_frozen(fmt, m->annotation);

	return it->start >= m->base && last >= m->oa &&
	       !(m->attrs & (kpt_oa_mask(fmt) | kpt_level_mask(fmt))) &&
	       kpt_oa(fmt, kpt_oa_bits(fmt, m->oa)) == m->oa &&
	       kpt_oa(fmt, kpt_oa_bits(fmt, last)) == last &&
	       !fmt->reserved(kpt_leaf(fmt, m->oa, m->attrs, 0), 0);
}

/**
 * kpt_map() - Map a range to contiguous memory, or annotate it
 * @port: port
 * @it: iterator, after kpt_begin()
 * @m: what to install
 *
 * Change existing mappings if the format allows that.  Unlink tables that are
 * replaced by larger entries.
 *
 * Context: lock held for read or write; call kpt_end() before dropping it.
 * Return: 0; -EINVAL if @m is invalid or the format does not allow the change;
 * -ENOMEM if &kpt_ops.alloc returned no table; -EAGAIN if a shared operation raced
 * with another walker, in which case a fault handler returns to let the access
 * fault again; or the error of the external tables.
 */
static __always_inline int __must_check
kpt_map(const struct kpt_port *port, struct kpt_iter *it, const struct kpt_mapping *m)
{
	return kpt_mapping_valid(port->format, it, m) ? kpt_install(port, it, m) : -EINVAL;
}

/* Unmap and zap */

/*
 * Remove a run of adjacent leaves, which needs neither break-before-make nor external
 * updates.  Exclusive only.  Use the out-of-line copy, &kpt_port.clear_leaves.
 */
static __always_inline void
kpt_clear_leaves(const struct kpt_port *port, struct kpt_iter *it)
{
	const struct kpt_format *fmt = port->format;
	unsigned int shift = kpt_shift(fmt, it->level);
	kpt_ptep_t first = it->ptep, end = first + ((it->stop - it->ia) >> shift);
	struct kpt_iter c = *it;

	do {
		c.ia = it->ia + ((u64)(c.ptep - first) << shift);
		kpt_replace_exclusive(&c, fmt->empty, kpt_leaf_may_change(port, c.pte));
		kpt_changed(port, &c, fmt->empty);
		if (++c.ptep >= end)
			break;
		c.pte = kpt_read(c.ptep);
	} while (kpt_is_leaf(fmt, c.pte, c.level));

	c.ia = it->ia + ((u64)(c.ptep - first) << shift);
	kpt_need_flush_range(port, it, KPT_UNMAP, it->ia, c.ia, BIT(it->level));
	kpt_count(port, &it->gather, it->level, first - c.ptep);
	kpt_resume(it, &c);
}

static __always_inline enum kpt_class
kpt_removal_class(const struct kpt_format *fmt, const struct kpt_iter *it)
{
	if (!kpt_present(fmt, it->pte))
		return KPT_ANNOTATE;
	return kpt_is_table(fmt, it->pte, it->level) ? KPT_DETACH : KPT_UNMAP;
}

/* Is the entry completely within a range that began at @start? */
static __always_inline bool kpt_covers(const struct kpt_iter *it, u64 start)
{
	return it->ia >= start && it->ia + it->span <= it->end;
}

/*
 * Remove leaves of a range up to a level, and with KPT_TABLES and KPT_NOTES in @what
 * also tables that are completely within the range, and annotations.  External tables
 * are updated entry by entry, so with these a table is removed after its entries.  Use
 * the out-of-line copy, &kpt_port.remove.
 */
static __always_inline int
kpt_remove(const struct kpt_port *port, struct kpt_iter *it, int level, unsigned int what)
{
	const struct kpt_format *fmt = port->format;
	bool external = kpt_is_external(port, it->tree);
	bool runs = !kpt_is_shared(port, it) && !kpt_needs_frozen(port, it->tree, KPT_UNMAP);
	u64 start = it->start;

	/* Do not stop at tables if none fits into the range. */
	if (it->end - start < kpt_span(fmt, 1))
		what &= ~KPT_TABLES;

	kpt_iterate(it, 0, (what & (KPT_YIELDS | KPT_TABLES)) |
			   (external && what & KPT_TABLES ? KPT_POST : 0));
	while (port->next_table(it)) {
		while (kpt_at(port, it, KPT_LEAVES | KPT_TABLES | KPT_NOTES)) {
			if (kpt_is_table(fmt, it->pte, it->level)) {
				if (!(what & KPT_TABLES) || it->level > level ||
				    !kpt_covers(it, start) || (external && !it->post))
					break;
			} else if (it->level > level || !(kpt_present(fmt, it->pte) ||
							  what & KPT_NOTES)) {
				kpt_next(port, it);
				continue;
			} else if (runs && kpt_present(fmt, it->pte)) {
				port->clear_leaves(it);
				continue;
			}
			/* A removal fails only if the entry changed: then read it again. */
			if (!port->commit(it, fmt->empty, kpt_removal_class(fmt, it), false))
				kpt_next(port, it);
		}
	}
	return kpt_removal_error(port, it);
}

/**
 * kpt_unmap() - Remove all leaves of a range
 * @port: port
 * @it: iterator, after kpt_begin()
 * @what: KPT_TABLES to also remove annotations, and to unlink tables that are
 *	completely within the range instead of clearing their entries; KPT_YIELDS if
 *	the lock may be dropped; or 0
 *
 * A block that is only partly within the range is removed completely.  So are
 * annotations with KPT_TABLES; without, annotations are kept.
 *
 * Context: lock held for read or write; flush before dropping it.
 * Return: 0, or the first error of the external tables, in which case everything
 * is removed from the tree nevertheless.
 */
static __always_inline int __must_check
kpt_unmap(const struct kpt_port *port, struct kpt_iter *it, unsigned int what)
{
	const struct kpt_format *fmt = port->format;

	/* Most MMU notifiers unmap a single page. */
	if (!kpt_is_shared(port, it) && !kpt_needs_frozen(port, it->tree, KPT_UNMAP) &&
	    it->end - it->start == kpt_span(fmt, 0)) {
		kpt_find(port, it, it->start, 0);
		it->stop = it->ia;
		if (kpt_is_leaf(fmt, it->pte, it->level)) {
			port->clear_leaves(it);
			return 0;
		}
		if (it->pte == fmt->empty)
			return 0;
	}
	return port->remove(it, it->tree->top, what & KPT_TABLES ? what | KPT_NOTES : what);
}

/**
 * kpt_zap() - Remove all entries of a range up to a level
 * @port: port
 * @it: iterator, after kpt_begin(); the range is extended to multiples of what an
 *	entry at @level maps
 * @level: highest level to remove entries at; entries above it are kept
 *
 * Remove leaves, annotations, and tables with everything below them.  Tear down a
 * large tree in several passes with increasing @level, so that no single step holds
 * the lock for long.
 *
 * Context: lock held for read or write, may be dropped and reacquired; flush
 * before dropping it.
 * Return: 0; -EINVAL if the tree has no such level; or the first error of the
 * external tables, in which case everything is removed from the tree nevertheless.
 */
static __always_inline int __must_check
kpt_zap(const struct kpt_port *port, struct kpt_iter *it, int level)
{
	u64 span;

	if (level < 0 || level > it->tree->top)
		return -EINVAL;

	span = kpt_span(port->format, level);
	it->start = ALIGN_DOWN(it->start, span);
	it->end = min(ALIGN(it->end, span), kpt_tree_end(it->tree));
	return port->remove(it, level, KPT_TABLES | KPT_NOTES | KPT_YIELDS);
}

/* Write-protect, protect, relax */

/*
 * Type and output address of a leaf cannot be edited in place.  If a format
 * distinguishes leaves from tables by their permissions, clearing the last one
 * would turn a leaf into a table; write permission is never the last one.
 */
static __always_inline bool kpt_editable(const struct kpt_format *fmt, u64 clear, u64 set)
{
	u64 fixed = fmt->present | kpt_oa_mask(fmt) | kpt_level_mask(fmt);
	u64 leaf = fmt->table_mask & ~fmt->table_value & ~fmt->write;

	return !((clear | set) & fixed) && !(clear & leaf);
}

static __always_inline bool kpt_is_edited(kpt_pte_t pte, u64 clear, u64 set)
{
	return !(pte & clear) && (pte & set) == set;
}

static __always_inline int
kpt_edit_table(const struct kpt_port *port, struct kpt_iter *it, u64 clear, u64 set,
	       enum kpt_class change)
{
	u64 span = kpt_span(port->format, it->level), first = 0, end = 0;
	struct kpt_iter c = *it;
	int err = 0;

	while (kpt_at_leaf(port, &c)) {
		if (!kpt_is_edited(c.pte, clear, set)) {
			err = kpt_edit(port, it, &c, clear, set, change);
			if (err == -EAGAIN)
				continue;
			if (err)
				break;
			first = end ? first : c.ia;
			end = c.ia + span;
		}
		kpt_next(port, &c);
	}
	kpt_resume(it, &c);
	if (end)
		kpt_need_flush_range(port, it, change, first, end, BIT(it->level));
	/* After a lost race, the entry was read again, or next_table() does that. */
	return err == -EAGAIN ? 0 : err;
}

/* Clear and set bits in all leaves.  Use the out-of-line copy, &kpt_port.edit_leaves. */
static __always_inline int
kpt_edit_leaves(const struct kpt_port *port, struct kpt_iter *it, int floor, unsigned int what,
		u64 clear, u64 set, enum kpt_class change)
{
	int err = 0;

	if (!kpt_editable(port->format, clear, set) || floor < 0 || floor > it->tree->top)
		return -EINVAL;

	kpt_iterate(it, floor, what & KPT_YIELDS);
	while (!err && port->next_table(it))
		err = kpt_edit_table(port, it, clear, set, change);
	return err;
}

/**
 * kpt_wrprot() - Write-protect a range for dirty logging
 * @port: port
 * @it: iterator, after kpt_begin()
 * @floor: lowest level to write-protect leaves at
 * @what: KPT_YIELDS if the lock may be dropped, or 0
 *
 * The flush is deferred, see kpt_end_noflush().
 *
 * Context: lock held for read or write; flush before user space sees the dirty log.
 * Return: 0; -EINVAL if the tree has no level @floor; or the error of the external
 * tables.
 */
static __always_inline int __must_check
kpt_wrprot(const struct kpt_port *port, struct kpt_iter *it, int floor, unsigned int what)
{
	return port->edit_leaves(it, floor, what, port->format->write, port->format->read_only,
				 KPT_TRACK);
}

/**
 * kpt_protect() - Remove permissions from a range
 * @port: port
 * @it: iterator, after kpt_begin()
 * @floor: lowest level to edit leaves at
 * @clear: bits to clear; to remove write permission, &kpt_format.write and
 *	&kpt_format.fast_write
 * @set: bits to set
 *
 * Context: lock held for read or write; flush before dropping it.
 * Return: 0; -EINVAL if @clear or @set contain bits of the type or the output
 * address, if clearing @clear might leave an entry that is not a leaf, or if the
 * tree has no level @floor; or the error of the external tables.
 */
static __always_inline int __must_check
kpt_protect(const struct kpt_port *port, struct kpt_iter *it, int floor, u64 clear, u64 set)
{
	return port->edit_leaves(it, floor, 0, clear, set, KPT_PROTECT);
}

/**
 * kpt_clear_dirty() - Clear the dirty state of a range for dirty logging
 * @port: port
 * @it: iterator, after kpt_begin()
 * @bits: &kpt_format.dirty, or the bits that kpt_wrprot() clears
 * @what: KPT_YIELDS if the lock may be dropped, or 0
 *
 * The flush is deferred, see kpt_end_noflush().
 *
 * Context: lock held for read or write; flush before user space sees the dirty log.
 * Return: 0; -EINVAL if @bits are invalid, see kpt_protect(); or the error of the
 * external tables.
 */
static __always_inline int __must_check
kpt_clear_dirty(const struct kpt_port *port, struct kpt_iter *it, u64 bits, unsigned int what)
{
	return port->edit_leaves(it, 0, what, bits, 0, KPT_TRACK);
}

/* Exclusive.  @mask starts at the current entry. */
static __always_inline void
kpt_clear_pages(const struct kpt_port *port, struct kpt_iter *it, u64 mask, u64 bits)
{
	const struct kpt_format *fmt = port->format;
	u64 edited = 0, span = kpt_span(fmt, 0);
	struct kpt_iter c = *it;

	/* The compiler does not know it. */
	c.shared = false;
	for (; mask; mask &= mask - 1) {
		c.ia = it->ia + __ffs(mask) * span;
		c.ptep = it->ptep + __ffs(mask);
		c.pte = kpt_read(c.ptep);
		if (!kpt_present(fmt, c.pte) || !(c.pte & bits))
			continue;

		if (!kpt_edit_in_place(port, &c, bits, 0, KPT_TRACK))
			edited |= mask & -mask;
	}
	if (edited)
		kpt_need_flush_range(port, it, KPT_TRACK, it->ia + __ffs(edited) * span,
				     it->ia + (__fls(edited) + 1) * span, BIT(0));
}

/**
 * kpt_clear_dirty_mask() - Clear the dirty state of the pages of a mask
 * @port: port
 * @it: iterator, after kpt_begin() with a range that covers @mask, @shared not set
 * @mask: bit n is set to handle page n of the range; on return, bit n is set if page n
 *	is mapped by a block, which is left alone
 * @bits: see kpt_clear_dirty()
 *
 * Descend once per last-level table instead of once per page.  The flush is
 * deferred, see kpt_end_noflush().
 *
 * Context: lock held for write; flush before user space sees the dirty log.
 * Return: 0; -EINVAL if @mask has bits beyond the range, if @bits are invalid, see
 * kpt_protect(), if the operation is shared, or if the tree has external tables.
 */
static __always_inline int __must_check
kpt_clear_dirty_mask(const struct kpt_port *port, struct kpt_iter *it, u64 *mask, u64 bits)
{
	const struct kpt_format *fmt = port->format;
	u64 base = it->start, wanted = *mask, pages, span, last;

	if (kpt_is_shared(port, it) || kpt_is_external(port, it->tree) ||
	    !kpt_editable(fmt, bits, 0) ||
	    (wanted && base + ((u64)__fls(wanted) << fmt->page_shift) >= it->end))
		return -EINVAL;

	for (*mask = 0; wanted; wanted &= ~pages) {
		kpt_find(port, it, base + ((u64)__ffs(wanted) << fmt->page_shift), 0);
		span = kpt_span(fmt, it->level ?: 1);
		last = (ALIGN_DOWN(it->ia, span) + span - base - 1) >> fmt->page_shift;
		pages = wanted & GENMASK_ULL(min(last, 63), 0);
		if (!it->level)
			kpt_clear_pages(port, it, pages >> __ffs(pages), bits);
		else if (kpt_present(fmt, it->pte))
			*mask |= pages;
	}
	return 0;
}

/**
 * kpt_relax() - Add permissions to a leaf after a permission fault
 * @port: port
 * @it: iterator, after kpt_begin() with a range that starts at the fault address
 * @prot: KPT_PERMS to add
 * @features: &enum kpt_features of the CPU, for &kpt_format.attrs
 * @level: level of the leaf, or -1 if there is none
 *
 * Only the TLB of the faulting CPU has to be flushed.  That includes -EAGAIN: the
 * CPU may hold a stale translation of a leaf that another CPU has just relaxed.
 *
 * Context: lock held for read or write; call kpt_end() on the CPU that faulted.
 * Return: 0; -ENOENT if there is no leaf; -EINVAL if the format does not support
 * this combination of permissions; -EAGAIN if another walker changed the entry; or
 * the error of the external tables.
 */
static __always_inline int __must_check
kpt_relax(const struct kpt_port *port, struct kpt_iter *it, unsigned int prot,
	  unsigned int features, int *level)
{
	const struct kpt_format *fmt = port->format;
	unsigned int perms;
	kpt_pte_t new;

	*level = -1;
	port->find(it, it->start, 0);
	if (!kpt_is_leaf(fmt, it->pte, it->level))
		return kpt_frozen(fmt, it->pte) ? -EAGAIN : -ENOENT;

	/* Encode all permissions at once, their encoding may not be additive. */
	*level = it->level;
	perms = fmt->perms(it->pte) | (prot & KPT_PERMS);
	new = (it->pte & ~fmt->perm_mask) | (fmt->attrs(perms, features) & fmt->perm_mask);
	if (perms & ~fmt->perms(new) || fmt->reserved(new, it->level))
		return -EINVAL;

	kpt_need_flush(port, it, KPT_RELAX);
	if (new == it->pte)
		return 0;
	return port->commit(it, new, KPT_RELAX, false);
}

/* Age */

/* If this races, the entry is removed or accessed, so do not retry. */
static __always_inline void
kpt_age_leaf(const struct kpt_port *port, struct kpt_iter *it, u64 accessed)
{
	kpt_pte_t new = port->format->make_old ? port->format->make_old(it->pte) :
			it->pte & ~accessed;

	if (kpt_try_exchange(it->ptep, &it->pte, new))
		kpt_changed(port, it, new);
}

/**
 * kpt_age() - Test and clear the accessed bits of a range
 * @port: port
 * @it: iterator, after kpt_begin() with @shared set
 * @accessed: accessed bit
 * @test_only: stop at the first leaf that was accessed and do not clear anything
 *
 * Neither flush nor add a flush to the gather: CPUs may not set the accessed bit
 * again as long as they have the translation cached.  Callers that must not miss
 * the next access flush as for KPT_PROTECT.
 *
 * Context: no lock is needed.
 * Return: true if a page was accessed since it was last aged.
 */
static __always_inline bool
kpt_age(const struct kpt_port *port, struct kpt_iter *it, u64 accessed, bool test_only)
{
	bool young = false;

	/* Most callers age a single page. */
	if (it->end - it->start == kpt_span(port->format, 0)) {
		struct kpt_iter c = *it;

		for (;;) {
			kpt_find(port, &c, c.start, 0);
			if (likely(!kpt_must_wait(port, &c)))
				break;
			cpu_relax();
		}
		young = kpt_is_leaf(port->format, c.pte, c.level) && c.pte & accessed;
		if (young && !test_only)
			kpt_age_leaf(port, &c, accessed);
		return young;
	}

	kpt_iterate(it, 0, 0);
	while (port->next_table(it)) {
		struct kpt_iter c = *it;

		for (; kpt_at_leaf(port, &c); kpt_next(port, &c)) {
			if (!(c.pte & accessed))
				continue;
			young = true;
			if (test_only)
				return true;
			kpt_age_leaf(port, &c, accessed);
		}
		kpt_resume(it, &c);
	}
	return young;
}

/* Split and collapse */

/**
 * kpt_split() - Split all blocks above a level
 * @port: port
 * @it: iterator, after kpt_begin()
 * @target: highest level that may still have blocks afterwards
 *
 * &kpt_ops.alloc provides the tables, for example from a cache that the caller
 * refills without holding the lock: its size is the budget of the operation.
 *
 * Context: lock held for read or write, may be dropped and reacquired; flush
 * before dropping it.
 * Return: 0; -EINVAL if the tree has no level @target; -ENOMEM if &kpt_ops.alloc
 * returned no table, in which case the caller may continue with a new operation at
 * kpt_done(); or the error of the external tables.
 */
static __always_inline int __must_check
kpt_split(const struct kpt_port *port, struct kpt_iter *it, int target)
{
	int err;

	if (target < 0 || target > it->tree->top)
		return -EINVAL;

	kpt_iterate(it, target + 1, KPT_YIELDS);
	while (port->next_table(it)) {
		/* A block that was split is read again as a table, and descended into. */
		while (kpt_at_leaf(port, it)) {
			err = port->split_entry(it, true);
			if (err && err != -EAGAIN)
				return err;
		}
	}
	return 0;
}

/*
 * Return the block that may replace the table at the iterator, or 0 to keep the
 * table.  Called during the operation; must not sleep.
 */
typedef kpt_pte_t (*kpt_decide_t)(struct kpt_iter *it);

/*
 * Do all entries of the table at the iterator continue its first one, @first, except
 * for the bits of @vary?  Return in @seen all bits that any entry has.
 */
static __always_inline bool
kpt_is_contiguous(const struct kpt_port *port, const struct kpt_iter *it, kpt_pte_t first,
		  u64 vary, kpt_pte_t *seen)
{
	const struct kpt_format *fmt = port->format;
	u64 stride = kpt_oa_bits(fmt, kpt_span(fmt, it->level - 1));
	kpt_ptep_t table = kpt_child_table(port, it->tree, it->pte);
	kpt_pte_t pte;

	*seen = 0;
	for (unsigned int i = 0; i < kpt_entries(fmt); i++) {
		pte = kpt_read(table + i);
		if ((pte ^ (first + i * stride)) & ~vary)
			return false;
		*seen |= pte;
	}
	return true;
}

/*
 * Without break-before-make, only the size of the mapping may change.  The leaves'
 * accessed bits may differ, because a leaf that was not accessed is not cached in a TLB.
 */
static __always_inline bool
kpt_changes_size_only(const struct kpt_port *port, const struct kpt_iter *it,
		      kpt_pte_t block)
{
	kpt_pte_t first = kpt_relevel(port->format, block, it->level - 1), seen;

	return kpt_is_contiguous(port, it, first, port->format->accessed, &seen);
}

static __always_inline int
kpt_collapse_table(const struct kpt_port *port, struct kpt_iter *it, kpt_pte_t block)
{
	bool breaks = kpt_rule(port->format, KPT_COLLAPSE) & KPT_BREAK &&
		      !(it->tree->no_break && kpt_changes_size_only(port, it, block));

	return port->commit(it, block, KPT_COLLAPSE, breaks);
}

static __always_inline int
kpt_collapse_range(const struct kpt_port *port, struct kpt_iter *it, kpt_decide_t decide)
{
	kpt_pte_t block;
	int err;

	while (port->next_table(it)) {
		while (kpt_at(port, it, KPT_TABLES)) {
			block = kpt_covers(it, it->start) ? decide(it) : 0;
			err = block ? kpt_collapse_table(port, it, block) : 0;
			if (err == -EAGAIN)
				continue;
			if (err)
				return err;
			if (!block && it->level > it->floor)
				break;
			kpt_next(port, it);
		}
	}
	return 0;
}

/**
 * kpt_collapse() - Replace tables that are completely within a range by blocks
 * @port: port
 * @it: iterator, after kpt_begin()
 * @level: lowest level to create blocks at, at least 1
 * @decide: returns the block that may replace a table
 *
 * The accessed and dirty bits of the leaves are ignored, so dirty logging must not
 * rely on them.  If break-before-make is needed, because the hardware requires it or
 * because the block and a leaf differ in more than their size, many tables share
 * one flush.
 *
 * Context: lock held for read or write, as @decide requires; it may be dropped and
 * reacquired; flush before dropping it.
 * Return: 0; -EINVAL if @level is less than 1, or if a table of an external tree
 * would have to be replaced.
 */
static __always_inline int __must_check
kpt_collapse(const struct kpt_port *port, struct kpt_iter *it, int level, kpt_decide_t decide)
{
	bool batches = kpt_rule(port->format, KPT_COLLAPSE) & KPT_BREAK && !port->ops->bare;
	struct kpt_bbm_batch batch __uninitialized;
	int err;

	if (level < 1)
		return -EINVAL;

	if (batches) {
		batch.nr = 0;
		it->gather.bbm = &batch;
	}
	kpt_iterate(it, level, KPT_TABLES | KPT_YIELDS);
	err = kpt_collapse_range(port, it, decide);
	if (batches) {
		if (batch.nr)
			port->flush_gather(it);
		it->gather.bbm = NULL;
	}
	return err;
}

/**
 * kpt_uniform_block() - Build the block that maps exactly what a table maps
 * @port: port
 * @it: iterator at the entry that points to the table
 * @vary: bits in which the leaves may differ
 *
 * For clients that know no more about the memory than what is in the table.  The
 * accessed bit, the dirty bit and bits of @vary are set in the block if they are
 * set in any leaf.
 *
 * Context: during an operation, with the lock held for write, or for read if
 * concurrent walkers only add permissions to leaves.  The collapse reverts what
 * others do to a leaf after this function has read it: an unmapped page would be
 * mapped again, whereas a relaxed one just faults once more.
 * Return: the block; 0 if an entry is not a leaf, if the leaves are not contiguous
 * or not uniform, or if the format has no blocks at this level.
 */
static __always_inline kpt_pte_t
kpt_uniform_block(const struct kpt_port *port, const struct kpt_iter *it, u64 vary)
{
	const struct kpt_format *fmt = port->format;
	kpt_pte_t first = kpt_read(kpt_child_table(port, it->tree, it->pte)), seen;

	vary |= fmt->accessed | fmt->dirty;
	if (!kpt_block_level(fmt, it->level) || !kpt_is_leaf(fmt, first, it->level - 1) ||
	    !IS_ALIGNED(kpt_oa(fmt, first), kpt_span(fmt, it->level)) ||
	    !kpt_is_contiguous(port, it, first, vary, &seen))
		return 0;

	return kpt_relevel(fmt, first | (seen & vary), it->level);
}

/* A copy of an inline function that is specialized for a port, and out of line. */
#define KPT_PORT_FUNCTION(_port, _type, _member, _call, _params...)			\
static const struct kpt_port _port;							\
static noinline _type __maybe_unused _port##_##_member(struct kpt_iter *it, ##_params)	\
{											\
	return _call;									\
}

/**
 * DEFINE_KPT_PORT() - Define a port and its out-of-line functions
 * @_name: prefix of the names; the &struct kpt_port is _name##_port
 * @_format: &struct kpt_format, constant at compile time
 * @_ops: &struct kpt_ops, constant at compile time
 */
#define DEFINE_KPT_PORT(_name, _format, _ops)						\
KPT_PORT_FUNCTION(_name##_port, void, find,						\
		  kpt_find(&_name##_port, it, ia, floor),				\
		  u64 ia, int floor)							\
KPT_PORT_FUNCTION(_name##_port, bool, next_table,					\
		  kpt_next_table(&_name##_port, it))					\
KPT_PORT_FUNCTION(_name##_port, int, walk,						\
		  kpt_walk(&_name##_port, it, floor, what, visit, arg),			\
		  int floor, unsigned int what, kpt_visitor_t visit, void *arg)		\
KPT_PORT_FUNCTION(_name##_port, int, remove,						\
		  kpt_remove(&_name##_port, it, level, what),				\
		  int level, unsigned int what)						\
KPT_PORT_FUNCTION(_name##_port, void, clear_leaves,					\
		  kpt_clear_leaves(&_name##_port, it))					\
KPT_PORT_FUNCTION(_name##_port, int, split_entry,					\
		  kpt_split_entry(&_name##_port, it, fill),				\
		  bool fill)								\
KPT_PORT_FUNCTION(_name##_port, int, edit_leaves,					\
		  kpt_edit_leaves(&_name##_port, it, floor, what, clear, set, change),	\
		  int floor, unsigned int what, u64 clear, u64 set,			\
		  enum kpt_class change)						\
KPT_PORT_FUNCTION(_name##_port, int, commit,						\
		  kpt_commit_steps(&_name##_port, it, new, change, freeze),		\
		  kpt_pte_t new, enum kpt_class change, bool freeze)			\
KPT_PORT_FUNCTION(_name##_port, void, detach,						\
		  kpt_detach(&_name##_port, it, table, ia, level),			\
		  kpt_pte_t *table, u64 ia, int level)					\
KPT_PORT_FUNCTION(_name##_port, void, flush_gather,					\
		  kpt_gather_flush(&_name##_port, it->tree, &it->gather))		\
static const struct kpt_port _name##_port = {						\
	.format		= &(_format),							\
	.ops		= &(_ops),							\
	.find		= _name##_port_find,						\
	.next_table	= _name##_port_next_table,					\
	.walk		= _name##_port_walk,						\
	.remove		= _name##_port_remove,						\
	.clear_leaves	= _name##_port_clear_leaves,					\
	.split_entry	= _name##_port_split_entry,					\
	.edit_leaves	= _name##_port_edit_leaves,					\
	.commit		= _name##_port_commit,						\
	.detach		= _name##_port_detach,						\
	.flush_gather	= _name##_port_flush_gather,					\
}

#endif /* __KVM_PGTABLE_OPS_H */
