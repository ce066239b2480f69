/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_PGTABLE_LINUX_PROCESSOR_H
#define __KVM_PGTABLE_LINUX_PROCESSOR_H

#include <sched.h>

/* Whoever is waited for may need this CPU. */
#define cpu_relax()	sched_yield()

#endif
