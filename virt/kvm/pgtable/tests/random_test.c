// SPDX-License-Identifier: GPL-2.0-only
/*
 * Long random sequences of operations on every kind of tree, compared with the
 * model after each, with simulated CPUs at work before and while they run.
 */
#include <linux/moduleparam.h>

#include "env.h"
#include "model.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "kvm_pgtable."

static uint steps = 600;
module_param(steps, uint, 0444);
MODULE_PARM_DESC(steps, "operations per tree, fewer where tables are larger");

struct kpt_random {
	struct kpt_test *t;
	struct kpt_model *m;
	struct kpt_model *other[4];
	struct kpt_call second;
	bool second_ran;
};

static u64 random_cell(struct kpt_random *r)
{
	const struct kpt_format *fmt = r->t->config->format;
	unsigned int i = kpt_test_random(r->t, r->m->count);

	if (kpt_test_random(r->t, 2))
		i = ALIGN_DOWN(i, kpt_entries(fmt));
	return r->m->base + i * kpt_span(fmt, r->m->unit);
}

static void random_range(struct kpt_random *r, struct kpt_call *c)
{
	u64 cell = kpt_span(r->t->config->format, r->m->unit);
	u64 large = kpt_span(r->t->config->format, r->m->unit + 1);
	u64 length[] = { cell, (1 + kpt_test_random(r->t, 16)) * cell, large,
			 large + (1 + kpt_test_random(r->t, 8)) * cell, 2 * large, 4 * large };

	c->start = random_cell(r);
	c->end = min(c->start + length[kpt_test_random(r->t, ARRAY_SIZE(length))],
		     kpt_model_end(r->m));
}

/* Some permissions, some memory type, and memory that allows blocks or does not. */
static void random_memory(struct kpt_random *r, struct kpt_call *c)
{
	static const unsigned int prots[] = {
		KPT_RWX, KPT_RWX, KPT_RW, KPT_R | KPT_X | KPT_UX, KPT_R, KPT_RW | KPT_DEVICE,
	};
	const struct kpt_config *config = r->t->config;
	const struct kpt_format *fmt = config->format;
	u64 oa = kpt_span(fmt, fmt->levels - 3 > r->m->unit ? r->m->unit + 2 : r->m->unit + 1);

	if (!kpt_test_random(r->t, 8))
		oa += kpt_span(fmt, r->m->unit);
	c->oa = oa + c->start - r->m->base;
	c->value = fmt->attrs(prots[kpt_test_random(r->t, ARRAY_SIZE(prots))], config->features);
	c->level = r->m->unit + kpt_test_random(r->t, 2);
}

/* Formats that refuse to give a leaf other memory are asked only for what they accept. */
static bool acceptable(struct kpt_random *r, const struct kpt_call *c)
{
	const struct kpt_format *fmt = r->t->config->format;
	u64 cell = kpt_span(fmt, r->m->unit);
	u64 rest = ~fmt->soft & kpt_rest_mask(r->t->config);

	if (!(kpt_rule(fmt, KPT_REMAP) & KPT_REFUSED) || c->op != KPT_OP_MAP)
		return true;

	for (u64 ia = c->start; ia < c->end; ia += cell) {
		const struct kpt_cell *is = &r->m->cells[(ia - r->m->base) / cell];

		if (is->kind == KPT_CELL_LEAF && (is->oa != c->oa + ia - c->start ||
						  (is->rest ^ c->value) & rest))
			return false;
	}
	return true;
}

static void random_annotation(struct kpt_random *r, struct kpt_call *c)
{
	const struct kpt_format *fmt = r->t->config->format;
	u64 bit = fmt->soft ? BIT_ULL(__ffs64(fmt->soft)) : 0;

	c->level = r->m->unit + kpt_test_random(r->t, 2);
	c->value = kpt_test_random(r->t, 3) ? fmt->empty | bit : fmt->empty;
}

static void take_write(struct kpt_random *r, struct kpt_call *c)
{
	c->clear = r->t->config->format->write;
	c->set = r->t->config->format->read_only;
}

static void random_mask(struct kpt_random *r, struct kpt_call *c)
{
	const struct kpt_format *fmt = r->t->config->format;
	unsigned int pages = min_t(u64, 64, (kpt_model_end(r->m) - c->start) >> fmt->page_shift);

	c->end = c->start + ((u64)pages << fmt->page_shift);
	c->mask = (u64)prandom_u32_state(&r->t->rnd) << 32 | prandom_u32_state(&r->t->rnd);
	c->mask &= GENMASK_ULL(pages - 1, 0);
	take_write(r, c);
}

static bool can_relax(struct kpt_random *r, const struct kpt_call *c)
{
	const struct kpt_format *fmt = r->t->config->format;
	const struct kpt_cell *is = &r->m->cells[(c->start - r->m->base) /
						 kpt_span(fmt, r->m->unit)];

	return is->kind == KPT_CELL_LEAF && !is->aged;
}

static bool has_dirty(const struct kpt_config *config)
{
	return config->format->dirty && config->features & KPT_FEAT_AD;
}

