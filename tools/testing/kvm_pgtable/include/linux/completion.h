/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_PGTABLE_LINUX_COMPLETION_H
#define __KVM_PGTABLE_LINUX_COMPLETION_H

#include <pthread.h>
#include <stdbool.h>

struct completion {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	unsigned int done;
};

#define DECLARE_COMPLETION(name) \
	struct completion name = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER }

void init_completion(struct completion *x);
void complete(struct completion *x);
void wait_for_completion(struct completion *x);
bool try_wait_for_completion(struct completion *x);

#endif
