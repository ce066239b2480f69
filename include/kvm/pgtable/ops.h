/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Operations: what KVM does to a tree.
 *
 * Each runs between kpt_begin() and kpt_end() or kpt_end_owing(), on the range
 * given there, under the client's lock as kpt_begin() was told.  Bad input is
 * refused with -EINVAL before anything is written, and a change that the format
 * forbids before its entry is written.  If an operation ends early, each entry is as
 * it was or fully changed, and w->start says how far it came.  An operation moves
 * w->start, so another one needs a kpt_begin() of its own.
 */
#ifndef __KVM_PGTABLE_OPS_H
#define __KVM_PGTABLE_OPS_H

#include <linux/bitops.h>

#include <kvm/pgtable/change.h>

/* Looking */

/**
 * kpt_lookup() - read every entry on the way to an address
 * @port: port
 * @tree: tree
 * @ia: address
 * @ptes: receives the values, indexed by level; KPT_MAX_LEVELS of them
 *
 * Context: inside a walk; any lock or none.
 * Return: the level of the last entry read, which may be absent or frozen; -EINVAL, and
 * @ptes is not written, for an address that the tree does not translate.
 */
static __always_inline int
kpt_lookup(const struct kpt_port *port, const struct kpt_tree *tree, u64 ia, kpt_pte_t *ptes)
{
	struct kpt_visit v;

	if (ia >= kpt_tree_end(tree))
		return -EINVAL;

	kpt_visit_root(port, tree, ia, &v);
	for (;;) {
		ptes[v.level] = v.pte;
		if (!kpt_is_table(port->format, v.pte, v.level))
			return v.level;
		kpt_visit_child(port, tree, ia, &v);
	}
}

static __always_inline int
kpt_first_visitor(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v,
		  void *arg)
{
	*(struct kpt_visit *)arg = *v;
	return KPT_STOP;
}

/**
 * kpt_first_leaf() - find the first leaf below a table
 * @port: port
 * @tree: tree
 * @v: the entry that refers to the table
 * @leaf: receives the leaf; its address is relative to the table's
 *
 * Context: inside a walk; any lock or none.
 * Return: false if there is none.
 */
static __always_inline bool
kpt_first_leaf(const struct kpt_port *port, const struct kpt_tree *tree,
	       const struct kpt_visit *v, struct kpt_visit *leaf)
{
	struct kpt_tree below = {
		.root = kpt_child_table(port, tree, v->pte),
		.ia_bits = kpt_shift(port->format, v->level),
		.top = v->level - 1,
		.unprotected = tree->unprotected,
	};
	struct kpt_walk w = {
		.tree = &below,
		.end = kpt_span(port->format, v->level),
	};

	return kpt_walk_range(port, &w, 0, KPT_LEAVES, kpt_first_visitor, leaf) == KPT_STOP;
}

/* Installing: leaves and annotations */

/*
 * What a range is to hold: memory, or the same annotation everywhere.
 * @base is the address that @oa belongs to.
 */
struct kpt_content {
	bool memory;
	int max_level;
	u64 base;
	u64 oa;
	u64 attrs;
	kpt_pte_t annotation;
};

static __always_inline kpt_pte_t
kpt_content_at(const struct kpt_format *fmt, const struct kpt_content *c, u64 ia, int level)
{
	if (!c->memory)
		return c->annotation;

	return kpt_leaf(fmt, c->oa + (ia - c->base), c->attrs, level);
}

/* Can one entry hold all of this part of the range, and nothing beside it? */
static __always_inline bool
kpt_content_fits(const struct kpt_format *fmt, const struct kpt_walk *w,
		 const struct kpt_content *c, const struct kpt_visit *v)
{
	u64 span = kpt_span(fmt, v->level);

	if (v->level > c->max_level || v->ia < w->start || v->ia + span > w->end)
		return false;
	if (!c->memory)
		return true;

	return kpt_block_level(fmt, v->level) && IS_ALIGNED(c->oa + (v->ia - c->base), span);
}

/* Make a table that means what the entry means now, so that a part of it can change. */
static __always_inline int
kpt_push_down(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v)
{
	const struct kpt_format *fmt = port->format;
	kpt_pte_t *table = port->env->alloc(w->tree, v);
	int err;

	if (!table)
		return -ENOMEM;

	if (kpt_present(fmt, v->pte))
		kpt_fill_from_block(port, w->tree, table, v->pte, v->level);
	else if (v->pte != fmt->empty)
		kpt_fill(table, kpt_entries(fmt), v->pte, 0);

	err = kpt_link(port, w, v, table);
	if (err)
		port->env->free(w->tree, table);
	return err;
}

