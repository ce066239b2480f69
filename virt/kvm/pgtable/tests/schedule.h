/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads that run one at a time.  Each time the running thread accesses an entry,
 * flushes or begins an operation, the test's random number generator may select
 * another one.  Every interleaving is possible, and a seed reproduces it.
 */
#ifndef __KVM_PGTABLE_TESTS_SCHEDULE_H
#define __KVM_PGTABLE_TESTS_SCHEDULE_H

#include "env.h"

#define KPT_ACTORS	3

struct kpt_schedule *kpt_schedule_start(struct kpt_test *t);
void kpt_schedule_stop(struct kpt_schedule *s);

/**
 * kpt_schedule_run() - Run one operation per thread until all have ended
 * @s: schedule
 * @calls: KPT_ACTORS operations
 * @results: return values of the operations
 * @idle: called at random by the running thread
 * @arg: argument of @idle
 */
void kpt_schedule_run(struct kpt_schedule *s, struct kpt_call *calls, long *results,
		      void (*idle)(void *arg), void *arg);

/* Possibly switch from the running thread to another one. */
void kpt_schedule_point(struct kpt_schedule *s);

/*
 * Begin and end an operation of the running thread, which may be nested.  Until the
 * outermost one ends, the bit of the thread is set in kpt_schedule_readers().
 * kpt_schedule_end() returns that bit if it has been cleared, or 0.
 */
void kpt_schedule_begin(struct kpt_schedule *s);
unsigned long kpt_schedule_end(struct kpt_schedule *s);
unsigned long kpt_schedule_readers(const struct kpt_schedule *s);

/* Drop and reacquire the lock of the running thread. */
void kpt_schedule_yield(struct kpt_schedule *s, bool shared);

#endif /* __KVM_PGTABLE_TESTS_SCHEDULE_H */
