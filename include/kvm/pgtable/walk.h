/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walks: from the root to one entry, and over every entry of a range.
 *
 * A walk reads; what a visitor does with an entry is change.h's business.  A
 * range walk keeps one table in hand and looks at its entries in a loop; the
 * path to it is read once per table, and again only after the walk yielded.
 */
#ifndef __KVM_PGTABLE_WALK_H
#define __KVM_PGTABLE_WALK_H

#include <linux/errno.h>
#include <linux/processor.h>

#include <kvm/pgtable/gather.h>

/**
 * struct kpt_walk - one operation on one tree
 * @tree:	tree
 * @gather:	what the operation owes and has unlinked so far
 * @start:	first address that is still to be done; moves on when the walk yields
 * @end:	first address that is not to be done
 * @yielded:	@start when the walk last yielded; it moves on before it yields again
 * @shared:	other writers are possible
 * @error:	the first error of the external tables, for a removal that went on
 * @refused:	the address of the last entry that they refused to remove
 */
struct kpt_walk {
	struct kpt_tree *tree;
	struct kpt_gather gather;
	u64 start;
	u64 end;
	u64 yielded;
	bool shared;
	int error;
	u64 refused;
};

/**
 * struct kpt_visit - one entry
 * @ia:		the first address that it translates
 * @ptep:	where it stands
 * @pte:	its value when it was last read
 * @stop:	the end of what a range walk does in its table
 * @level:	its level
 * @emptied:	it is a table whose entries have been visited
 */
struct kpt_visit {
	u64 ia;
	u64 stop;
	kpt_ptep_t ptep;
	kpt_pte_t pte;
	int level;
	bool emptied;
};

/**
 * enum kpt_what - what a range walk visits
 * @KPT_LEAVES:	leaves
 * @KPT_TABLES:	tables, before their entries
 * @KPT_EMPTIED: tables, after their entries
 * @KPT_ABSENT:	everything that is not present, frozen entries excepted
 * @KPT_FROZEN:	frozen entries
 * @KPT_ENTRIES: everything but tables
 * @KPT_YIELDS:	the walk may drop its lock between two tables
 */
enum kpt_what {
	KPT_LEAVES	= BIT(0),
	KPT_TABLES	= BIT(1),
	KPT_EMPTIED	= BIT(2),
	KPT_ABSENT	= BIT(3),
	KPT_FROZEN	= BIT(4),
	KPT_ENTRIES	= KPT_LEAVES | KPT_ABSENT | KPT_FROZEN,
	KPT_YIELDS	= BIT(5),
};

/**
 * enum kpt_steps - a visitor's answer, if it is not an error
 * @KPT_NEXT:	go on; the entries of a visited table come next
 * @KPT_AGAIN:	&kpt_visit.pte has been read anew, visit the entry again
 * @KPT_SKIP:	go on behind this entry, whatever it is
 * @KPT_MOVED:	the visitor has moved on within the table; go on where @v is now
 * @KPT_LOOK:	this took long; look whether to yield, then go on behind this entry
 * @KPT_STOP:	the walk has found what it looked for
 */
enum kpt_steps {
	KPT_NEXT,
	KPT_AGAIN,
	KPT_SKIP,
	KPT_MOVED,
	KPT_LOOK,
	KPT_STOP,
};

typedef int (*kpt_visitor_t)(const struct kpt_port *port, struct kpt_walk *w,
			     struct kpt_visit *v, void *arg);

/* To one entry */

static __always_inline void
kpt_visit_root(const struct kpt_port *port, const struct kpt_tree *tree, u64 ia,
	       struct kpt_visit *v)
{
	kpt_assert_folded(port->format);
	kpt_assert_reachable(tree);
	v->level = tree->top;
	v->emptied = false;
	v->ia = ALIGN_DOWN(ia, kpt_span(port->format, v->level));
	v->ptep = kpt_root_entry(port->format, tree, ia);
	v->pte = kpt_read(v->ptep);
}

/* @v is at a table whose value is in v->pte. */
static __always_inline void
kpt_visit_child(const struct kpt_port *port, const struct kpt_tree *tree, u64 ia,
		struct kpt_visit *v)
{
	kpt_ptep_t table = kpt_child_table(port, tree, v->pte);