/*
 * Another CPU was faster: the one that faulted may still know that less was allowed, or that
 * nothing was there, which owes nothing that KPT_RELAX does not.
 */
static __always_inline void
kpt_owe_spurious(const struct kpt_port *port, struct kpt_walk *w, const struct kpt_visit *v)
{
	if (kpt_rule(port->format, KPT_RELAX) & KPT_OWES_LOCAL)
		kpt_owe(port, w, KPT_RELAX, v);
}

/* Alone with the tree: from here on to the first entry that is used, or not all of the range. */
static __always_inline int
kpt_fill_range(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v,
	       const struct kpt_content *c)
{
	const struct kpt_format *fmt = port->format;
	u64 span = kpt_span(fmt, v->level), first = v->ia;

	do {
		kpt_pte_t new = kpt_content_at(fmt, c, v->ia, v->level);

		kpt_store(v->ptep, new);
		kpt_tell(port, w, v, new);
		kpt_visit_next(port, v, v->level);
	} while (v->ia + span <= v->stop && (v->pte = kpt_read(v->ptep)) == fmt->empty);

	kpt_owe_range(port, w, KPT_MAP, first, v->ia, BIT(v->level));
	kpt_count(port, &w->gather, v->level, (v->ia - first) >> kpt_shift(fmt, v->level));
	return KPT_MOVED;
}

/* A part of a block gets other memory, and the format refuses that of the whole, too. */
static __always_inline bool
kpt_refuses_part(const struct kpt_format *fmt, const struct kpt_content *c,
		 const struct kpt_visit *v)
{
	enum kpt_class change;

	if (!c->memory || !kpt_present(fmt, v->pte))
		return false;

	change = kpt_classify(fmt, v->pte, kpt_content_at(fmt, c, v->ia, v->level), v->level);
	return kpt_rule(fmt, change) & KPT_REFUSED;
}

static __always_inline int
kpt_install_visitor(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v,
		    void *arg)
{
	const struct kpt_format *fmt = port->format;
	const struct kpt_content *c = arg;
	kpt_pte_t new;
	int err;

	if (kpt_frozen(fmt, v->pte))
		return -EAGAIN;

	if (!kpt_content_fits(fmt, w, c, v)) {
		if (kpt_is_table(fmt, v->pte, v->level))
			return KPT_NEXT;
		if (!c->memory && v->pte == c->annotation)
			return KPT_SKIP;
		if (kpt_refuses_part(fmt, c, v))
			return -EINVAL;
		err = kpt_push_down(port, w, v);
		return w->shared ? err : kpt_step(err);
	}

	if (c->memory && v->pte == fmt->empty && !w->shared && !port->env->prepares &&
	    !kpt_takes_steps(port, w->tree, KPT_MAP))
		return kpt_fill_range(port, w, v, c);

	if (kpt_is_leaf(fmt, v->pte, v->level))
		kpt_owe_spurious(port, w, v);
	new = kpt_content_at(fmt, c, v->ia, v->level);
	if (new == v->pte)
		return KPT_SKIP;
	err = kpt_change(port, w, v, new);
	if (!err)
		return KPT_SKIP;
	return w->shared ? err : kpt_step(err);
}

static __always_inline int
kpt_install(const struct kpt_port *port, struct kpt_walk *w, struct kpt_content *c)
{
	int err = kpt_walk_range(port, w, 0, KPT_ENTRIES | KPT_TABLES, kpt_install_visitor, c);

	return err ?: kpt_removal_error(port, w);
}

/**
 * kpt_map() - map a range to contiguous memory
 * @port: port
 * @w: the operation
 * @oa: where the range's memory starts, a multiple of the page size
 * @attrs: permissions, memory type and software bits, as &kpt_format.attrs encodes
 * @max_level: the largest blocks to use; they also need alignment and the format's consent
 *
 * What is mapped already is changed, where the format allows that; tables that
 * a block replaces are unlinked.
 *
 * Return: 0; -EINVAL; -ENOMEM if &kpt_env.alloc had no table; -EAGAIN if another
 * walker was faster, as for a fault, which simply happens again.
 */
static __always_inline int __must_check
kpt_map(const struct kpt_port *port, struct kpt_walk *w, u64 oa, u64 attrs, int max_level)
{
	const struct kpt_format *fmt = port->format;
	struct kpt_content c = {
		.memory = true,
		.max_level = max_level,
		.base = w->start,
		.oa = oa,
		.attrs = attrs,
	};
	u64 last = oa + (w->end - w->start) - kpt_span(fmt, 0);

	if (max_level < 0 || last < oa || attrs & (kpt_oa_mask(fmt) | kpt_level_mask(fmt)) ||
	    kpt_oa(fmt, kpt_oa_bits(fmt, oa)) != oa ||
	    kpt_oa(fmt, kpt_oa_bits(fmt, last)) != last ||
	    fmt->reserved(kpt_leaf(fmt, oa, attrs, 0), 0))
		return -EINVAL;

	return kpt_install(port, w, &c);
}

