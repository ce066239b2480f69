// SPDX-License-Identifier: GPL-2.0-only
#include "choose.h"

bool kpt_unmaps_alone(const struct kpt_config *config, enum kpt_op op)
{
	bool breaks = config->arch->conflicts && !config->no_break;

	return breaks &&
	       (op == KPT_OP_UNMAP || op == KPT_OP_ZAP || op == KPT_OP_ANNOTATE);
}

u64 kpt_choose_cell(const struct kpt_model *m)
{
	const struct kpt_format *fmt = m->t->config->format;
	unsigned int i = kpt_test_random(m->t, m->count);

	if (kpt_test_random(m->t, 2))
		i = ALIGN_DOWN(i, kpt_entries(fmt));
	return m->base + i * kpt_span(fmt, m->unit);
}

static void choose_range(const struct kpt_model *m, struct kpt_call *c)
{
	u64 cell = kpt_span(m->t->config->format, m->unit);
	u64 large = kpt_span(m->t->config->format, m->unit + 1);
	u64 length[] = { cell, (1 + kpt_test_random(m->t, 16)) * cell, large,
			 large + (1 + kpt_test_random(m->t, 8)) * cell, 2 * large, 4 * large };

	c->start = kpt_choose_cell(m);
	c->end = min(c->start + length[kpt_test_random(m->t, ARRAY_SIZE(length))],
		     kpt_model_end(m));
}

/* Random permissions and memory type, and memory with or without block alignment. */
static void choose_memory(const struct kpt_model *m, struct kpt_call *c)
{
	static const unsigned int prots[] = {
		KPT_RWX, KPT_RWX, KPT_RW, KPT_R | KPT_X | KPT_UX, KPT_R, KPT_RW | KPT_DEVICE,
	};
	const struct kpt_config *config = m->t->config;
	const struct kpt_format *fmt = config->format;
	u64 oa = kpt_span(fmt, fmt->levels - 3 > m->unit ? m->unit + 2 : m->unit + 1);

	if (!kpt_test_random(m->t, 8))
		oa += kpt_span(fmt, m->unit);
	c->oa = oa + c->start - m->base;
	c->value = fmt->attrs(prots[kpt_test_random(m->t, ARRAY_SIZE(prots))], config->features);
	c->level = m->unit + kpt_test_random(m->t, 2);
}

/* If a format does not allow leaves to be remapped, check that none would be. */
static bool acceptable(const struct kpt_model *m, const struct kpt_call *c)
{
	const struct kpt_format *fmt = m->t->config->format;
	u64 cell = kpt_span(fmt, m->unit);
	u64 rest = ~fmt->soft & kpt_rest_mask(m->t->config);

	if (!(kpt_rule(fmt, KPT_REMAP) & KPT_REFUSED) || c->op != KPT_OP_MAP)
		return true;

	for (u64 ia = c->start; ia < c->end; ia += cell) {
		const struct kpt_cell *is = &m->cells[(ia - m->base) / cell];

		if (is->kind == KPT_CELL_LEAF && (is->oa != c->oa + ia - c->start ||
						  (is->rest ^ c->value) & rest))
			return false;
	}
	return true;
}

static void choose_annotation(const struct kpt_model *m, struct kpt_call *c)
{
	const struct kpt_format *fmt = m->t->config->format;
	u64 bit = fmt->soft ? BIT_ULL(__ffs64(fmt->soft)) : 0;

	c->level = m->unit + kpt_test_random(m->t, 2);
	c->value = kpt_test_random(m->t, 3) ? fmt->empty | bit : fmt->empty;
}

static void take_write(const struct kpt_model *m, struct kpt_call *c)
{
	c->clear = m->t->config->format->write;
	c->set = m->t->config->format->read_only;
}

static void choose_mask(const struct kpt_model *m, struct kpt_call *c)
{
	const struct kpt_format *fmt = m->t->config->format;
	unsigned int pages = min_t(u64, 64, (kpt_model_end(m) - c->start) >> fmt->page_shift);

	c->end = c->start + ((u64)pages << fmt->page_shift);
	c->mask = (u64)prandom_u32_state(&m->t->rnd) << 32 | prandom_u32_state(&m->t->rnd);
	c->mask &= GENMASK_ULL(pages - 1, 0);
	c->clear = fmt->write;
	c->shared = false;
}

