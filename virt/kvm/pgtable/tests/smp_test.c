// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that change one tree at once, while a simulated guest writes to it: all
 * that is counted must add up afterwards, and nobody may meet a freed table.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/kthread.h>
#include <linux/moduleparam.h>

#include "env.h"
#include "model.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "kvm_pgtable."

static uint rounds = 2000;
module_param(rounds, uint, 0444);
MODULE_PARM_DESC(rounds, "operations per thread");

static uint stress_ms;
module_param(stress_ms, uint, 0444);
MODULE_PARM_DESC(stress_ms, "milliseconds that each kind of tree is worked on, instead of rounds");

static char *only = "";
module_param(only, charp, 0444);
MODULE_PARM_DESC(only, "part of the name of the kinds of tree to work on");

#define PAGES	16

struct kpt_thread {
	struct kpt_test *t;
	struct rnd_state rnd;
	bool exclusive;
	u64 base;
	unsigned long deadline;
	unsigned long operations;
	unsigned long retries;
	long unexpected;
	struct completion done;
};

static u32 below(struct kpt_thread *th, u32 limit)
{
	return prandom_u32_state(&th->rnd) % limit;
}

/* Around a boundary of blocks: pages on both sides, now and then the blocks themselves. */
static void choose(struct kpt_thread *th, struct kpt_call *c)
{
	static const enum kpt_op ops[] = {
		KPT_OP_MAP, KPT_OP_MAP, KPT_OP_UNMAP, KPT_OP_WRPROT, KPT_OP_CLEAR_DIRTY, KPT_OP_AGE,
		KPT_OP_LOOKUP, KPT_OP_RELAX, KPT_OP_ZAP,
	};
	const struct kpt_format *fmt = th->t->config->format;
	u64 page = kpt_span(fmt, 0);

	*c = (struct kpt_call) {
		.op = ops[below(th, ARRAY_SIZE(ops) - th->exclusive)],
		.tree = &th->t->tree,
		.shared = !th->exclusive,
		.start = th->base + below(th, PAGES) * page,
		.value = fmt->attrs(KPT_RWX, th->t->config->features) & ~fmt->dirty,
	};
	c->end = min(c->start + (1 + below(th, 4)) * page, th->base + PAGES * page);
	c->oa = c->start;
	if (c->op == KPT_OP_CLEAR_DIRTY)
		c->clear = fmt->dirty ?: fmt->write;
	if (c->op == KPT_OP_RELAX) {
		c->set = fmt->write | fmt->fast_write;
		c->clear = fmt->read_only;
	}
	if (c->op == KPT_OP_AGE) {
		c->clear = fmt->accessed;
		c->shared = true;
	}
	if (c->op == KPT_OP_UNMAP && !th->exclusive)
		c->what = below(th, 2) ? KPT_TABLES : 0;
	if (c->op == KPT_OP_ZAP)
		c->level = below(th, 2);
}

static bool goes_on(const struct kpt_thread *th)
{
	return stress_ms ? time_before(jiffies, th->deadline) : th->operations < rounds;
}

static int work(void *data)
{
	struct kpt_thread *th = data;
	struct kpt_call c;
	long ret;

	for (; goes_on(th); th->operations++) {
		choose(th, &c);
		ret = th->t->config->run(&c);
		if (ret == -EAGAIN)
			th->retries++;
		else if (ret < 0 && ret != -ENOENT)
			th->unexpected = ret;
		if (!(th->operations % 64))
			cond_resched();
	}
	complete(&th->done);
	return 0;
}

static void begin(struct kpt_thread *th, struct kpt_test *t, unsigned int n, bool exclusive)
{
	struct task_struct *task;

	*th = (struct kpt_thread) {
		.t = t,
		.exclusive = exclusive,
		.base = t->balance_base,
		.deadline = jiffies + msecs_to_jiffies(stress_ms),
	};
	prandom_seed_state(&th->rnd, prandom_u32_state(&t->rnd) + n);
	init_completion(&th->done);
	task = kthread_run(work, th, "kpt_test/%u", n);
	KUNIT_ASSERT_FALSE(t->kunit, IS_ERR(task));
}