/**
 * kpt_annotate() - give every entry of a range a meaning without memory
 * @port: port
 * @w: the operation
 * @annotation: the format's empty value, with bits added that hardware ignores, or without,
 *		to take annotations away
 * @max_level: the highest level at which one entry may stand for its whole span
 *
 * Leaves and tables of the range are unmapped.
 *
 * Return: as kpt_map(); -EINVAL if @annotation is present or frozen, or if @max_level
 * is none.
 */
static __always_inline int __must_check
kpt_annotate(const struct kpt_port *port, struct kpt_walk *w, kpt_pte_t annotation, int max_level)
{
	struct kpt_content c = {
		.max_level = max_level,
		.annotation = annotation,
	};

	if (max_level < 0 || kpt_present(port->format, annotation) ||
	    kpt_frozen(port->format, annotation))
		return -EINVAL;

	return kpt_install(port, w, &c);
}

/* Removing */

/*
 * Alone with the tree, and no change takes steps: from the leaf at @v to @stop, or to the
 * first entry that is no leaf.
 */
static __always_inline int
kpt_empty_range(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v, u64 stop,
		int level)
{
	const struct kpt_format *fmt = port->format;
	const struct kpt_env *env = port->env;
	kpt_ptep_t first = v->ptep;
	u64 start = v->ia;

	do {
		kpt_replace_alone(v, fmt->empty, kpt_leaf_may_change(port, v->pte));
		if (env->emptied)
			kpt_trace(w, v, fmt->empty);
		else
			kpt_tell(port, w, v, fmt->empty);
		kpt_visit_next(port, v, level);
	} while (v->ia < stop && kpt_is_leaf(fmt, v->pte = kpt_read(v->ptep), level));

	if (env->emptied)
		env->emptied(w->tree, kpt_raw(first), v->ptep - first);
	kpt_owe_range(port, w, KPT_UNMAP, start, v->ia, BIT(level));
	kpt_count(port, &w->gather, level, -(long)(v->ptep - first));
	return KPT_MOVED;
}

/* What a removal is asked for: its range before it yielded, and up to which level. */
struct kpt_removal {
	u64 start;
	int level;
	unsigned int what;
};

static __always_inline bool
kpt_covers(const struct kpt_port *port, const struct kpt_walk *w, const struct kpt_removal *r,
	   const struct kpt_visit *v)
{
	return v->level <= r->level && v->ia >= r->start &&
	       v->ia + kpt_span(port->format, v->level) <= w->end;
}

static __always_inline int
kpt_remove_entry(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v)
{
	const struct kpt_format *fmt = port->format;

	if (v->pte == fmt->empty)
		return 0;
	if (!kpt_present(fmt, v->pte))
		return kpt_commit(port, w, v, fmt->empty, KPT_ANNOTATE);
	if (kpt_is_table(fmt, v->pte, v->level))
		return kpt_commit(port, w, v, fmt->empty, KPT_DETACH);
	return kpt_commit(port, w, v, fmt->empty, KPT_UNMAP);
}

/* External tables are called for each entry, so none of many goes without a look between. */
static __always_inline int
kpt_remove_external_visitor(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v,
			    void *arg)
{
	const struct kpt_removal *r = arg;
	int err;

	if (v->emptied) {
		while (kpt_is_table(port->format, v->pte, v->level) && kpt_covers(port, w, r, v) &&
		       kpt_remove_entry(port, w, v) == -EAGAIN)
			cpu_relax();
		return KPT_NEXT;
	}
	if (v->level > r->level || v->pte == port->format->empty)
		return KPT_NEXT;

	err = kpt_remove_entry(port, w, v);
	return err ? kpt_step(err) : KPT_LOOK;
}

static __always_inline int
kpt_remove_external_range(const struct kpt_port *port, struct kpt_walk *w, struct kpt_removal *r)
{
	unsigned int what = KPT_LEAVES | r->what;

	if (what & KPT_TABLES)
		what = (what & ~KPT_TABLES) | KPT_EMPTIED | KPT_ABSENT;
	return kpt_walk_range(port, w, 0, what, kpt_remove_external_visitor, r) ?:
	       kpt_removal_error(port, w);
}

