/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_PGTABLE_LINUX_SCHED_H
#define __KVM_PGTABLE_LINUX_SCHED_H

/* Where threads go on without holding anything, and grace periods end. */
void cond_resched(void);

/* In milliseconds. */
unsigned long kpt_jiffies(void);

#define jiffies			kpt_jiffies()
#define msecs_to_jiffies(ms)	(ms)
#define time_before(a, b)	((long)((a) - (b)) < 0)

#endif
