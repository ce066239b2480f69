// SPDX-License-Identifier: GPL-2.0-only
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/sched/task.h>

#include "schedule.h"

/* More accesses than an operation on a test's tree can need. */
#define MOST_POINTS	BIT(20)

/**
 * struct kpt_actor - a thread
 * @schedule:	schedule
 * @task:	task
 * @turn:	completed to let it run
 * @walks:	nesting of operations
 * @points:	scheduling points that its operation has passed
 * @call:	its operation, or NULL
 * @result:	return value of the operation
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
 * struct kpt_schedule - running thread and state of the lock, only used by one thread at a time
 * @t:		test
 * @actors:	threads
 * @running:	running thread, NULL if it is the test's
 * @over:	completed when all operations have ended
 * @rarity:	switch threads at one of @rarity scheduling points
 * @idle:	called at random
 * @arg:	argument of @idle
 * @readers:	bit n is set during an operation of thread n
 * @shared:	number of threads that hold the lock for read
 * @exclusive:	a thread holds the lock for write
 * @stuck:	the operation of the running thread will never end
 * @stopping:	threads have to exit
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

/* Switching threads */

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

/* Put a thread that spins forever to sleep, so that the failure can be reported. */
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

/* Lock as a client does; ageing and lookups do not need the lock. */
static long operate(struct kpt_schedule *s, struct kpt_call *c)
{
	bool locks = c->op != KPT_OP_AGE && c->op != KPT_OP_LOOKUP;
	bool shared = c->shared;
	long ret;

	if (locks)
		lock(s, shared);
	ret = s->t->config->run(c);
	kpt_test_do_flush(s->t, &c->flush);
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
		calls[i].flush = (struct kpt_flush) {};
		s->actors[i].call = &calls[i];
	}

	s->t->schedule = s;
	s->t->yields = 0;
	give_turn(s, choose_busy(s));
	wait_for_completion(&s->over);
	/* The threads cannot be stopped, so abort without cleaning up. */
	if (s->stuck)
		KUNIT_FAIL_AND_ABORT(s->t->kunit,
				     "invariant 6: operation %d waits forever",
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
		/* One CPU is faster, there are no wakeups across CPUs. */
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
