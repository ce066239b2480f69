// SPDX-License-Identifier: GPL-2.0-only
#include <linux/atomic.h>

#include "env.h"
#include "model.h"
#include "tlb.h"

/* State of a hardware page walk. */
struct kpt_hw_walk {
	const kpt_pte_t *table;
	kpt_pte_t *ptep;
	u64 ia;
	int level;
	unsigned int perms;
	struct kpt_hw_entry entry;
};

static u64 span(const struct kpt_test *t, int level)
{
	return 1ULL << (t->config->arch->page_shift + level * t->config->arch->index_bits);
}

static bool overlap(u64 a, u64 a_span, u64 b, u64 b_end)
{
	return a_span && a < b_end && b < a + a_span;
}

/* The address that the CPU uses has ia_base set. */
static u64 root_index(struct kpt_test *t, u64 ia)
{
	return (ia | t->config->ia_base) / span(t, t->tree.top);
}

static void start_at_root(struct kpt_test *t, u64 ia, struct kpt_hw_walk *w)
{
	w->table = (__force const kpt_pte_t *)t->tree.root;
	w->level = t->tree.top;
	w->perms = KPT_PERMS;
	w->ptep = (kpt_pte_t *)w->table + root_index(t, ia);
}

static void look(struct kpt_test *t, u64 ia, struct kpt_hw_walk *w)
{
	w->ia = ALIGN_DOWN(ia, span(t, w->level));
	w->entry = t->config->arch->decode(t->config, READ_ONCE(*w->ptep), w->level);
}

static void go_down(struct kpt_test *t, u64 ia, struct kpt_hw_walk *w, const kpt_pte_t *table)
{
	w->table = table;
	w->level--;
	w->ptep = (kpt_pte_t *)table +
		  (ia / span(t, w->level)) % (1U << t->config->arch->index_bits);
}

/* Walk the current tables, bypassing TLBs. */
static void walk_now(struct kpt_test *t, u64 ia, struct kpt_hw_walk *w)
{
	start_at_root(t, ia, w);
	for (;;) {
		look(t, ia, w);
		if (w->entry.kind != KPT_HW_TABLE)
			break;
		w->perms &= w->entry.perms;
		go_down(t, ia, w, __va(w->entry.oa));
	}
	w->entry.perms &= w->perms;
}

/* TLBs and page-walk caches */

static struct kpt_cached_leaf *find_leaf(struct kpt_cpu *cpu, u64 ia)
{
	for (int i = 0; i < KPT_CPU_LEAVES; i++) {
		struct kpt_cached_leaf *l = &cpu->leaves[i];

		if (overlap(l->ia, l->span, ia, ia + 1))
			return l;
	}
	return NULL;
}

/* If a table is unlinked, the level of the leaves below it is unknown. */
static bool reaches_level(struct kpt_test *t, const struct kpt_flush *flush, int level)
{
	return !t->config->arch->level_hints || flush->scope & KPT_FLUSH_WALK || !flush->levels ||
	       flush->levels & BIT(level);
}

static void drop_leaves(struct kpt_test *t, struct kpt_cpu *cpu, const struct kpt_flush *flush)
{
	for (int i = 0; i < KPT_CPU_LEAVES; i++) {
		struct kpt_cached_leaf *l = &cpu->leaves[i];

		if (overlap(l->ia, l->span, flush->start, flush->end) &&
		    reaches_level(t, flush, l->level))
			l->span = 0;
	}
}

/* Find the entry with the lowest level. */
static struct kpt_cached_walk *find_walk(struct kpt_cpu *cpu, u64 ia)
{
	struct kpt_cached_walk *best = NULL;

	for (int i = 0; i < KPT_CPU_WALKS; i++) {
		struct kpt_cached_walk *c = &cpu->walks[i];

		if (overlap(c->ia, c->span, ia, ia + 1) && (!best || c->level < best->level))
			best = c;
	}
	return best;
}

static void cache_walk(struct kpt_test *t, struct kpt_cpu *cpu, const struct kpt_hw_walk *w)
{
	cpu->walks[cpu->next_walk++ % KPT_CPU_WALKS] = (struct kpt_cached_walk) {
		.ia = w->ia,
		.span = span(t, w->level),
		.level = w->level - 1,
		.table = __va(w->entry.oa),
	};
}

