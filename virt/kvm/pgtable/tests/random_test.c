// SPDX-License-Identifier: GPL-2.0-only
/*
 * Long random sequences of operations on all trees, each compared with the model, with
 * accesses by simulated CPUs before and during the operations.
 */
#include <linux/moduleparam.h>

#include "choose.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "kvm_pgtable."

static uint steps = 600;
module_param(steps, uint, 0444);
MODULE_PARM_DESC(steps, "operations per tree, fewer if tables are larger");

struct kpt_random {
	struct kpt_test *t;
	struct kpt_model *m;
	struct kpt_model *other[5];
	struct kpt_call second;
	long second_result;
	bool second_ran;
};

/* Access random addresses, to fill the TLBs of the simulated CPUs. */
static void guests_run(struct kpt_random *r, unsigned int accesses)
{
	const struct kpt_format *fmt = r->t->config->format;

	while (accesses--) {
		u64 ia = kpt_choose_cell(r->m);

		ia += (u64)kpt_test_random(r->t, 1 << min(fmt->index_bits * r->m->unit, 20))
		      << fmt->page_shift;
		kpt_cpu_access(r->t, kpt_test_random(r->t, KPT_TEST_CPUS), ia,
			       kpt_test_random(r->t, 2) ? KPT_W | KPT_R : KPT_R);
	}
}

static void check_step(struct kpt_random *r, const struct kpt_call *c, long ret)
{
	struct kpt_test *t = r->t;

	if (!kpt_test_random(t, 4))
		kpt_test_flush_deferred(t);
	if (c->op == KPT_OP_AGE)
		kpt_test_flush_aged(t);
	kpt_cpus_check(t);
	if (c->op == KPT_OP_RELAX)
		kpt_cpus_check_progress(t, c->start, KPT_RW);
	/* After an error, the fault would be retried. */
	if (c->op == KPT_OP_MAP && !ret)
		kpt_cpus_check_progress(t, c->start, KPT_R);
	kpt_test_check(t);
	if (t->failed)
		kpt_describe_call(t, c, ret);
}

static void plain_step(struct kpt_random *r)
{
	struct kpt_call c;
	long ret;

	kpt_choose_call(r->m, &c);
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
	r->second_result = kpt_test_run(t, &r->second);
	guests_run(r, 4);
	r->second_ran = true;
}

/* An operation to interrupt another one; it must neither fail nor change the memory. */
static void random_second(struct kpt_random *r)
{
	do {
		kpt_choose_call(r->m, &r->second);
	} while (r->second.op == KPT_OP_MAP || r->second.op == KPT_OP_ANNOTATE ||
		 r->second.op == KPT_OP_SPLIT || r->second.op == KPT_OP_AGE ||
		 r->second.op == KPT_OP_COLLAPSE || r->second.op == KPT_OP_CLEAR_MASK);
	r->second.shared = true;
	r->second.noflush = false;
	r->second_ran = false;
}

/*
 * Interrupt an operation by another one at an exchange or a yield, or let the n-th
 * allocation of a table fail.  Each cell must be unchanged, or match the result of
 * one operation, or that of both in either order.
 */
static noinline_for_stack void disturbed_step(struct kpt_random *r)
{
	struct kpt_test *t = r->t;
	struct kpt_call c;
	long ret;

	kpt_choose_call(r->m, &c);
	random_second(r);
	guests_run(r, 12);
	kpt_model_confine(r->m, (struct kpt_call []) { c, r->second }, 2);
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
	/* If the first one fails, it may have split entries before the second one runs. */
	kpt_model_push_down(r->other[4], &c);
	if (r->second_ran) {
		kpt_model_apply(r->other[4], &r->second);
		kpt_model_apply(r->other[2], &r->second);
		kpt_model_apply(r->other[3], &r->second);
		kpt_model_copy(r->other[0], r->other[3]);
		kpt_model_apply(r->other[3], &c);
	}
	/* Without an error, both operations must have been completed. */
	if (ret && c.op != KPT_OP_AGE)
		kpt_model_compare_any(r->m, r->other, ARRAY_SIZE(r->other));
	else
		kpt_model_compare_any(r->m, r->other + (r->second_ran ? 2 : 1),
				      r->second_ran ? 2 : 3);
	check_step(r, &c, ret);
	if (t->failed && r->second_ran) {
		kunit_info(t->kunit, "disturbed by:");
		kpt_describe_call(t, &r->second, r->second_result);
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
	random_sequence(test, kpt_largest_unit(test->param_value));
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
