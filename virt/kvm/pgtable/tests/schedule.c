// SPDX-License-Identifier: GPL-2.0-only
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/sched/task.h>

#include "schedule.h"

/* No operation on a tree of a test's size reads or writes so many entries. */
#define MOST_POINTS	BIT(20)

/**
 * struct kpt_actor - a thread
 * @schedule:	schedule
 * @task:	task
 * @turn:	it may run
 * @walks:	walks that it is inside of
 * @points:	points that its operation has passed
 * @call:	its operation; NULL: it has none
 * @result:	what that returned
 */
struct kpt_actor {
	struct kpt_schedule *schedule;
	struct task_struct *task;
	struct completion turn;
	unsigned int walks;
	unsigned int points;
	struct kpt_call *call;
	long result;
};

/**
 * struct kpt_schedule - who runs, and who holds the tree's lock; all are one thread's at a time
 * @t:		test
 * @actors:	threads
 * @running:	the one whose turn it is; NULL: it is the test's
 * @over:	no thread has anything left to do
 * @rarity:	one point in so many changes who runs
 * @idle:	what a thread does now and then
 * @arg:	for @idle
 * @readers:	bit n is set while thread n is inside a walk
 * @shared:	how many hold the lock for read
 * @exclusive:	somebody holds it for write
 * @stuck:	the operation whose turn it is will never end
 * @stopping:	threads are to end
 */
struct kpt_schedule {
	struct kpt_test *t;
	struct kpt_actor actors[KPT_ACTORS];
	struct kpt_actor *running;
	struct completion over;
	unsigned int rarity;
	void (*idle)(void *arg);
	void *arg;
	unsigned long readers;
	unsigned int shared;
	bool exclusive;
	bool stuck;
	bool stopping;
};

/* Whose turn it is */

static struct kpt_actor *choose_busy(struct kpt_schedule *s)
{
	unsigned int busy = 0;

	for (int i = 0; i < KPT_ACTORS; i++)
		busy += !!s->actors[i].call;
	if (!busy)
		return NULL;

	busy = kpt_test_random(s->t, busy);
	for (struct kpt_actor *a = s->actors;; a++)
		if (a->call && !busy--)
			return a;
}

static void give_turn(struct kpt_schedule *s, struct kpt_actor *to)
{
	s->running = to;
	if (!to) {
		complete(&s->over);
		return;
	}
	s->t->cpu = to - s->actors;
	complete(&to->turn);
}

static void pass(struct kpt_schedule *s)
{
	struct kpt_actor *from = s->running, *to = choose_busy(s);

	if (to == from)
		return;
	give_turn(s, to);
	wait_for_completion(&from->turn);
}

/* What waits in a loop keeps a CPU from all else, even from printing that it does. */
static void give_up(struct kpt_schedule *s)
{
	static DECLARE_COMPLETION(never);

	s->stuck = true;
	complete(&s->over);
	wait_for_completion(&never);
}

void kpt_schedule_point(struct kpt_schedule *s)
{
	if (!s->running)
		return;
	if (++s->running->points == MOST_POINTS)
		give_up(s);
	if (kpt_test_random(s->t, s->rarity))
		return;
	if (!kpt_test_random(s->t, 2))
		s->idle(s->arg);
	pass(s);
}

/* Readers */

static unsigned long me(const struct kpt_schedule *s)
{
	return BIT(s->running - s->actors);
}

void kpt_schedule_begin(struct kpt_schedule *s)
{
	kpt_schedule_point(s);
	s->running->walks++;
	s->readers |= me(s);
}

unsigned long kpt_schedule_end(struct kpt_schedule *s)
{
	if (--s->running->walks)
		return 0;

	s->readers &= ~me(s);
	return me(s);
}

unsigned long kpt_schedule_readers(const struct kpt_schedule *s)
{
	return s->readers;
}

/* The lock */

static void lock(struct kpt_schedule *s, bool shared)
{
	while (s->exclusive || (!shared && s->shared))
		pass(s);
	if (shared)
		s->shared++;
	else
		s->exclusive = true;
}

static void unlock(struct kpt_schedule *s, bool shared)
{
	if (shared)
		s->shared--;
	else
		s->exclusive = false;
}

void kpt_schedule_yield(struct kpt_schedule *s, bool shared)
{
	unlock(s, shared);
	kpt_schedule_point(s);
	lock(s, shared);
}

/* Operations */

/* As a client: what takes no lock is what KVM does without one. */
static long operate(struct kpt_schedule *s, struct kpt_call *c)
{
	bool locks = c->op != KPT_OP_AGE && c->op != KPT_OP_LOOKUP;
	bool shared = c->shared;
	long ret;

	if (locks)
		lock(s, shared);
	ret = s->t->config->run(c);
	kpt_test_pay(s->t, &c->debt);
	if (locks)
		unlock(s, shared);
	return ret;
}

static int act(void *data)
{
	struct kpt_actor *a = data;
	struct kpt_schedule *s = a->schedule;

	for (;;) {
		wait_for_completion(&a->turn);
		if (s->stopping)
			return 0;
		a->points = 0;
		a->result = operate(s, a->call);
		a->call = NULL;
		give_turn(s, choose_busy(s));
	}
}

void kpt_schedule_run(struct kpt_schedule *s, struct kpt_call *calls, long *results,
		      void (*idle)(void *arg), void *arg)
{
	s->idle = idle;
	s->arg = arg;
	s->rarity = 4 << kpt_test_random(s->t, 8);
	for (unsigned int i = 0; i < KPT_ACTORS; i++) {
		calls[i].tree = &s->t->tree;
		calls[i].debt = (struct kpt_debt) {};
		s->actors[i].call = &calls[i];
	}

	s->t->schedule = s;
	s->t->yields = 0;
	give_turn(s, choose_busy(s));
	wait_for_completion(&s->over);
	/* Its thread keeps what it has, and all others sleep: nothing can be taken down. */
	if (s->stuck)
		KUNIT_FAIL_AND_ABORT(s->t->kunit,
				     "invariant 6: operation %d waits for what nobody will do",
				     s->running->call->op);
	s->t->schedule = NULL;
	s->t->cpu = 0;
	for (unsigned int i = 0; i < KPT_ACTORS; i++)
		results[i] = s->actors[i].result;
}

struct kpt_schedule *kpt_schedule_start(struct kpt_test *t)
{
	struct kpt_schedule *s = kunit_kzalloc(t->kunit, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(t->kunit, s);
	s->t = t;
	init_completion(&s->over);
	for (int i = 0; i < KPT_ACTORS; i++) {
		struct kpt_actor *a = &s->actors[i];

		a->schedule = s;
		init_completion(&a->turn);
		a->task = kthread_create(act, a, "kpt_actor/%d", i);
		KUNIT_ASSERT_FALSE(t->kunit, IS_ERR(a->task));
		get_task_struct(a->task);
		/* All on one CPU: who runs next need not be woken on another. */
		kthread_bind(a->task, cpumask_first(cpu_online_mask));
		wake_up_process(a->task);
	}
	return s;
}

void kpt_schedule_stop(struct kpt_schedule *s)
{
	s->stopping = true;
	for (int i = 0; i < KPT_ACTORS; i++) {
		complete(&s->actors[i].turn);
		kthread_stop(s->actors[i].task);
		put_task_struct(s->actors[i].task);
	}
}
