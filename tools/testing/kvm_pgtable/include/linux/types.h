/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_PGTABLE_LINUX_TYPES_H
#define __KVM_PGTABLE_LINUX_TYPES_H

#include_next <linux/types.h>

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

#endif