static bool same_memory(const struct kpt_hw_entry *a, u64 a_ia, const struct kpt_hw_entry *b,
			u64 b_ia)
{
	return a->oa - a_ia == b->oa - b_ia && a->memory == b->memory;
}

/* Return true if a change of the page size needs break-before-make. */
static bool size_matters(struct kpt_test *t)
{
	return t->config->arch->conflicts && !t->config->no_break;
}

static void check_conflict(struct kpt_test *t, struct kpt_cpu *cpu,
			   const struct kpt_cached_leaf *new)
{
	if (!t->config->arch->conflicts)
		return;

	for (int i = 0; i < KPT_CPU_LEAVES; i++) {
		struct kpt_cached_leaf *l = &cpu->leaves[i];

		if (l->entry.kind == KPT_HW_LEAF &&
		    overlap(l->ia, l->span, new->ia, new->ia + new->span) &&
		    (!same_memory(&l->entry, l->ia, &new->entry, new->ia) ||
		     (size_matters(t) && l->level != new->level)))
			kpt_test_report(t,
					"invariant 4: %#llx is cached twice, at levels %d and %d",
					new->ia, l->level, new->level);
	}
}

/* CPUs may split a block into pages when caching it; these do so every other time. */
static void cache_leaf(struct kpt_test *t, struct kpt_cpu *cpu, const struct kpt_hw_walk *w, u64 ia)
{
	bool whole = !w->level || cpu->next_leaf & 1;
	struct kpt_cached_leaf new = {
		.ia = whole ? w->ia : ALIGN_DOWN(ia, span(t, 0)),
		.span = span(t, whole ? w->level : 0),
		.level = w->level,
		.entry = w->entry,
	};

	new.entry.oa += new.ia - w->ia;

	if (new.entry.kind == KPT_HW_LEAF)
		check_conflict(t, cpu, &new);
	cpu->leaves[cpu->next_leaf++ % KPT_CPU_LEAVES] = new;
}

/* Accesses */

/* Hardware updates an entry atomically, and only if it has not changed since the read. */
static bool set_flags(struct kpt_test *t, struct kpt_hw_walk *w, bool write, bool *sets_dirty)
{
	kpt_pte_t old = READ_ONCE(*w->ptep), new = old;
	struct kpt_hw_entry e = t->config->arch->decode(t->config, old, w->level);

	if (e.kind != w->entry.kind || e.oa != w->entry.oa || e.perms != w->entry.perms)
		return false;

	new |= e.set_accessed;
	if (write && e.perms & KPT_W)
		new |= e.set_dirty;
	if (new != old && cmpxchg64(w->ptep, old, new) != old)
		return false;
	*sets_dirty = new & ~old & e.set_dirty;
	if (*sets_dirty)
		kpt_dirt_set(t, w->ia, span(t, w->level));

	w->entry = t->config->arch->decode(t->config, new, w->level);
	return true;
}

static bool walk_freed(struct kpt_test *t, struct kpt_hw_walk *w, u64 ia)
{
	if (!kpt_test_freed(w->table))
		return false;

	kpt_test_report(t, "invariant 3: a CPU walks a freed table of level %d for %#llx",
			w->level, ia);
	return true;
}