static __always_inline int
kpt_unmap_visitor(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v,
		  void *arg)
{
	const struct kpt_format *fmt = port->format;
	const struct kpt_removal *r = arg;
	bool alone = !w->shared && !kpt_takes_steps(port, w->tree, KPT_UNMAP);
	int err;

	if (kpt_is_leaf(fmt, v->pte, v->level)) {
		if (alone && v->level == 0)
			return kpt_empty_range(port, w, v, v->stop, 0);
		if (alone && v->level == 1)
			return kpt_empty_range(port, w, v, r->what & KPT_YIELDS ?
					       kpt_next_look(port, v, 1) : v->stop, 1);
		return kpt_step(kpt_commit(port, w, v, fmt->empty, KPT_UNMAP));
	}

	if (kpt_is_table(fmt, v->pte, v->level) && !kpt_covers(port, w, r, v))
		return KPT_NEXT;

	err = kpt_remove_entry(port, w, v);
	return err ? kpt_step(err) : KPT_SKIP;
}

/**
 * kpt_unmap() - remove every leaf of a range
 * @port: port
 * @w: the operation
 * @what: KPT_TABLES to remove annotations, too, and to unlink the tables that the range
 *	covers instead of emptying them; KPT_YIELDS if the lock may be dropped meanwhile; or 0
 *
 * A block that reaches over an end of the range is removed as a whole, and so is, with
 * KPT_TABLES, an annotation.  Without KPT_TABLES annotations stay.
 *
 * Return: 0, or the first error of the external tables: all is removed nevertheless.
 */
static __always_inline int __must_check
kpt_unmap(const struct kpt_port *port, struct kpt_walk *w, unsigned int what)
{
	struct kpt_removal r = { .start = w->start, .level = w->tree->top, .what = what };

	if (kpt_is_external(port, w->tree))
		return kpt_remove_external_range(port, w, &r);

	if (what & KPT_TABLES)
		what |= KPT_ABSENT;
	return kpt_walk_range(port, w, 0, KPT_LEAVES | what, kpt_unmap_visitor, &r);
}

static __always_inline int
kpt_zap_visitor(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v,
		void *arg)
{
	int err;

	if (v->level > *(int *)arg)
		return KPT_NEXT;

	err = kpt_remove_entry(port, w, v);
	return err ? kpt_step(err) : KPT_SKIP;
}

/* One by one: what is below the entries of @level goes before them. */
static __always_inline int
kpt_zap_external(const struct kpt_port *port, struct kpt_walk *w, int level)
{
	struct kpt_removal r = { .level = level, .what = KPT_TABLES | KPT_YIELDS };
	u64 span = kpt_span(port->format, level);

	w->start = ALIGN_DOWN(w->start, span);
	w->end = min(ALIGN(w->end, span), kpt_tree_end(w->tree));
	r.start = w->start;
	return kpt_remove_external_range(port, w, &r);
}

/**
 * kpt_zap() - remove every entry of a range up to a level, with all below it
 * @port: port
 * @w: the operation
 * @level: the highest level to remove entries of; what stands above it stays
 *
 * Leaves, tables and annotations go.  A large tree is torn down in passes of rising
 * level, so that no single step keeps others waiting for long.  Yields.
 *
 * Return: 0; -EINVAL for a level that the tree does not have; or the first error of the
 * external tables: all is removed nevertheless.
 */
static __always_inline int __must_check
kpt_zap(const struct kpt_port *port, struct kpt_walk *w, int level)
{
	if (level < 0 || level > w->tree->top)
		return -EINVAL;

	if (kpt_is_external(port, w->tree))
		return kpt_zap_external(port, w, level);

	/* As if it walked into the tables that it removes: to remove one may take as long. */
	return kpt_walk_range(port, w, max(level - 1, 0),
			      KPT_LEAVES | KPT_TABLES | KPT_ABSENT | KPT_YIELDS,
			      kpt_zap_visitor, &level);
}

/* Changing permissions and tracking */

/* One debt for all that an operation edits: from the first leaf to behind the last. */
struct kpt_editing {
	u64 clear;
	u64 set;
	enum kpt_class change;
	u64 first;
	u64 edited;
	u8 levels;
};

/*
 * What and where a leaf is cannot be edited in place.  Where permissions make an
 * entry a leaf, only write access is never the last of them.
 */
static __always_inline bool kpt_editable(const struct kpt_format *fmt, u64 clear, u64 set)
{
	u64 fixed = fmt->present | kpt_oa_mask(fmt) | kpt_level_mask(fmt);
	u64 leaf = fmt->table_mask & ~fmt->table_value & ~fmt->write;

	return !((clear | set) & fixed) && !(clear & leaf);
}