/* The guest on this CPU, until the threads are done. */
static void guest(struct kpt_test *t, struct kpt_thread *threads, unsigned int count)
{
	u64 page = kpt_span(t->config->format, 0);

	for (unsigned int i = 0; i < count; i++)
		while (!try_wait_for_completion(&threads[i].done)) {
			kpt_cpu_access(t, kpt_test_random(t, KPT_TEST_CPUS),
				       t->balance_base + kpt_test_random(t, PAGES) * page, KPT_RW);
			cond_resched();
		}
}

static void add_up(struct kpt_test *t, u64 ia, int level, kpt_pte_t pte, void *arg)
{
	const struct kpt_format *fmt = t->config->format;

	if (kpt_is_leaf(fmt, pte, level) && pte & fmt->dirty)
		kpt_dirt_set(t, ia);
}

static void report(struct kpt_test *t, const struct kpt_thread *threads, unsigned int count)
{
	unsigned long operations = 0, retries = 0;

	for (unsigned int i = 0; i < count; i++) {
		operations += threads[i].operations;
		retries += threads[i].retries;
	}
	kunit_info(t->kunit, "%s: %lu operations, %lu retries, %d invalidations, %ld tables freed\n",
		   t->config->name, operations, retries, atomic_read(&t->invalidations),
		   atomic_long_read(&t->reclaimed));
}

static void run_threads(struct kunit *test, unsigned int count, bool exclusive)
{
	const struct kpt_config *config = test->param_value;
	struct kpt_thread *threads = kunit_kcalloc(test, count, sizeof(*threads), GFP_KERNEL);
	atomic_t *balance = kunit_kcalloc(test, PAGES, sizeof(*balance), GFP_KERNEL);
	atomic_t *left = kunit_kcalloc(test, PAGES, sizeof(*left), GFP_KERNEL);
	struct kpt_test *t;

	if (!strstr(config->name, only))
		kunit_skip(test, "not asked for");

	t = kpt_test_start(test, config);
	KUNIT_ASSERT_NOT_NULL(test, threads);
	KUNIT_ASSERT_NOT_NULL(test, balance);
	KUNIT_ASSERT_NOT_NULL(test, left);
	kpt_test_seed(t);
	t->threads = true;
	t->balance = balance;
	t->balance_count = PAGES;
	t->balance_base = kpt_span(config->format, 1) - PAGES / 2 * kpt_span(config->format, 0);

	for (unsigned int i = 0; i < count; i++)
		begin(&threads[i], t, i, exclusive);
	guest(t, threads, count);
	t->threads = false;
	report(t, threads, count);

	t->balance = left;
	kpt_test_read(t, add_up, NULL);
	for (unsigned int i = 0; i < count; i++)
		KUNIT_EXPECT_EQ(test, threads[i].unexpected, 0);
	for (unsigned int i = 0; i < PAGES; i++)
		KUNIT_EXPECT_EQ_MSG(test, atomic_read(&balance[i]), atomic_read(&left[i]),
				    "%s: invariant 1: writes to page %u are lost", config->name, i);
	kpt_cpus_check(t);
	kpt_test_check(t);
	t->balance = NULL;
	kpt_test_finish(t);
}

static void shared_walks_at_once(struct kunit *test)
{
	run_threads(test, 2, false);
}

static void exclusive_walk_and_a_guest(struct kunit *test)
{
	run_threads(test, 1, true);
}

static void more_than_one_cpu(struct kunit *test)
{
	KUNIT_EXPECT_GT(test, num_online_cpus(), IS_ENABLED(CONFIG_SMP) ? 1 : 0);
}

static struct kunit_case smp_cases[] = {
	KUNIT_CASE(more_than_one_cpu),
	KUNIT_CASE_PARAM(shared_walks_at_once, kpt_next_config),
	KUNIT_CASE_PARAM(exclusive_walk_and_a_guest, kpt_next_config),
	{}
};

static struct kunit_suite smp_suite = {
	.name = "kvm_pgtable_smp",
	.test_cases = smp_cases,
};

kunit_test_suite(smp_suite);
