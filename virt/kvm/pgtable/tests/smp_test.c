// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several threads change one tree, while a simulated guest writes to it.  At the end,
 * the accounting must match the tree, and freed tables must not have been used.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/kthread.h>
#include <linux/moduleparam.h>
#include <linux/rwsem.h>
#include <linux/seq_file.h>

#include "choose.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "kvm_pgtable."

static uint rounds = 2000;
module_param(rounds, uint, 0444);
MODULE_PARM_DESC(rounds, "operations per thread");

static uint stress_ms;
module_param(stress_ms, uint, 0444);
MODULE_PARM_DESC(stress_ms, "duration of the test of each tree in milliseconds, overrides rounds");

static char *only = "";
module_param(only, charp, 0444);
MODULE_PARM_DESC(only, "substring of the names of the trees to test");

#define PAGES	16

/* State shared by the threads: a tree and its lock, which most operations take as in KVM. */
struct kpt_crowd {
	struct kpt_test *t;
	struct rw_semaphore lock;
	u64 base;
	bool exclusive;
};

struct kpt_thread {
	struct kpt_crowd *crowd;
	struct rnd_state rnd;
	unsigned long deadline;
	unsigned long operations;
	unsigned long retries;
	long unexpected;
	struct seq_file dump;
	struct completion done;
};

static u32 below(struct kpt_thread *th, u32 limit)
{
	return prandom_u32_state(&th->rnd) % limit;
}

/* Pages on both sides of a block boundary, or sometimes the blocks, or the whole tree. */
static void choose_range(struct kpt_thread *th, struct kpt_call *c)
{
	const struct kpt_crowd *crowd = th->crowd;
	const struct kpt_format *fmt = crowd->t->config->format;
	u64 page = kpt_span(fmt, 0), block = kpt_span(fmt, 1);
	u64 middle = crowd->base + PAGES / 2 * page;

	c->start = crowd->base + below(th, PAGES) * page;
	c->end = min(c->start + (1 + below(th, 4)) * page, crowd->base + PAGES * page);
	if (!crowd->exclusive && !below(th, 8)) {
		c->start = middle - block;
		c->end = middle + block;
		c->level = c->op == KPT_OP_MAP;
	}
	if (c->op == KPT_OP_ZAP && !below(th, 8)) {
		c->start = 0;
		c->end = kpt_tree_end(&crowd->t->tree);
		c->level = crowd->t->tree.top;
	}
}

static void choose_bits(struct kpt_thread *th, struct kpt_call *c)
{
	const struct kpt_config *config = th->crowd->t->config;
	const struct kpt_format *fmt = config->format;

	switch (c->op) {
	case KPT_OP_CLEAR_DIRTY:
		c->clear = fmt->dirty ?: fmt->write;
		break;
	case KPT_OP_CLEAR_MASK:
		c->mask = GENMASK_ULL(min(63, ((c->end - c->start) >> fmt->page_shift) - 1), 0);
		c->mask &= prandom_u32_state(&th->rnd);
		c->clear = fmt->write;
		break;
	case KPT_OP_PROTECT:
		c->clear = fmt->write;
		c->set = fmt->read_only;
		break;
	case KPT_OP_RELAX:
		c->prot = KPT_W;
		break;
	case KPT_OP_AGE:
		c->clear = fmt->accessed;
		break;
	case KPT_OP_UNMAP:
		c->what = !th->crowd->exclusive && below(th, 2) ? KPT_TABLES : 0;
		break;
	case KPT_OP_ANNOTATE:
		c->value = fmt->empty;
		break;
	default:
		break;
	}
}

/* Exclusive operations do not report late writes through tables that they unlink. */
static enum kpt_op choose_op(struct kpt_thread *th)
{
	/* The first needs the lock for write. */
	static const enum kpt_op ops[] = {
		KPT_OP_CLEAR_MASK,
		KPT_OP_MAP, KPT_OP_MAP, KPT_OP_MAP, KPT_OP_UNMAP, KPT_OP_WRPROT, KPT_OP_PROTECT,
		KPT_OP_CLEAR_DIRTY, KPT_OP_AGE, KPT_OP_LOOKUP, KPT_OP_RELAX,
		KPT_OP_SPLIT, KPT_OP_DUMP, KPT_OP_ANNOTATE, KPT_OP_ZAP, KPT_OP_COLLAPSE,
	};
	unsigned int first = !th->crowd->exclusive, count = ARRAY_SIZE(ops) - first;

	if (th->crowd->exclusive)
		count -= 3;
	else if (th->crowd->t->config->format->dirty)
		count -= 1;
	return ops[first + below(th, count)];
}

static void choose(struct kpt_thread *th, struct kpt_call *c)
{
	struct kpt_test *t = th->crowd->t;
	const struct kpt_format *fmt = t->config->format;

	*c = (struct kpt_call) {
		.op = choose_op(th),
		.tree = &t->tree,
		.value = fmt->attrs(KPT_RWX, t->config->features) & ~fmt->dirty,
		.arg = &th->dump,
	};
	choose_range(th, c);
	choose_bits(th, c);
	c->oa = c->start;
	c->shared = c->op == KPT_OP_AGE || c->op == KPT_OP_DUMP ||
		    (!th->crowd->exclusive && c->op != KPT_OP_COLLAPSE &&
		     !kpt_unmaps_alone(t->config, c->op));
}

static long operate(struct kpt_crowd *crowd, struct kpt_call *c)
{
	long ret;

	if (c->op == KPT_OP_AGE || c->op == KPT_OP_LOOKUP)
		return crowd->t->config->run(c);

	if (c->shared)
		down_read(&crowd->lock);
	else
		down_write(&crowd->lock);
	ret = crowd->t->config->run(c);
	if (c->shared)
		up_read(&crowd->lock);
	else
		up_write(&crowd->lock);
	return ret;
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
		ret = operate(th->crowd, &c);
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

static void begin(struct kpt_thread *th, struct kpt_crowd *crowd, unsigned int n)
{
	struct kpt_test *t = crowd->t;
	struct task_struct *task;

	*th = (struct kpt_thread) {
		.crowd = crowd,
		.deadline = jiffies + msecs_to_jiffies(stress_ms),
	};
	prandom_seed_state(&th->rnd, prandom_u32_state(&t->rnd) + n);
	init_completion(&th->done);
	task = kthread_run(work, th, "kpt_test/%u", n);
	KUNIT_ASSERT_FALSE(t->kunit, IS_ERR(task));
}

/* Run the guest on this CPU until the threads are done. */
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
		kpt_dirt_set(t, ia, kpt_span(fmt, level));
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
	struct kpt_crowd crowd = { .exclusive = exclusive };
	struct kpt_test *t;

	if (!strstr(config->name, only))
		kunit_skip(test, "not selected");

	t = kpt_test_start(test, config);
	KUNIT_ASSERT_NOT_NULL(test, threads);
	KUNIT_ASSERT_NOT_NULL(test, balance);
	KUNIT_ASSERT_NOT_NULL(test, left);
	kpt_test_seed(t);
	t->threads = true;
	t->balance = balance;
	t->balance_count = PAGES;
	t->balance_base = kpt_span(config->format, 1) - PAGES / 2 * kpt_span(config->format, 0);

	crowd.t = t;
	crowd.base = t->balance_base;
	init_rwsem(&crowd.lock);
	for (unsigned int i = 0; i < count; i++)
		begin(&threads[i], &crowd, i);
	guest(t, threads, count);
	t->threads = false;
	report(t, threads, count);

	/* Without leaf events, dirty bits are accounted at the end of the grace period. */
	rcu_barrier();
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