static __always_inline bool kpt_is_edited(const struct kpt_editing *e, kpt_pte_t pte)
{
	return !(pte & e->clear) && (pte & e->set) == e->set;
}

static __always_inline int
kpt_edit_visitor(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v,
		 void *arg)
{
	bool external = kpt_is_external(port, w->tree);
	struct kpt_editing *e = arg;
	int err;

	if (kpt_is_edited(e, v->pte))
		return KPT_NEXT;

	if (external)
		err = kpt_commit(port, w, v, (v->pte & ~e->clear) | e->set, e->change);
	else
		err = kpt_edit_in_place(port, w, v, e->clear, e->set, e->change);
	if (err)
		return kpt_step(err);

	if (!e->edited)
		e->first = v->ia;
	e->edited = v->ia + kpt_span(port->format, v->level);
	e->levels |= BIT(v->level);
	return external ? KPT_LOOK : KPT_NEXT;
}

static __always_inline void
kpt_edit_owe(const struct kpt_port *port, struct kpt_walk *w, const struct kpt_editing *e)
{
	if (e->edited)
		kpt_owe_range(port, w, e->change, e->first, e->edited, e->levels);
}

/* Only tracked debt may be noted as late as here: a walk that yields pays the other before. */
static __always_inline int
kpt_edit_range(const struct kpt_port *port, struct kpt_walk *w, int floor, unsigned int what,
	       struct kpt_editing e)
{
	int err;

	if (!kpt_editable(port->format, e.clear, e.set) || floor < 0 || floor > w->tree->top)
		return -EINVAL;

	err = kpt_walk_range(port, w, floor, KPT_LEAVES | (what & KPT_YIELDS), kpt_edit_visitor,
			     &e);
	kpt_edit_owe(port, w, &e);
	return err;
}

/**
 * kpt_wrprot() - make the next write to each page of a range fault
 * @port: port
 * @w: the operation
 * @floor: the lowest level whose leaves are wanted
 * @what: KPT_YIELDS if the lock may be dropped meanwhile, or 0
 *
 * For dirty logging.  What is owed is tracked debt.
 *
 * Return: 0; -EINVAL for a level that the tree does not have; or the error of the external
 * tables.
 */
static __always_inline int __must_check
kpt_wrprot(const struct kpt_port *port, struct kpt_walk *w, int floor, unsigned int what)
{
	struct kpt_editing e = { port->format->write, port->format->read_only, KPT_TRACK };

	return kpt_edit_range(port, w, floor, what, e);
}

/**
 * kpt_protect() - take an access away from a range for good
 * @port: port
 * @w: the operation
 * @floor: the lowest level whose leaves are wanted
 * @clear: bits to clear; for write access those of the format and its fast-write bit
 * @set: bits to set
 *
 * Return: 0; -EINVAL for bits that are no permissions, or without which an entry might
 * no longer be a leaf, and for a level that the tree does not have; or the error of the
 * external tables.
 */
static __always_inline int __must_check
kpt_protect(const struct kpt_port *port, struct kpt_walk *w, int floor, u64 clear, u64 set)
{
	struct kpt_editing e = { clear, set, KPT_PROTECT };

	return kpt_edit_range(port, w, floor, 0, e);
}

/**
 * kpt_clear_dirty() - make the next write to each page of a range leave a trace
 * @port: port
 * @w: the operation
 * @bits: the dirty bit, or what kpt_wrprot() clears
 * @what: KPT_YIELDS if the lock may be dropped meanwhile, or 0
 *
 * Return: 0, or the error of the external tables.
 */
static __always_inline int __must_check
kpt_clear_dirty(const struct kpt_port *port, struct kpt_walk *w, u64 bits, unsigned int what)
{
	struct kpt_editing e = { bits, 0, KPT_TRACK };

	return kpt_edit_range(port, w, 0, what, e);
}

/* Pages of one table of last level, by bit: those to be edited, and what became of them. */
struct kpt_pages {
	u64 wanted;
	u64 edited;
	u64 frozen;
};

static __always_inline int
kpt_edit_page(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v,
	      unsigned int page, const struct kpt_editing *e, struct kpt_pages *p)
{
	int err = 0;

	do {
		if (kpt_must_wait(port, w, v->pte))
			p->frozen |= BIT_ULL(page);
		if (!kpt_present(port->format, v->pte) || kpt_is_edited(e, v->pte))
			return 0;
		err = kpt_edit(port, w, v, e->clear, e->set, e->change);
	} while (err == -EAGAIN);
	if (!err)
		p->edited |= BIT_ULL(page);
	return err;
}