	v->level--;
	v->ia = ALIGN_DOWN(ia, kpt_span(port->format, v->level));
	v->ptep = table + kpt_index(port->format, ia | tree->ia_base, v->level);
	v->pte = kpt_read(v->ptep);
}

/**
 * kpt_find() - walk to the entry that decides about an address
 * @port: port
 * @tree: tree
 * @ia: address
 * @floor: the lowest level to look at
 * @v: where the walk ends: at a leaf, at an entry that is not present, or at @floor
 *
 * Context: inside a walk.
 */
static __always_inline void
kpt_find(const struct kpt_port *port, const struct kpt_tree *tree, u64 ia, int floor,
	 struct kpt_visit *v)
{
	kpt_visit_root(port, tree, ia, v);
	while (v->level > floor && kpt_is_table(port->format, v->pte, v->level))
		kpt_visit_child(port, tree, ia, v);
}

/* Over a range */

/**
 * kpt_rcu_begin() - &kpt_env.begin for tables that are freed by RCU
 * @tree: tree
 */
static __always_inline void kpt_rcu_begin(struct kpt_tree *tree)
{
	rcu_read_lock();
}

/**
 * kpt_rcu_end() - &kpt_env.end for tables that are freed by RCU
 * @tree: tree
 */
static __always_inline void kpt_rcu_end(struct kpt_tree *tree)
{
	rcu_read_unlock();
}

/**
 * kpt_begin() - start an operation on a range
 * @port: port
 * @w: the operation; the caller's, on its stack
 * @tree: tree
 * @start: first address, a multiple of the page size
 * @end: first address behind the range, a multiple of the page size
 * @shared: other writers are possible: the client's lock is held for read, or not at all
 *
 * Context: the client's lock as @shared says.  If it succeeds, the walk is under
 * way (under RCU, where there is RCU) until kpt_end() or kpt_end_owing().
 * Return: 0, or -EINVAL for a range that is empty, not aligned or not within the tree.
 */
static __always_inline int __must_check
kpt_begin(const struct kpt_port *port, struct kpt_walk *w, struct kpt_tree *tree,
	  u64 start, u64 end, bool shared)
{
	kpt_assert_folded(port->format);

	if (start >= end || end > kpt_tree_end(tree) ||
	    (start | end) & (kpt_span(port->format, 0) - 1))
		return -EINVAL;

	kpt_gather_begin(&w->gather);
	w->tree = tree;
	w->start = start;
	w->end = end;
	w->yielded = start;
	w->shared = shared;
	w->error = 0;
	if (port->env->begin)
		port->env->begin(tree);
	return 0;
}

/* What finds nothing to do has nothing to settle, either. */
static __always_inline void kpt_leave(const struct kpt_port *port, struct kpt_walk *w)
{
	if (!kpt_is_settled(&w->gather))
		port->settle(w->tree, &w->gather);
	if (port->env->end)
		port->env->end(w->tree);
}

/**
 * kpt_end_owing() - end an operation and hand on the invalidation it owes
 * @port: port
 * @w: the operation
 *
 * If tables were unlinked, or may have been taken over, what is due for them is paid
 * here, and only tracked debt is handed on.
 *
 * Return: what is owed.  Protection and unmapping: before the lock is dropped.
 * Tracking: before user space sees the dirty log.
 */
static __always_inline struct kpt_debt __must_check
kpt_end_owing(const struct kpt_port *port, struct kpt_walk *w)
{
	struct kpt_debt owed = w->gather.tracked;

	if (!w->gather.tables && !port->env->take_over)
		kpt_debt_add(&owed, kpt_take_debt(&w->gather.debt));
	kpt_leave(port, w);
	return owed;
}

/**
 * kpt_end() - end an operation and pay everything it owes
 * @port: port
 * @w: the operation
 */
static __always_inline void kpt_end(const struct kpt_port *port, struct kpt_walk *w)
{
	kpt_debt_add(&w->gather.debt, w->gather.tracked);
	kpt_leave(port, w);
}

/*
 * Give the lock away if somebody wants it.  What is due is paid first, and the
 * walk has moved on since it last did so.  Nothing found before is used after.
 */