static bool can_relax(const struct kpt_model *m, const struct kpt_call *c)
{
	const struct kpt_format *fmt = m->t->config->format;
	const struct kpt_cell *is = &m->cells[(c->start - m->base) /
						 kpt_span(fmt, m->unit)];

	return is->kind == KPT_CELL_LEAF && !is->aged;
}

static bool has_dirty(const struct kpt_config *config)
{
	return config->format->dirty && config->features & KPT_FEAT_AD;
}

void kpt_choose_call(const struct kpt_model *m, struct kpt_call *c)
{
	static const enum kpt_op ops[] = {
		KPT_OP_MAP, KPT_OP_MAP, KPT_OP_MAP, KPT_OP_ANNOTATE, KPT_OP_UNMAP, KPT_OP_ZAP,
		KPT_OP_WRPROT, KPT_OP_PROTECT, KPT_OP_CLEAR_DIRTY, KPT_OP_CLEAR_MASK,
		KPT_OP_RELAX, KPT_OP_AGE, KPT_OP_SPLIT, KPT_OP_COLLAPSE,
	};
	const struct kpt_format *fmt = m->t->config->format;
	int unit = m->unit;

	*c = (struct kpt_call) {
		.op = ops[kpt_test_random(m->t, ARRAY_SIZE(ops))],
		.shared = kpt_test_random(m->t, 2),
		.noflush = kpt_test_random(m->t, 2),
		.level = unit,
	};
	choose_range(m, c);

	switch (c->op) {
	case KPT_OP_MAP:
		choose_memory(m, c);
		if (!acceptable(m, c))
			*c = (struct kpt_call) { .op = KPT_OP_UNMAP, .start = c->start,
						 .end = c->end, .shared = c->shared };
		break;
	case KPT_OP_ANNOTATE:
		choose_annotation(m, c);
		break;
	case KPT_OP_UNMAP:
		c->what = (kpt_test_random(m->t, 2) ? KPT_TABLES : 0) | KPT_YIELDS;
		break;
	case KPT_OP_ZAP:
		c->level = min(unit + (int)kpt_test_random(m->t, 3), (int)m->t->tree.top);
		break;
	case KPT_OP_PROTECT:
		take_write(m, c);
		c->clear |= fmt->fast_write;
		break;
	case KPT_OP_CLEAR_DIRTY:
		c->clear = has_dirty(m->t->config) ? fmt->dirty : 0;
		if (!c->clear)
			c->op = KPT_OP_WRPROT;
		c->what = KPT_YIELDS;
		break;
	case KPT_OP_CLEAR_MASK:
		choose_mask(m, c);
		break;
	case KPT_OP_RELAX:
		c->end = c->start + kpt_span(fmt, 0);
		c->prot = kpt_test_random(m->t, 2) ? KPT_W : KPT_RWX;
		if (!can_relax(m, c))
			c->op = KPT_OP_WRPROT;
		break;
	case KPT_OP_COLLAPSE:
		c->shared = false;
		c->what = KPT_YIELDS;
		break;
	case KPT_OP_AGE:
		c->shared = true;
		c->noflush = false;
		c->clear = m->t->config->saved ? fmt->perm_mask & ~fmt->write : fmt->accessed;
		break;
	default:
		c->what = KPT_YIELDS;
	}
}

void kpt_describe_call(struct kpt_test *t, const struct kpt_call *c, long ret)
{
	kunit_info(t->kunit, "%ld from operation %d on %#llx to %#llx, shared %d, noflush %d, what %#x, level %d, value %#llx, oa %#llx, mask %#llx, clear %#llx, set %#llx, prot %#x",
		   ret, c->op, c->start, c->end, c->shared, c->noflush, c->what, c->level,
		   c->value, c->oa, c->mask, c->clear, c->set, c->prot);
}