/* Alone with the tree, and with bits to clear only. */
static __always_inline void
kpt_clear_pages(const struct kpt_port *port, struct kpt_walk *w, kpt_ptep_t first, u64 base,
		u64 clear, struct kpt_pages *p)
{
	struct kpt_visit v = { };

	for (u64 pages = p->wanted; pages; pages &= pages - 1) {
		unsigned int page = __ffs(pages);

		v.ia = base + page * kpt_span(port->format, 0);
		v.ptep = first + page;
		v.pte = kpt_read(v.ptep);
		if (!kpt_present(port->format, v.pte) || !(v.pte & clear))
			continue;

		if (unlikely(kpt_leaf_may_change(port, v.pte)))
			v.pte = kpt_clear_bits(v.ptep, clear);
		else
			kpt_replace_alone(&v, v.pte & ~clear, false);
		kpt_tell(port, w, &v, v.pte & ~clear);
		p->edited |= BIT_ULL(page);
	}
}

/* @first is the entry of the page at @base. */
static __always_inline int
kpt_edit_pages(const struct kpt_port *port, struct kpt_walk *w, kpt_ptep_t first, u64 base,
	       struct kpt_pages *p, struct kpt_editing *e)
{
	bool alone = !w->shared && !e->set && !kpt_is_external(port, w->tree);
	u64 span = kpt_span(port->format, 0);
	int err = 0;

	if (alone)
		kpt_clear_pages(port, w, first, base, e->clear, p);
	for (u64 pages = p->wanted; !alone && pages && !err; pages &= pages - 1) {
		unsigned int page = __ffs(pages);
		struct kpt_visit v = {
			.ia = base + page * span,
			.ptep = first + page,
			.pte = kpt_read(first + page),
		};

		err = kpt_edit_page(port, w, &v, page, e, p);
	}
	if (p->edited) {
		if (!e->edited || e->first > base + __ffs(p->edited) * span)
			e->first = base + __ffs(p->edited) * span;
		e->edited = max(e->edited, base + (__fls(p->edited) + 1) * span);
		e->levels |= BIT(0);
	}
	return err;
}

/**
 * kpt_edit_mask() - as kpt_clear_dirty() or kpt_wrprot(), for chosen pages
 * @port: port
 * @w: the operation; its range is the pages that the mask can name, 64 or fewer
 * @mask: bit n stands for the n-th page of the range; afterwards, for those that a block
 *	maps: they are left alone
 * @clear: bits to clear
 * @set: bits to set
 *
 * One descent per table of last level, not per page.
 *
 * Return: 0; -EINVAL if the mask names pages beyond the range, or for bits that are
 * no permissions; or the error of the external tables.
 */
static __always_inline int __must_check
kpt_edit_mask(const struct kpt_port *port, struct kpt_walk *w, u64 *mask, u64 clear, u64 set)
{
	const struct kpt_format *fmt = port->format;
	struct kpt_editing e = { clear, set, KPT_TRACK };
	u64 base = w->start, left = *mask, blocks = 0, span, behind;
	struct kpt_visit v;
	int err = 0;

	if (!kpt_editable(fmt, clear, set) ||
	    (left && base + ((u64)__fls(left) << fmt->page_shift) >= w->end))
		return -EINVAL;

	while (left && !err) {
		unsigned int page = __ffs(left);
		struct kpt_pages p = { .wanted = left };

		kpt_find_published(port, w, base + ((u64)page << fmt->page_shift), &v);
		span = kpt_span(fmt, v.level ?: 1);
		behind = (ALIGN_DOWN(v.ia, span) + span - base) >> fmt->page_shift;
		if (behind < 64)
			p.wanted &= BIT_ULL(behind) - 1;
		left &= ~p.wanted;
		if (!v.level)
			err = kpt_edit_pages(port, w, v.ptep - page, base, &p, &e);
		else if (kpt_present(fmt, v.pte))
			blocks |= p.wanted;
		/* Those that another walk is about to publish are looked up again. */
		left |= p.frozen;
	}
	kpt_edit_owe(port, w, &e);
	*mask = blocks;
	return err;
}

/**
 * kpt_relax() - add permissions to a leaf after a fault
 * @port: port
 * @w: the operation; its range starts with the address that faulted
 * @prot: the KPT_PERMS to add to those that the leaf has
 * @features: as for &kpt_format.attrs
 * @level: receives the leaf's level, or -1 if there is none
 *
 * What is owed is owed by the CPU that faulted, and even after -EAGAIN: it may
 * hold the translation that another CPU has just relaxed.
 *
 * Return: 0; -ENOENT if nothing is mapped; -EINVAL if no leaf can have these permissions
 * together; -EAGAIN if another walker was faster.
 */