static bool walk_and_cache(struct kpt_test *t, struct kpt_cpu *cpu, u64 ia, unsigned int perm)
{
	struct kpt_cached_walk *start = find_walk(cpu, ia);
	struct kpt_hw_walk w;
	unsigned int perms;
	bool sets_dirty;

	start_at_root(t, ia, &w);
	if (start) {
		w.level = start->level + 1;
		go_down(t, ia, &w, start->table);
	}

	for (;;) {
		if (walk_freed(t, &w, ia))
			return false;
		look(t, ia, &w);
		if (w.entry.kind == KPT_HW_FAULTY) {
			kpt_test_report(t, "malformed entry %#llx for %#llx at level %d",
					READ_ONCE(*w.ptep), w.ia, w.level);
			return false;
		}
		if (w.entry.kind == KPT_HW_ABSENT) {
			if (t->config->arch->absent)
				cache_leaf(t, cpu, &w, ia);
			return false;
		}
		if (!set_flags(t, &w, perm & KPT_W, &sets_dirty))
			continue;
		if (w.entry.kind == KPT_HW_LEAF)
			break;
		w.perms &= w.entry.perms;
		cache_walk(t, cpu, &w);
		go_down(t, ia, &w, __va(w.entry.oa));
	}

	perms = w.perms & w.entry.perms;
	w.entry.perms = perms;
	cache_leaf(t, cpu, &w, ia);
	if (perm & perms & KPT_W && kpt_test_must_report(t, w.table, sets_dirty))
		kpt_dirt_written(t, w.ia, span(t, w.level));
	return !(perm & ~perms);
}

static bool access(struct kpt_test *t, struct kpt_cpu *cpu, u64 ia, unsigned int perm)
{
	struct kpt_cached_leaf *l = find_leaf(cpu, ia);

	if (!l)
		return walk_and_cache(t, cpu, ia, perm);

	if (l->entry.kind == KPT_HW_LEAF && !(perm & ~l->entry.perms)) {
		if (!(perm & KPT_W) || l->entry.dirty)
			return true;
		l->span = 0;
		return walk_and_cache(t, cpu, ia, perm);
	}

	if (!t->config->arch->refault)
		drop_leaves(t, cpu, &(struct kpt_flush) { .start = ia, .end = ia + 1 });
	return false;
}

bool kpt_cpu_access(struct kpt_test *t, unsigned int cpu, u64 ia, unsigned int perm)
{
	unsigned long flags;
	bool allowed;

	spin_lock_irqsave(&t->cpu_lock, flags);
	allowed = access(t, &t->cpus[cpu], ia, perm);
	spin_unlock_irqrestore(&t->cpu_lock, flags);
	return allowed;
}

/* Flush */

static void drop_walks(struct kpt_cpu *cpu, const struct kpt_flush *flush)
{
	for (int i = 0; i < KPT_CPU_WALKS; i++)
		if (overlap(cpu->walks[i].ia, cpu->walks[i].span, flush->start, flush->end))
			cpu->walks[i].span = 0;
}

static void drop_all(struct kpt_cpu *cpu)
{
	*cpu = (struct kpt_cpu) {};
}

/*
 * Break-before-make: as long as a CPU may use the old translation, the tables must
 * not contain one that conflicts with it.
 */
static void check_bbm(struct kpt_test *t, struct kpt_cpu *cpu, const struct kpt_flush *flush)
{
	struct kpt_hw_walk w;

	for (int i = 0; i < KPT_CPU_LEAVES; i++) {
		struct kpt_cached_leaf *l = &cpu->leaves[i];

		if (l->entry.kind != KPT_HW_LEAF ||
		    !overlap(l->ia, l->span, flush->start, flush->end))
			continue;
		walk_now(t, l->ia, &w);
		if (w.entry.kind != KPT_HW_LEAF)
			continue;
		if (!same_memory(&l->entry, l->ia, &w.entry, w.ia) ||
		    (size_matters(t) && l->level != w.level))
			kpt_test_report(t,
					"invariant 4: %#llx was remapped before the flush",
					l->ia);
	}
}

void kpt_cpus_invalidate(struct kpt_test *t, const struct kpt_flush *flush)
{
	bool walks = flush->scope & KPT_FLUSH_WALK && !t->config->arch->all_for_walks;
	unsigned long flags;

	spin_lock_irqsave(&t->cpu_lock, flags);
	for (int i = 0; i < KPT_TEST_CPUS; i++) {
		struct kpt_cpu *cpu = &t->cpus[i];

		if (!t->threads && t->config->arch->conflicts)
			check_bbm(t, cpu, flush);
		if (flush->scope & KPT_FLUSH_ALL)
			drop_all(cpu);
		if (flush->scope & KPT_FLUSH_LEAF ||
		    (flush->scope & KPT_FLUSH_LOCAL && i == t->cpu))
			drop_leaves(t, cpu, flush);
		if (walks)
			drop_walks(cpu, flush);
	}
	spin_unlock_irqrestore(&t->cpu_lock, flags);
}

