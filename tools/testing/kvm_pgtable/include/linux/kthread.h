/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_PGTABLE_LINUX_KTHREAD_H
#define __KVM_PGTABLE_LINUX_KTHREAD_H

#include <linux/completion.h>
#include <linux/err.h>
#include <linux/sched.h>

struct task_struct;

__printf(3, 4)
struct task_struct *kthread_create(int (*run)(void *data), void *data, const char *name, ...);
void kthread_bind(struct task_struct *task, unsigned int cpu);
void wake_up_process(struct task_struct *task);
int kthread_stop(struct task_struct *task);
void get_task_struct(struct task_struct *task);
void put_task_struct(struct task_struct *task);

#define kthread_run(run, data, ...)						\
({										\
	struct task_struct *__task = kthread_create(run, data, __VA_ARGS__);	\
										\
	wake_up_process(__task);						\
	__task;									\
})

#endif