static __always_inline int __must_check
kpt_relax(const struct kpt_port *port, struct kpt_walk *w, unsigned int prot,
	  unsigned int features, int *level)
{
	const struct kpt_format *fmt = port->format;
	unsigned int perms;
	struct kpt_visit v;
	kpt_pte_t new;

	*level = -1;
	kpt_find(port, w->tree, w->start, 0, &v);
	if (!kpt_is_leaf(fmt, v.pte, v.level))
		return kpt_frozen(fmt, v.pte) ? -EAGAIN : -ENOENT;

	/* Encoded as a whole: two permissions together need not look like each alone. */
	*level = v.level;
	perms = fmt->perms(v.pte) | (prot & KPT_PERMS);
	new = (v.pte & ~fmt->perm_mask) | (fmt->attrs(perms, features) & fmt->perm_mask);
	if (perms & ~fmt->perms(new) || fmt->reserved(new, v.level))
		return -EINVAL;

	kpt_owe(port, w, KPT_RELAX, &v);
	if (new == v.pte)
		return 0;
	return kpt_commit(port, w, &v, new, KPT_RELAX);
}

/* Ageing */

struct kpt_ageing {
	u64 accessed;
	bool test_only;
	bool young;
};

static __always_inline int
kpt_age_visitor(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v,
		void *arg)
{
	struct kpt_ageing *a = arg;
	kpt_pte_t new;

	if (!(v->pte & a->accessed))
		return KPT_NEXT;

	a->young = true;
	if (a->test_only)
		return KPT_STOP;

	/* Whoever changes the entry meanwhile removes it, or uses it: then it is young. */
	new = port->env->aged ? port->env->aged(v->pte) : v->pte & ~a->accessed;
	if (kpt_try_exchange(v->ptep, &v->pte, new))
		kpt_tell(port, w, v, new);
	return KPT_NEXT;
}

/**
 * kpt_age() - was a page of this range used since it was last aged?
 * @port: port
 * @w: the operation, begun as shared
 * @accessed: the accessed bit
 * @test_only: only look
 *
 * Never flushes; who needs to see the very next access pays as for KPT_PROTECT.
 *
 * Context: no lock needed.
 * Return: true if it was.
 */
static __always_inline bool
kpt_age(const struct kpt_port *port, struct kpt_walk *w, u64 accessed, bool test_only)
{
	struct kpt_ageing a = { accessed, test_only };
	struct kpt_visit v;

	/* Most callers ask for one page. */
	if (w->end - w->start == kpt_span(port->format, 0)) {
		kpt_find_published(port, w, w->start, &v);
		if (kpt_is_leaf(port->format, v.pte, v.level))
			kpt_age_visitor(port, w, &v, &a);
		return a.young;
	}

	kpt_walk_range(port, w, 0, KPT_LEAVES, kpt_age_visitor, &a);
	return a.young;
}

/* Splitting and collapsing */

static __always_inline int
kpt_split_visitor(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v,
		  void *arg)
{
	unsigned int *budget = arg;
	int err;

	if (!*budget)
		return KPT_STOP;

	err = kpt_push_down(port, w, v);
	if (!err)
		--*budget;
	return kpt_step(err);
}

/**
 * kpt_split() - replace blocks by tables until no block is above a level
 * @port: port
 * @w: the operation
 * @target: that level
 * @budget: how many blocks may be split; what is left of it afterwards
 *
 * The tables come from &kpt_env.alloc, which may serve them from a cache that
 * its caller fills without the lock.  Yields.
 *
 * Return: 0; -EINVAL if the tree has no level @target; -EAGAIN if the budget is used up,
 * -ENOMEM if &kpt_env.alloc had no table: call again from w->start on.
 */
static __always_inline int __must_check
kpt_split(const struct kpt_port *port, struct kpt_walk *w, int target, unsigned int *budget)
{
	int step;

	if (target < 0 || target > w->tree->top)
		return -EINVAL;

	step = kpt_walk_range(port, w, target + 1, KPT_LEAVES | KPT_YIELDS,
			      kpt_split_visitor, budget);
	return step == KPT_STOP ? -EAGAIN : step;
}

/*
 * A client's decision about a table: the block that may replace it, or 0.
 * Called inside the walk; must not sleep.
 */
typedef kpt_pte_t (*kpt_decide_t)(struct kpt_walk *w, struct kpt_visit *v);

struct kpt_collapsing {
	kpt_decide_t decide;
};

/*
 * Where no break is needed, only the size may change: for that the leaves must be what the
 * block is.  A leaf that is not accessed is in no TLB, and so may differ in that.
 */
