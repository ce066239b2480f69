/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_PGTABLE_LINUX_RCUPDATE_H
#define __KVM_PGTABLE_LINUX_RCUPDATE_H

#include <linux/bug.h>
#include <linux/types.h>

void rcu_read_lock(void);
void rcu_read_unlock(void);
bool rcu_read_lock_held(void);
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
void rcu_barrier(void);

#define RCU_LOCKDEP_WARN(condition, text)	((void)WARN_ON(condition))

#endif
