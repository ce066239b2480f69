/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints that have one probe at most, and print nothing. */
#ifndef __KVM_PGTABLE_LINUX_TRACEPOINT_H
#define __KVM_PGTABLE_LINUX_TRACEPOINT_H

#include <linux/errno.h>
#include <linux/tracepoint-defs.h>

#define TP_PROTO(...)	__VA_ARGS__
#define TP_ARGS(...)	__VA_ARGS__
#define TRACE_DEFINE_ENUM(name)

/* Defined wherever the events are included, and merged by the linker. */
#define TRACE_EVENT(name, proto, args, ...)					\
	struct tracepoint __tracepoint_##name __weak;		\
										\
static inline void trace_##name(proto)						\
{										\
	void (*probe)(void *data, proto) = READ_ONCE(__tracepoint_##name.probe); \
										\
	if (probe)								\
		probe(__tracepoint_##name.data, args);				\
}										\
										\
static inline int register_trace_##name(void (*probe)(void *data, proto), void *data) \
{										\
	if (__tracepoint_##name.probe)						\
		return -EEXIST;							\
	__tracepoint_##name.data = data;					\
	WRITE_ONCE(__tracepoint_##name.probe, probe);				\
	return 0;								\
}										\
										\
static inline void unregister_trace_##name(void (*probe)(void *data, proto), void *data) \
{										\
	WRITE_ONCE(__tracepoint_##name.probe, NULL);				\
}

/* Probes come and go while no other thread is. */
#define tracepoint_synchronize_unregister()	do { } while (0)

#endif