static __always_inline bool
kpt_changes_size_only(const struct kpt_port *port, const struct kpt_tree *tree,
		      const struct kpt_visit *v, kpt_pte_t block)
{
	const struct kpt_format *fmt = port->format;
	u64 stride = kpt_oa_bits(fmt, kpt_span(fmt, v->level - 1));
	kpt_pte_t first = kpt_relevel(fmt, block, v->level - 1);
	kpt_ptep_t table = kpt_child_table(port, tree, v->pte);

	for (unsigned int i = 0; i < kpt_entries(fmt); i++)
		if ((kpt_read(table + i) ^ (first + i * stride)) & ~fmt->accessed)
			return false;
	return true;
}

static __always_inline int
kpt_collapse_visitor(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v,
		     void *arg)
{
	struct kpt_collapsing *c = arg;
	kpt_pte_t block = c->decide(w, v);
	int err;

	if (!block)
		return KPT_NEXT;

	if (kpt_rule(port->format, KPT_COLLAPSE) & KPT_BREAK &&
	    !kpt_needs_break(port, w->tree, KPT_COLLAPSE) &&
	    !kpt_changes_size_only(port, w->tree, v, block))
		err = kpt_commit_slowly(port, w, v, block, KPT_COLLAPSE);
	else
		err = kpt_commit(port, w, v, block, KPT_COLLAPSE);
	return err ? kpt_step(err) : KPT_SKIP;
}

/**
 * kpt_collapse() - replace tables by blocks in place
 * @port: port
 * @w: the operation
 * @level: the lowest level of such a block
 * @decide: says by which block a table may be replaced
 *
 * Accessed and dirty bits of the leaves replaced are not looked at, so writes
 * must not be tracked by them.  Where the hardware needs a break, or the block allows
 * another access than a leaf that it replaces, one invalidation serves many tables.  Yields.
 *
 * Return: 0; -EINVAL if @level is that of pages; or the error of the external tables.
 */
static __always_inline int __must_check
kpt_collapse(const struct kpt_port *port, struct kpt_walk *w, int level, kpt_decide_t decide)
{
	bool breaks = kpt_rule(port->format, KPT_COLLAPSE) & KPT_BREAK;
	struct kpt_collapsing c = { decide };
	struct kpt_broken broken __uninitialized;
	int err;

	if (level < 1)
		return -EINVAL;
	if (level > w->tree->top)
		return 0;

	if (breaks) {
		broken.nr = 0;
		w->gather.broken = &broken;
	}
	err = kpt_walk_range(port, w, level, KPT_TABLES | KPT_YIELDS, kpt_collapse_visitor, &c);
	if (breaks) {
		if (broken.nr)
			port->settle(w->tree, &w->gather);
		w->gather.broken = NULL;
	}
	return err;
}

/**
 * kpt_uniform_block() - the block that maps exactly what a table of leaves maps
 * @port: port
 * @tree: tree
 * @v: the entry that refers to the table
 * @vary: bits that the leaves need not have in common
 *
 * For clients that know no more about the memory than the table says.  The
 * block is accessed or dirty, or has a bit of @vary, if one of the leaves does.
 *
 * Context: an exclusive walk, or one that only shares with those who let a leaf be
 * used for more.  What another walker did to a leaf between this look and the collapse
 * is undone: an unmapped page would come back, a relaxed one faults once more.
 * Return: the block; 0 if the leaves are not contiguous, not alike, or not all
 * leaves, or if the format has no block of that level.
 */
static __always_inline kpt_pte_t
kpt_uniform_block(const struct kpt_port *port, const struct kpt_tree *tree,
		  const struct kpt_visit *v, u64 vary)
{
	const struct kpt_format *fmt = port->format;
	u64 stride = kpt_oa_bits(fmt, kpt_span(fmt, v->level - 1));
	u64 free = fmt->accessed | fmt->dirty | vary;
	kpt_ptep_t table = kpt_child_table(port, tree, v->pte);
	kpt_pte_t first = kpt_read(table), seen = 0;

	if (!kpt_block_level(fmt, v->level) || !kpt_is_leaf(fmt, first, v->level - 1) ||
	    !IS_ALIGNED(kpt_oa(fmt, first), kpt_span(fmt, v->level)))
		return 0;

	for (unsigned int i = 0; i < kpt_entries(fmt); i++) {
		kpt_pte_t pte = kpt_read(table + i);

		if ((pte ^ (first + i * stride)) & ~free)
			return 0;
		seen |= pte;
	}
	return kpt_relevel(fmt, first | (seen & free), v->level);
}

#endif /* __KVM_PGTABLE_OPS_H */
