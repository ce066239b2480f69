/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_PGTABLE_LINUX_CPUMASK_H
#define __KVM_PGTABLE_LINUX_CPUMASK_H

#define cpu_online_mask		NULL
#define cpumask_first(mask)	0

unsigned int num_online_cpus(void);

#endif
