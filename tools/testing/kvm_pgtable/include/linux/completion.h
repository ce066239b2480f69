/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_PGTABLE_LINUX_COMPLETION_H
#define __KVM_PGTABLE_LINUX_COMPLETION_H

#include <semaphore.h>
#include <stdbool.h>

struct completion {
	sem_t done;
};

/* glibc's sem_init() writes nothing but zeros. */
#define DECLARE_COMPLETION(name)	struct completion name = {}

void init_completion(struct completion *x);
void complete(struct completion *x);
void wait_for_completion(struct completion *x);
bool try_wait_for_completion(struct completion *x);

#endif
