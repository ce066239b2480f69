/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_PGTABLE_LINUX_TRACEPOINT_DEFS_H
#define __KVM_PGTABLE_LINUX_TRACEPOINT_DEFS_H

#include <linux/compiler.h>

struct tracepoint {
	void *probe;
	void *data;
};

#define DECLARE_TRACEPOINT(name)	extern struct tracepoint __tracepoint_##name
#define tracepoint_enabled(name)	(!!READ_ONCE(__tracepoint_##name.probe))

#endif