static void random_call(struct kpt_random *r, struct kpt_call *c)
{
	static const enum kpt_op ops[] = {
		KPT_OP_MAP, KPT_OP_MAP, KPT_OP_MAP, KPT_OP_ANNOTATE, KPT_OP_UNMAP, KPT_OP_ZAP,
		KPT_OP_WRPROT, KPT_OP_PROTECT, KPT_OP_CLEAR_DIRTY, KPT_OP_EDIT_MASK,
		KPT_OP_RELAX, KPT_OP_AGE, KPT_OP_SPLIT, KPT_OP_COLLAPSE,
	};
	const struct kpt_format *fmt = r->t->config->format;
	int unit = r->m->unit;

	*c = (struct kpt_call) {
		.op = ops[kpt_test_random(r->t, ARRAY_SIZE(ops))],
		.shared = kpt_test_random(r->t, 2),
		.owing = kpt_test_random(r->t, 2),
		.level = unit,
		.budget = UINT_MAX,
	};
	random_range(r, c);

	switch (c->op) {
	case KPT_OP_MAP:
		random_memory(r, c);
		if (!acceptable(r, c))
			*c = (struct kpt_call) { .op = KPT_OP_UNMAP, .start = c->start,
						 .end = c->end, .shared = c->shared };
		break;
	case KPT_OP_ANNOTATE:
		random_annotation(r, c);
		break;
	case KPT_OP_UNMAP:
		c->what = (kpt_test_random(r->t, 2) ? KPT_TABLES : 0) | KPT_YIELDS;
		break;
	case KPT_OP_ZAP:
		c->level = min(unit + (int)kpt_test_random(r->t, 3), (int)r->t->tree.top);
		break;
	case KPT_OP_PROTECT:
		take_write(r, c);
		c->clear |= fmt->fast_write;
		break;
	case KPT_OP_CLEAR_DIRTY:
		c->clear = has_dirty(r->t->config) ? fmt->dirty : 0;
		if (!c->clear)
			c->op = KPT_OP_WRPROT;
		c->what = KPT_YIELDS;
		break;
	case KPT_OP_EDIT_MASK:
		random_mask(r, c);
		break;
	case KPT_OP_RELAX:
		c->end = c->start + kpt_span(fmt, 0);
		c->set = fmt->write | fmt->fast_write;
		c->clear = fmt->read_only;
		if (!can_relax(r, c))
			c->op = KPT_OP_WRPROT;
		break;
	case KPT_OP_COLLAPSE:
		c->shared = false;
		c->what = KPT_YIELDS;
		break;
	case KPT_OP_AGE:
		c->shared = true;
		c->owing = false;
		c->clear = r->t->config->saved ? fmt->perm_mask & ~fmt->write : fmt->accessed;
		break;
	default:
		c->what = KPT_YIELDS;
	}
}

/* Simulated CPUs read and write here and there, so that their TLBs are not cold. */
static void guests_run(struct kpt_random *r, unsigned int accesses)
{
	const struct kpt_format *fmt = r->t->config->format;

	while (accesses--) {
		u64 ia = random_cell(r);

		ia += (u64)kpt_test_random(r->t, 1 << min(fmt->index_bits * r->m->unit, 20))
		      << fmt->page_shift;
		kpt_cpu_access(r->t, kpt_test_random(r->t, KPT_TEST_CPUS), ia,
			       kpt_test_random(r->t, 2) ? KPT_W | KPT_R : KPT_R);
	}
}

/* Ageing owes nothing, but where it takes access away somebody must see to it. */
static void settle_ageing(struct kpt_test *t, const struct kpt_call *c)
{
	struct kpt_debt all = { .end = BIT_ULL(t->tree.ia_bits), .owes = KPT_OWES_LEAF };

	if (c->op == KPT_OP_AGE && t->config->saved)
		kpt_test_pay(t, &all);
}

static void describe(struct kpt_test *t, const struct kpt_call *c)
{
	kunit_info(t->kunit, "operation %d on %#llx to %#llx, shared %d, owing %d, what %#x, level %d, value %#llx, oa %#llx, mask %#llx, clear %#llx, set %#llx",
		   c->op, c->start, c->end, c->shared, c->owing, c->what, c->level,
		   c->value, c->oa, c->mask, c->clear, c->set);
}

static void check_step(struct kpt_random *r, const struct kpt_call *c, long ret)
{
	struct kpt_test *t = r->t;

	if (!kpt_test_random(t, 4))
		kpt_test_pay_tracked(t);
	settle_ageing(t, c);
	kpt_cpus_check(t);
	if (c->op == KPT_OP_RELAX)
		kpt_cpus_check_progress(t, c->start, KPT_RW);
	/* A fault that found no memory is taken again. */
	if (c->op == KPT_OP_MAP && !ret)
		kpt_cpus_check_progress(t, c->start, KPT_R);
	kpt_test_check(t);
	if (t->failed)
		describe(t, c);
}

