/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads of which one runs at a time.  Wherever one reads or writes an entry, pays
 * or enters a walk, a choice from the test's seed says who goes on: every interleaving
 * can happen, and a seed repeats it.
 */
#ifndef __KVM_PGTABLE_TESTS_SCHEDULE_H
#define __KVM_PGTABLE_TESTS_SCHEDULE_H

#include "env.h"

#define KPT_ACTORS	3

struct kpt_schedule *kpt_schedule_start(struct kpt_test *t);
void kpt_schedule_stop(struct kpt_schedule *s);

/**
 * kpt_schedule_run() - run operations, one per thread, until all have ended
 * @s: schedule
 * @calls: operations, KPT_ACTORS of them
 * @results: receives what they return
 * @idle: called now and then by the thread whose turn it is
 * @arg: for @idle
 */
void kpt_schedule_run(struct kpt_schedule *s, struct kpt_call *calls, long *results,
		      void (*idle)(void *arg), void *arg);

/* The thread whose turn it is lets others go first, perhaps. */
void kpt_schedule_point(struct kpt_schedule *s);

/*
 * A walk of its begins, and ends; until the last has ended it is one of the readers,
 * of which each has a bit.  The end says who is none any more.
 */
void kpt_schedule_begin(struct kpt_schedule *s);
unsigned long kpt_schedule_end(struct kpt_schedule *s);
unsigned long kpt_schedule_readers(const struct kpt_schedule *s);

/* It gives the lock away and takes it again. */
void kpt_schedule_yield(struct kpt_schedule *s, bool shared);

#endif /* __KVM_PGTABLE_TESTS_SCHEDULE_H */