/* Compare TLBs with the tables */

/* Until a deferred flush is done, CPUs may still write, or write without dirty bit. */
static bool tolerated(struct kpt_test *t, u64 ia, u64 ia_span)
{
	return t->tracking ||
	       (t->deferred.scope && overlap(ia, ia_span, t->deferred.start, t->deferred.end));
}

static void check_leaf(struct kpt_test *t, const struct kpt_cached_leaf *l,
		       const struct kpt_hw_walk *w)
{
	bool tracked = tolerated(t, l->ia, l->span);
	unsigned int more = l->entry.perms & ~w->entry.perms;

	if (w->entry.kind != KPT_HW_LEAF)
		kpt_test_report(t, "invariant 5: a CPU uses %#llx, which is unmapped at level %d",
				l->ia, w->level);
	else if (!same_memory(&l->entry, l->ia, &w->entry, w->ia))
		kpt_test_report(t, "invariant 5: a CPU uses other memory at %#llx", l->ia);
	else if (size_matters(t) && l->level != w->level)
		kpt_test_report(t, "invariant 4: a CPU uses %#llx at level %d, but it is at %d",
				l->ia, l->level, w->level);
	else if (more & ~KPT_W || (more && !tracked))
		kpt_test_report(t, "invariant 5: a CPU has permissions %#x for %#llx, not %#x",
				l->entry.perms, l->ia, w->entry.perms);
	else if (l->entry.perms & KPT_W && l->entry.dirty && !w->entry.dirty && !tracked)
		kpt_test_report(t, "invariant 1: a CPU writes to %#llx untracked", l->ia);
}

static void check_leaves(struct kpt_test *t, const struct kpt_cpu *cpu)
{
	struct kpt_hw_walk w;

	for (int i = 0; i < KPT_CPU_LEAVES; i++) {
		const struct kpt_cached_leaf *l = &cpu->leaves[i];

		if (!l->span || l->entry.kind != KPT_HW_LEAF)
			continue;
		for (u64 ia = l->ia; ia < l->ia + l->span; ia = w.ia + span(t, w.level)) {
			walk_now(t, ia, &w);
			check_leaf(t, l, &w);
		}
	}
}

void kpt_cpus_check(struct kpt_test *t)
{
	unsigned long flags;

	if (t->tree.no_flush)
		return;

	spin_lock_irqsave(&t->cpu_lock, flags);
	for (int i = 0; i < KPT_TEST_CPUS; i++)
		check_leaves(t, &t->cpus[i]);
	spin_unlock_irqrestore(&t->cpu_lock, flags);
}

void kpt_cpus_check_table(struct kpt_test *t, const kpt_pte_t *table, const char *when)
{
	unsigned long flags;

	spin_lock_irqsave(&t->cpu_lock, flags);
	for (int i = 0; i < KPT_TEST_CPUS; i++)
		for (int j = 0; j < KPT_CPU_WALKS; j++) {
			struct kpt_cached_walk *c = &t->cpus[i].walks[j];

			if (c->span && c->table == table)
				kpt_test_report(t,
						"invariant 2: the table for %#llx is %s, cached by CPU %d",
						c->ia, when, i);
		}
	spin_unlock_irqrestore(&t->cpu_lock, flags);
}

void kpt_cpus_check_progress(struct kpt_test *t, u64 ia, unsigned int perms)
{
	struct kpt_hw_walk w;

	walk_now(t, ia, &w);
	for (unsigned int perm = KPT_R; perm <= KPT_W; perm <<= 1) {
		if (w.entry.kind != KPT_HW_LEAF || !(w.entry.perms & perms & perm))
			continue;
		if (!kpt_cpu_access(t, t->cpu, ia, perm) && !kpt_cpu_access(t, t->cpu, ia, perm))
			kpt_test_report(t, "CPU %u faults forever at %#llx, permission %#x",
					t->cpu, ia, perm);
	}
}