static void plain_step(struct kpt_random *r)
{
	struct kpt_call c;
	long ret;

	random_call(r, &c);
	r->t->cpu = kpt_test_random(r->t, KPT_TEST_CPUS);
	guests_run(r, 12);
	ret = kpt_test_run(r->t, &c);
	if (ret && c.op != KPT_OP_AGE)
		kpt_test_report(r->t, "operation %d returned %ld", c.op, ret);
	kpt_model_apply(r->m, &c);
	kpt_model_compare(r->m);
	check_step(r, &c, ret);
}

static void run_second(struct kpt_test *t)
{
	struct kpt_random *r = t->kunit->priv;

	guests_run(r, 4);
	kpt_test_run(t, &r->second);
	guests_run(r, 4);
	r->second_ran = true;
}

/* Comes between the steps of another operation: must not fail, nor give other memory. */
static void random_second(struct kpt_random *r)
{
	do {
		random_call(r, &r->second);
	} while (r->second.op == KPT_OP_MAP || r->second.op == KPT_OP_ANNOTATE ||
		 r->second.op == KPT_OP_SPLIT || r->second.op == KPT_OP_AGE ||
		 r->second.op == KPT_OP_COLLAPSE);
	r->second.shared = true;
	r->second.owing = false;
	r->second_ran = false;
}

/*
 * An operation that another interrupts at one exchange or one yield, or that
 * gets no memory for its n-th table: each cell is as it was, or as one of the
 * two made it, or as both did in either order.
 */
static void disturbed_step(struct kpt_random *r)
{
	struct kpt_test *t = r->t;
	struct kpt_call c;
	long ret;

	random_call(r, &c);
	random_second(r);
	guests_run(r, 12);
	for (int i = 0; i < ARRAY_SIZE(r->other); i++)
		kpt_model_copy(r->other[i], r->m);

	t->race = (struct kpt_trap) { .at = 1 + kpt_test_random(t, 20), .act = run_second };
	t->yield = (struct kpt_trap) { .at = 1 + kpt_test_random(t, 4), .act = run_second };
	t->alloc = (struct kpt_trap) { .at = 1 + kpt_test_random(t, 4) };
	if (c.shared)
		t->yield.at = 0;
	else
		t->race.at = 0;
	ret = kpt_test_run(t, &c);
	t->race.at = 0;
	t->yield.at = 0;
	t->alloc.at = 0;

	if (c.op != KPT_OP_AGE && ret && ret != -EAGAIN && ret != -ENOMEM &&
	    !(c.op == KPT_OP_RELAX && ret == -ENOENT))
		kpt_test_report(t, "operation %d returned %ld", c.op, ret);

	kpt_model_apply(r->other[1], &c);
	kpt_model_apply(r->other[2], &c);
	if (r->second_ran) {
		kpt_model_apply(r->other[2], &r->second);
		kpt_model_apply(r->other[3], &r->second);
		kpt_model_copy(r->other[0], r->other[3]);
		kpt_model_apply(r->other[3], &c);
	}
	/* Done completely, the second included; or not done, which only an error excuses. */
	if (ret && c.op != KPT_OP_AGE)
		kpt_model_compare_any(r->m, r->other, 4);
	else
		kpt_model_compare_any(r->m, r->other + (r->second_ran ? 2 : 1),
				      r->second_ran ? 2 : 3);
	check_step(r, &c, ret);
	if (t->failed) {
		kunit_info(t->kunit, "it returned %ld; disturbed: %d, by:", ret, r->second_ran);
		describe(t, &r->second);
	}
}

static void random_sequence(struct kunit *test, int unit)
{
	struct kpt_test *t = kpt_test_start(test, test->param_value);
	struct kpt_random r = { .t = t, .m = kpt_model_create(t, unit) };
	unsigned int count = max(steps * 512 / kpt_entries(t->config->format), steps / 4);

	for (int i = 0; i < ARRAY_SIZE(r.other); i++)
		r.other[i] = kpt_model_create(t, unit);
	test->priv = &r;
	t->dirt = r.m;
	kpt_test_seed(t);

	for (int step = 0; step < count && !t->failed; step++) {
		if (step % 4 == 3)
			disturbed_step(&r);
		else
			plain_step(&r);
		if (!(step % 64))
			rcu_barrier();
	}
	t->dirt = NULL;
	kpt_test_finish(t);
}

static void random_pages(struct kunit *test)
{
	random_sequence(test, 0);
}

static void random_blocks(struct kunit *test)
{
	const struct kpt_config *config = test->param_value;
	int unit = 0;

	for (int level = 1; level < config->levels - 1; level++)
		if (kpt_block_level(config->format, level))
			unit = level;
	random_sequence(test, unit);
}

static struct kunit_case random_cases[] = {
	KUNIT_CASE_PARAM(random_pages, kpt_next_config),
	KUNIT_CASE_PARAM(random_blocks, kpt_next_config),
	{}
};

static struct kunit_suite random_suite = {
	.name = "kvm_pgtable_random",
	.test_cases = random_cases,
};

kunit_test_suite(random_suite);