static __always_inline bool
kpt_try_yield(const struct kpt_port *port, struct kpt_walk *w, u64 at)
{
	at = max(at, w->start);
	if (at == w->yielded || !port->env->want_yield(w->tree))
		return false;

	port->settle(w->tree, &w->gather);
	if (port->env->end)
		port->env->end(w->tree);
	if (kpt_traced(kvm_pgtable_yield))
		kpt_trace_yield(w->tree, at, w->shared);
	port->env->yield(w->tree, w->shared);
	if (port->env->begin)
		port->env->begin(w->tree);
	w->start = at;
	w->yielded = at;
	return true;
}

/* To look before each entry that is not walked into would cost as much as to visit it. */
#define KPT_LOOK_EVERY	32

static __always_inline bool kpt_is_time(const struct kpt_visit *v, int floor)
{
	unsigned long entry = (unsigned long)v->ptep / sizeof(kpt_pte_t);

	return v->level > floor || (floor && !(entry % KPT_LOOK_EVERY));
}

/* How far a visitor may go by itself if the walk yields; @level is @v's, as a constant. */
static __always_inline u64
kpt_next_look(const struct kpt_port *port, const struct kpt_visit *v, int level)
{
	u64 span = KPT_LOOK_EVERY * kpt_span(port->format, level);

	return min(v->stop, ALIGN_DOWN(v->ia, span) + span);
}

/* For visitors that do several entries at once: to the next, which is not read yet. */
static __always_inline void
kpt_visit_next(const struct kpt_port *port, struct kpt_visit *v, int level)
{
	v->ia += kpt_span(port->format, level);
	v->ptep++;
}

/* Tables are sparse more often than not. */
static __always_inline void
kpt_visit_next_used(const struct kpt_port *port, struct kpt_visit *v, int level)
{
	do {
		kpt_visit_next(port, v, level);
	} while (v->ia < v->stop && kpt_read(v->ptep) == port->format->empty);
}

/*
 * Another walk is about to publish this entry, or has unlinked its table: the root
 * tells.  To wait with entries of its own frozen, two such walks could wait for each other.
 */
static __always_inline void
kpt_wait(const struct kpt_port *port, struct kpt_walk *w, const struct kpt_visit *v)
{
	if (port->format->rules[KPT_COLLAPSE] & KPT_BREAK && w->gather.broken)
		port->settle(w->tree, &w->gather);
	w->start = max(w->start, v->ia);
	cpu_relax();
}

static __always_inline bool
kpt_must_wait(const struct kpt_port *port, const struct kpt_walk *w, kpt_pte_t pte)
{
	return !kpt_present(port->format, pte) && w->shared && kpt_frozen(port->format, pte);
}

/**
 * kpt_find_published() - as kpt_find(), but never ends at an entry that another walk froze
 * @port: port
 * @w: the operation
 * @ia: address
 * @v: where the walk ends
 */
static __always_inline void
kpt_find_published(const struct kpt_port *port, struct kpt_walk *w, u64 ia, struct kpt_visit *v)
{
	for (;;) {
		kpt_find(port, w->tree, ia, 0, v);
		if (likely(!kpt_must_wait(port, w, v->pte)))
			return;
		cpu_relax();
	}
}

static __always_inline bool
kpt_wanted(const struct kpt_format *fmt, kpt_pte_t pte, int level, unsigned int what)
{
	if (!kpt_present(fmt, pte))
		return what & (kpt_frozen(fmt, pte) ? KPT_FROZEN : KPT_ABSENT);

	return what & (kpt_is_table(fmt, pte, level) ? KPT_TABLES : KPT_LEAVES);
}

/* The end of what is to be done in the table that holds the entry for @ia. */
static __always_inline u64
kpt_table_stop(const struct kpt_port *port, const struct kpt_walk *w, u64 ia, int level)
{
	if (level == w->tree->top)
		return w->end;

	return min(w->end, ALIGN_DOWN(ia, kpt_span(port->format, level + 1)) +
			   kpt_span(port->format, level + 1));
}

