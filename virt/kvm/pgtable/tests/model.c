// SPDX-License-Identifier: GPL-2.0-only
#include "model.h"

static const struct kpt_format *fmt_of(const struct kpt_model *m)
{
	return m->t->config->format;
}

static u64 cell_span(const struct kpt_model *m)
{
	return BIT_ULL(m->shift);
}

static u64 cell_ia(const struct kpt_model *m, unsigned int i)
{
	return m->base + ((u64)i << m->shift);
}

u64 kpt_model_end(const struct kpt_model *m)
{
	return cell_ia(m, m->count);
}

int kpt_largest_unit(const struct kpt_config *config)
{
	int unit = 0;

	for (int level = 1; level < config->levels - 1; level++)
		if (kpt_block_level(config->format, level))
			unit = level;
	return unit;
}

/* Use two tables on each side of a boundary, if there is one. */
struct kpt_model *kpt_model_create(struct kpt_test *t, int unit)
{
	const struct kpt_format *fmt = t->config->format;
	struct kpt_model *m = kunit_kzalloc(t->kunit, sizeof(*m), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(t->kunit, m);
	m->t = t;
	m->unit = unit;
	m->shift = ilog2(kpt_span(fmt, unit));
	m->end = 4 * kpt_entries(fmt);
	m->count = 4 * kpt_entries(fmt);
	if (unit + 2 <= t->tree.top)
		m->base = kpt_span(fmt, unit + 2) - 2 * kpt_span(fmt, unit + 1);
	m->cells = kunit_kcalloc(t->kunit, m->count, sizeof(*m->cells), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(t->kunit, m->cells);
	KUNIT_ASSERT_LE(t->kunit, kpt_model_end(m), kpt_tree_end(&t->tree));
	return m;
}

u64 kpt_rest_mask(const struct kpt_config *config)
{
	const struct kpt_format *fmt = config->format;

	return ~(kpt_oa_mask(fmt) | kpt_level_mask(fmt) | fmt->perm_mask | fmt->accessed |
		 fmt->dirty | config->saved);
}

/* Cells of the range of an operation, or of the entry that a cell is part of */

struct cells {
	unsigned int first;
	unsigned int end;
};

static struct cells cells_between(const struct kpt_model *m, u64 start, u64 end)
{
	u64 last = kpt_model_end(m);

	start = clamp(start, m->base, last) - m->base;
	end = clamp(end, m->base, last) - m->base;
	return (struct cells) {
		.first = start >> m->shift,
		.end = (end + cell_span(m) - 1) >> m->shift,
	};
}

static struct cells cells_around(const struct kpt_model *m, unsigned int i, int level)
{
	u64 ia = ALIGN_DOWN(cell_ia(m, i), kpt_span(fmt_of(m), level));

	return cells_between(m, ia, ia + kpt_span(fmt_of(m), level));
}

/* Return true if an entry at @level around cell @i is completely within the range. */
static bool covered(const struct kpt_model *m, const struct kpt_call *c, unsigned int i, int level)
{
	u64 ia = ALIGN_DOWN(cell_ia(m, i), kpt_span(fmt_of(m), level));

	return ia >= c->start && ia + kpt_span(fmt_of(m), level) <= c->end;
}

static bool only_looks(const struct kpt_call *c)
{
	return c->op == KPT_OP_LOOKUP || c->op == KPT_OP_DUMP;
}

void kpt_model_confine(struct kpt_model *m, const struct kpt_call *calls, unsigned int count)
{
	m->first = m->count;
	m->end = 0;
	for (const struct kpt_call *c = calls; c < calls + count; c++) {
		u64 largest = kpt_span(fmt_of(m), max(m->unit + 1, c->level));
		struct cells e;

		if (only_looks(c))
			continue;
		e = cells_between(m, ALIGN_DOWN(c->start, largest), ALIGN(c->end, largest));
		m->first = min(m->first, e.first);
		m->end = max(m->end, e.end);
	}
}

void kpt_model_copy(struct kpt_model *to, const struct kpt_model *from)
{
	to->first = from->first;
	to->end = from->end;
	if (from->first < from->end)
		memcpy(to->cells + from->first, from->cells + from->first,
		       (from->end - from->first) * sizeof(*from->cells));
}

static struct cells entry_of(const struct kpt_model *m, unsigned int i)
{
	return cells_around(m, i, m->cells[i].level);
}

static void empty(struct kpt_cell *cell)
{
	*cell = (struct kpt_cell) { .written = cell->written };
}

/* Split larger entries before a part of them changes. */
static void push_down(struct kpt_model *m, unsigned int i, int level)
{
	while (m->cells[i].kind != KPT_CELL_NONE && m->cells[i].level > level) {
		struct cells e = entry_of(m, i);

		for (unsigned int j = e.first; j < e.end; j++)
			m->cells[j].level--;
	}
}

static int map_level(const struct kpt_model *m, const struct kpt_call *c, unsigned int i)
{
	const struct kpt_format *fmt = fmt_of(m);
	int level = min(c->level, m->unit + 1);
	u64 ia = cell_ia(m, i);

	for (; level > m->unit; level--)
		if (covered(m, c, i, level) && IS_ALIGNED(ia, kpt_span(fmt, level)) &&
		    (c->op == KPT_OP_ANNOTATE ||
		     (kpt_block_level(fmt, level) &&
		      IS_ALIGNED(c->oa + ia - c->start, kpt_span(fmt, level)))))
			break;
	return level;
}

/* Return true if a larger entry already has this annotation. */
static bool annotated_above(const struct kpt_model *m, const struct kpt_call *c, unsigned int i,
			    int level)
{
	const struct kpt_cell *cell = &m->cells[i];

	return c->op == KPT_OP_ANNOTATE && cell->kind == KPT_CELL_NOTE &&
	       cell->level > level && cell->rest == c->value;
}

static void install(struct kpt_model *m, const struct kpt_call *c)
{
	const struct kpt_format *fmt = fmt_of(m);
	struct cells range = cells_between(m, c->start, c->end), e;
	struct kpt_cell new = {};

	for (unsigned int i = range.first; i < range.end; i = e.end) {
		new.level = map_level(m, c, i);
		if (annotated_above(m, c, i, new.level)) {
			e = entry_of(m, i);
			continue;
		}
		e = cells_around(m, i, new.level);
		push_down(m, i, new.level);
		for (unsigned int j = e.first; j < e.end; j++) {
			new.written = m->cells[j].written;
			if (c->op == KPT_OP_MAP) {
				new.kind = KPT_CELL_LEAF;
				new.oa = c->oa + cell_ia(m, j) - c->start;
				new.perms = fmt->perms(c->value | fmt->page_bits);
				new.rest = c->value & kpt_rest_mask(m->t->config);
			} else {
				new.kind = c->value == fmt->empty ? KPT_CELL_NONE : KPT_CELL_NOTE;
				new.rest = c->value;
			}
			m->cells[j] = new;
		}
	}
}

static void unmap(struct kpt_model *m, const struct kpt_call *c)
{
	struct cells range = cells_between(m, c->start, c->end), e;

	for (unsigned int i = range.first; i < range.end; i = e.end) {
		struct kpt_cell *cell = &m->cells[i];

		e = cell->kind == KPT_CELL_NONE ? (struct cells) { i, i + 1 } : entry_of(m, i);
		if (cell->kind == KPT_CELL_NOTE && !(c->what & KPT_TABLES))
			continue;
		for (unsigned int j = e.first; j < e.end; j++)
			empty(&m->cells[j]);
	}
}

static void zap(struct kpt_model *m, const struct kpt_call *c)
{
	struct cells range = cells_between(m, ALIGN_DOWN(c->start, kpt_span(fmt_of(m), c->level)),
					   ALIGN(c->end, kpt_span(fmt_of(m), c->level)));

	for (unsigned int i = range.first; i < range.end; i++) {
		struct kpt_cell *cell = &m->cells[i];

		if (cell->kind != KPT_CELL_NONE && cell->level <= c->level)
			empty(cell);
	}
}

/* Permissions */

static void protect_cell(const struct kpt_model *m, const struct kpt_call *c, struct kpt_cell *cell)
{
	const struct kpt_format *fmt = fmt_of(m);

	switch (c->op) {
	case KPT_OP_AGE:
		if (m->t->config->saved && !cell->aged) {
			cell->aged = true;
			cell->perms &= ~KPT_W;
		}
		break;
	case KPT_OP_RELAX:
		cell->perms |= c->prot;
		break;
	case KPT_OP_PROTECT:
		cell->rest &= ~c->clear;
		fallthrough;
	default:
		if (c->clear & fmt->write || c->set & fmt->read_only || c->op == KPT_OP_WRPROT)
			cell->perms &= ~KPT_W;
	}
}

static void edit(struct kpt_model *m, const struct kpt_call *c)
{
	struct cells range = cells_between(m, c->start, c->end), e;

	if (c->op == KPT_OP_RELAX)
		range.end = range.first + 1;

	for (unsigned int i = range.first; i < range.end; i = e.end) {
		e = (struct cells) { i, i + 1 };
		if (m->cells[i].kind != KPT_CELL_LEAF)
			continue;
		e = entry_of(m, i);
		if (c->op == KPT_OP_CLEAR_MASK &&
		    (m->cells[i].level || !(c->mask >> (i - range.first) & 1)))
			continue;
		if ((c->op == KPT_OP_WRPROT || c->op == KPT_OP_PROTECT) &&
		    m->cells[i].level < c->level)
			continue;
		for (unsigned int j = e.first; j < e.end; j++)
			protect_cell(m, c, &m->cells[j]);
	}
}

/* Sizes */

static void split(struct kpt_model *m, const struct kpt_call *c)
{
	struct cells range = cells_between(m, c->start, c->end);

	for (unsigned int i = range.first; i < range.end; i++)
		if (m->cells[i].kind == KPT_CELL_LEAF)
			push_down(m, i, c->level);
}

void kpt_model_push_down(struct kpt_model *m, const struct kpt_call *c)
{
	struct cells range = cells_between(m, c->start, c->end);

	for (unsigned int i = range.first; i < range.end; i++)
		push_down(m, i, m->unit);
}

static bool uniform(const struct kpt_model *m, struct cells e, int level)
{
	const struct kpt_cell *first = &m->cells[e.first];

	if (first->kind != KPT_CELL_LEAF || !IS_ALIGNED(first->oa, kpt_span(fmt_of(m), level)))
		return false;

	for (unsigned int i = e.first; i < e.end; i++) {
		const struct kpt_cell *cell = &m->cells[i];

		if (cell->kind != KPT_CELL_LEAF || cell->level != m->unit ||
		    cell->oa != first->oa + (i - e.first) * cell_span(m) ||
		    cell->perms != first->perms || cell->rest != first->rest ||
		    cell->aged != first->aged)
			return false;
	}
	return true;
}

static void collapse(struct kpt_model *m, const struct kpt_call *c)
{
	struct cells range = cells_between(m, c->start, c->end), e;
	int level = m->unit + 1;

	if (!kpt_block_level(fmt_of(m), level))
		return;

	for (unsigned int i = range.first; i < range.end; i = e.end) {
		e = cells_around(m, i, level);
		if (e.first < range.first || e.end > range.end || !uniform(m, e, level))
			continue;
		for (unsigned int j = e.first; j < e.end; j++)
			m->cells[j].level = level;
	}
}

void kpt_model_apply(struct kpt_model *m, const struct kpt_call *c)
{
	switch (c->op) {
	case KPT_OP_MAP:
	case KPT_OP_ANNOTATE:
		return install(m, c);
	case KPT_OP_UNMAP:
		return unmap(m, c);
	case KPT_OP_ZAP:
		return zap(m, c);
	case KPT_OP_SPLIT:
		return split(m, c);
	case KPT_OP_COLLAPSE:
		return collapse(m, c);
	case KPT_OP_WRPROT:
	case KPT_OP_PROTECT:
	case KPT_OP_CLEAR_DIRTY:
	case KPT_OP_CLEAR_MASK:
	case KPT_OP_RELAX:
	case KPT_OP_AGE:
		return edit(m, c);
	default:
		kpt_test_report(m->t, "the model does not know operation %d", c->op);
	}
}

/* Comparing */

/* Cells as found in the tree. */
struct found {
	struct kpt_model *m;
	struct kpt_cell *cells;
};

/* Writes are tracked by dirty bit or, if there is none, by write permission. */
static bool shows_write(struct kpt_test *t, kpt_pte_t pte, int level)
{
	struct kpt_hw_entry e = t->config->arch->decode(t->config, pte, level);

	return e.kind == KPT_HW_LEAF && e.perms & KPT_W && e.dirty;
}

static void find_entry(struct kpt_test *t, u64 ia, int level, kpt_pte_t pte, void *arg)
{
	const struct kpt_format *fmt = t->config->format;
	struct found *f = arg;
	bool leaf = kpt_is_leaf(fmt, pte, level);
	struct cells e;

	if (kpt_is_table(fmt, pte, level))
		return;

	e = cells_between(f->m, ia, ia + kpt_span(fmt, level));
	if (ia < f->m->base || ia + kpt_span(fmt, level) > kpt_model_end(f->m) ||
	    level < f->m->unit) {
		kpt_test_report(t, "%#llx has %#llx at level %d, but nothing was mapped there",
				ia, pte, level);
		return;
	}

	for (unsigned int i = e.first; i < e.end; i++) {
		struct kpt_cell *cell = &f->cells[i];

		cell->kind = leaf ? KPT_CELL_LEAF : KPT_CELL_NOTE;
		cell->level = level;
		if (!leaf) {
			cell->rest = pte;
			continue;
		}
		cell->oa = kpt_oa(fmt, pte) + cell_ia(f->m, i) - ia;
		cell->perms = fmt->perms(pte);
		cell->rest = pte & kpt_rest_mask(t->config);
		cell->aged = t->config->saved &&
			     t->config->arch->decode(t->config, pte, level).kind == KPT_HW_ABSENT;
		cell->written = shows_write(t, pte, level);
	}
}

static struct kpt_cell *find_all(struct kpt_model *m)
{
	struct found f = { .m = m };

	f.cells = kvcalloc(m->count, sizeof(*f.cells), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(m->t->kunit, f.cells);
	kpt_test_read(m->t, find_entry, &f);
	return f.cells;
}

static bool same(const struct kpt_cell *a, const struct kpt_cell *b, bool levels)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == KPT_CELL_NONE)
		return true;
	if (levels && a->level != b->level)
		return false;
	if (a->kind == KPT_CELL_NOTE)
		return a->rest == b->rest;
	return a->oa == b->oa && a->perms == b->perms && a->rest == b->rest && a->aged == b->aged;
}

static void report_cell(struct kpt_model *m, unsigned int i, const struct kpt_cell *is,
			const struct kpt_cell *want)
{
	kpt_test_report(m->t,
			"%#llx (%u): %d level %d %#llx %#x %#llx %d, not %d level %d %#llx %#x %#llx %d",
			cell_ia(m, i), i, is->kind, is->level, is->oa, is->perms, is->rest,
			is->aged, want->kind, want->level, want->oa, want->perms, want->rest,
			want->aged);
}

static void compare_written(struct kpt_model *m, unsigned int i, const struct kpt_cell *is)
{
	if (m->cells[i].written && !is->written)
		kpt_test_report(m->t, "invariant 1: the write to %#llx is lost", cell_ia(m, i));
}

void kpt_model_compare(struct kpt_model *m)
{
	struct kpt_cell *is = find_all(m);

	for (unsigned int i = 0; i < m->count; i++) {
		if (!same(&is[i], &m->cells[i], true))
			report_cell(m, i, &is[i], &m->cells[i]);
		compare_written(m, i, &is[i]);
	}
	kvfree(is);
}

static bool confined(const struct kpt_model *m, unsigned int i)
{
	return i >= m->first && i < m->end;
}

static bool is_one_of(const struct kpt_model *m, unsigned int i, const struct kpt_cell *is,
		      struct kpt_model **any, unsigned int count)
{
	if (!confined(m, i))
		return same(is, &m->cells[i], false);
	for (unsigned int n = 0; n < count; n++)
		if (same(is, &any[n]->cells[i], false))
			return true;
	return false;
}

void kpt_model_compare_any(struct kpt_model *m, struct kpt_model **any, unsigned int count)
{
	struct kpt_cell *is = find_all(m);

	for (unsigned int i = 0; i < m->count; i++) {
		if (!is_one_of(m, i, &is[i], any, count))
			report_cell(m, i, &is[i],
				    confined(m, i) ? &any[0]->cells[i] : &m->cells[i]);
		compare_written(m, i, &is[i]);
		is[i].written = m->cells[i].written;
	}
	memcpy(m->cells, is, m->count * sizeof(*is));
	kvfree(is);
}

/* Writes */

static void mark(struct kpt_model *m, u64 ia, u64 span, bool written)
{
	struct cells e = cells_between(m, ia, ia + span);

	for (unsigned int i = e.first; i < e.end; i++)
		m->cells[i].written = written;
}

void kpt_dirt_written(struct kpt_test *t, u64 ia, u64 span)
{
	if (t->dirt)
		mark(t->dirt, ia, span, true);
}

static void count_dirty(struct kpt_test *t, u64 ia, u64 span, int by)
{
	u64 size = kpt_span(t->config->format, 0);

	if (!t->balance || !by)
		return;
	for (unsigned int page = 0; page < t->balance_count; page++)
		if (t->balance_base + page * size - ia < span)
			atomic_add(by, &t->balance[page]);
}

void kpt_dirt_set(struct kpt_test *t, u64 ia, u64 span)
{
	count_dirty(t, ia, span, 1);
}

static bool is_dirty(struct kpt_test *t, kpt_pte_t pte, int level)
{
	return kpt_is_leaf(t->config->format, pte, level) && pte & t->config->format->dirty;
}

/* If a block is split, the new table inherits its dirty state. */
static bool becomes_table(struct kpt_test *t, kpt_pte_t new, int level)
{
	return t->config->arch->decode(t->config, new, level).kind == KPT_HW_TABLE;
}

void kpt_dirt_changed(struct kpt_test *t, u64 ia, int level, kpt_pte_t old, kpt_pte_t new)
{
	if (t->dirt && !becomes_table(t, new, level) &&
	    shows_write(t, old, level) && !shows_write(t, new, level))
		mark(t->dirt, ia, kpt_span(t->config->format, level), false);
}

void kpt_dirt_balance(struct kpt_test *t, u64 ia, int level, kpt_pte_t old, kpt_pte_t new)
{
	if (!becomes_table(t, new, level))
		count_dirty(t, ia, kpt_span(t->config->format, level),
			    is_dirty(t, new, level) - is_dirty(t, old, level));
}

/*
 * All leaves of the table count, not only those that show a write: of a leaf that was
 * changed before, the event may be still to come, and is ignored then.
 */
void kpt_dirt_unlinked(struct kpt_test *t, u64 ia)
{
	if (t->dirt)
		mark(t->dirt, ia, kpt_span(t->config->format, 1), false);
}

void kpt_dirt_forgotten(struct kpt_test *t, const kpt_pte_t *table, u64 ia)
{
	const struct kpt_format *fmt = t->config->format;

	for (unsigned int i = 0; i < kpt_entries(fmt); i++)
		kpt_dirt_balance(t, ia + i * kpt_span(fmt, 0), 0, READ_ONCE(table[i]),
				 fmt->empty);
}
