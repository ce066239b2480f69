/* SPDX-License-Identifier: GPL-2.0-only */
/* Parameters are given on the command line, as the kernel's are. */
#ifndef __KVM_PGTABLE_LINUX_MODULEPARAM_H
#define __KVM_PGTABLE_LINUX_MODULEPARAM_H

#include <linux/types.h>

typedef unsigned int uint;
typedef unsigned long ulong;
typedef char *charp;

struct kernel_param {
	const char *name;
	const char *type;
	void *value;
	struct kernel_param *next;
};

void kpt_add_param(struct kernel_param *param);

/* The prefix is what it is where the parameter stands. */
#define module_param(name, type, mode)						\
static __attribute__((constructor)) void __add_##name(void)			\
{										\
	static struct kernel_param param = {					\
		MODULE_PARAM_PREFIX #name, #type, (type *){ &name },		\
	};									\
										\
	kpt_add_param(&param);							\
}

#define core_param(name, var, type, mode)	module_param(name, type, mode)

#define MODULE_PARM_DESC(name, text)
#define MODULE_PARAM_PREFIX

#endif