/**
 * kpt_walk_range() - visit the entries of a range in the order of their addresses
 * @port: port
 * @w: the operation
 * @floor: the lowest level to visit
 * @what: &enum kpt_what
 * @visit: called for each; answers with &enum kpt_steps or an error
 * @arg: for @visit
 *
 * Before every table that it walks into, and before every 32nd entry of @floor above
 * level 0, the walk looks whether it should yield; a visitor that does several entries
 * goes no further than kpt_next_look(), and one whose entry took long asks for a look by
 * KPT_LOOK.  If a visitor ends the walk, w->start says how far it came.
 *
 * Where other writers are possible, the walk waits for entries that they froze, unless
 * @what has KPT_FROZEN.  No level above the root's is visited, nor one below @floor.
 *
 * Return: 0, KPT_STOP, or the visitor's error.
 */
static __always_inline int
kpt_walk_range(const struct kpt_port *port, struct kpt_walk *w, int floor,
	       unsigned int what, kpt_visitor_t visit, void *arg)
{
	const struct kpt_format *fmt = port->format;
	kpt_ptep_t path[KPT_MAX_LEVELS] __uninitialized;
	struct kpt_visit v;
	int step;

	if (floor > w->tree->top)
		return 0;
restart:
	kpt_visit_root(port, w->tree, w->start, &v);
	v.stop = w->end;
	for (;;) {
		if (v.ia >= v.stop) {
			if (what & KPT_EMPTIED ? v.level == w->tree->top : v.ia >= w->end)
				return 0;
			v.level++;
			v.ia = ALIGN_DOWN(v.ia - 1, kpt_span(fmt, v.level));
			v.ptep = path[v.level];
			v.stop = kpt_table_stop(port, w, v.ia, v.level);
			if (what & KPT_EMPTIED) {
				v.pte = kpt_read(v.ptep);
				if (unlikely(!kpt_is_table(fmt, v.pte, v.level)))
					goto next;
				v.emptied = true;
				step = visit(port, w, &v, arg);
				v.emptied = false;
				if (step < 0 || step == KPT_STOP)
					goto out;
			}
			goto next;
		}
		if (what & KPT_YIELDS && kpt_is_time(&v, floor) && kpt_try_yield(port, w, v.ia))
			goto restart;
		v.pte = kpt_read(v.ptep);
		if (!floor && !(what & (KPT_ABSENT | KPT_FROZEN)) && v.pte == fmt->empty &&
		    !v.level) {
			kpt_visit_next_used(port, &v, 0);
			continue;
		}
again:
		if (!(what & KPT_FROZEN) && unlikely(kpt_must_wait(port, w, v.pte))) {
			kpt_wait(port, w, &v);
			goto restart;
		}
		if (kpt_wanted(fmt, v.pte, v.level, what)) {
			step = visit(port, w, &v, arg);
			if (step == KPT_AGAIN)
				goto again;
			if (step < 0 || step == KPT_STOP)
				goto out;
			if (step == KPT_SKIP)
				goto next;
			if (step == KPT_MOVED)
				continue;
			if (step == KPT_LOOK) {
				kpt_visit_next(port, &v, v.level);
				if (what & KPT_YIELDS && v.ia < v.stop &&
				    kpt_try_yield(port, w, v.ia))
					goto restart;
				continue;
			}
		}
		if (v.level > floor && kpt_is_table(fmt, v.pte, v.level)) {
			/* The visitor may have unlinked it. */
			if (what & KPT_TABLES) {
				v.pte = kpt_read(v.ptep);
				if (unlikely(!kpt_is_table(fmt, v.pte, v.level)))
					continue;
			}
			path[v.level] = v.ptep;
			v.stop = min(w->end, v.ia + kpt_span(fmt, v.level));
			kpt_visit_child(port, w->tree, max(w->start, v.ia), &v);
			continue;
		}
next:
		kpt_visit_next(port, &v, v.level);
	}
out:
	w->start = max(w->start, v.ia);
	return step;
}

/* What a visitor answers after kpt_commit(): look again if somebody was faster. */
static __always_inline int kpt_step(int err)
{
	return err == -EAGAIN ? KPT_AGAIN : err;
}

#endif /* __KVM_PGTABLE_WALK_H */
