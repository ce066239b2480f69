/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints of the page-table engine, see <kvm/pgtable/trace.h>. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvm_pgtable

#if !defined(_TRACE_KVM_PGTABLE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_KVM_PGTABLE_H

#include <linux/tracepoint.h>

#include <kvm/pgtable/format.h>

TRACE_DEFINE_ENUM(KPT_FLUSH_LOCAL);
TRACE_DEFINE_ENUM(KPT_FLUSH_LEAF);
TRACE_DEFINE_ENUM(KPT_FLUSH_WALK);
TRACE_DEFINE_ENUM(KPT_FLUSH_ALL);

TRACE_EVENT(kvm_pgtable_change,

	TP_PROTO(const void *root, u64 ia, int level, u64 old, u64 new),

	TP_ARGS(root, ia, level, old, new),

	TP_STRUCT__entry(
		__field(const void *,	root)
		__field(u64,		ia)
		__field(u64,		old)
		__field(u64,		new)
		__field(int,		level)
	),

	TP_fast_assign(
		__entry->root	= root;
		__entry->ia	= ia;
		__entry->old	= old;
		__entry->new	= new;
		__entry->level	= level;
	),

	TP_printk("root=%p ia=%#llx level=%d old=%#llx new=%#llx",
		  __entry->root, __entry->ia, __entry->level, __entry->old, __entry->new)
);

TRACE_EVENT(kvm_pgtable_flush,

	TP_PROTO(const void *root, u64 start, u64 end, u8 levels, u8 scope),

	TP_ARGS(root, start, end, levels, scope),

	TP_STRUCT__entry(
		__field(const void *,	root)
		__field(u64,		start)
		__field(u64,		end)
		__field(u8,		levels)
		__field(u8,		scope)
	),

	TP_fast_assign(
		__entry->root	= root;
		__entry->start	= start;
		__entry->end	= end;
		__entry->levels	= levels;
		__entry->scope	= scope;
	),

	TP_printk("root=%p start=%#llx end=%#llx levels=%#x scope=%s",
		  __entry->root, __entry->start, __entry->end, __entry->levels,
		  __print_flags(__entry->scope, "|",
				{ KPT_FLUSH_LOCAL, "local" },
				{ KPT_FLUSH_LEAF, "leaf" },
				{ KPT_FLUSH_WALK, "walk" },
				{ KPT_FLUSH_ALL, "all" }))
);

TRACE_EVENT(kvm_pgtable_detach,

	TP_PROTO(const void *root, const void *table, u64 ia, int level),

	TP_ARGS(root, table, ia, level),

	TP_STRUCT__entry(
		__field(const void *,	root)
		__field(const void *,	table)
		__field(u64,		ia)
		__field(int,		level)
	),

	TP_fast_assign(
		__entry->root	= root;
		__entry->table	= table;
		__entry->ia	= ia;
		__entry->level	= level;
	),

	TP_printk("root=%p table=%p ia=%#llx level=%d",
		  __entry->root, __entry->table, __entry->ia, __entry->level)
);

TRACE_EVENT(kvm_pgtable_reclaim,

	TP_PROTO(const void *root, const void *table),

	TP_ARGS(root, table),

	TP_STRUCT__entry(
		__field(const void *,	root)
		__field(const void *,	table)
	),

	TP_fast_assign(
		__entry->root	= root;
		__entry->table	= table;
	),

	TP_printk("root=%p table=%p", __entry->root, __entry->table)
);

TRACE_EVENT(kvm_pgtable_yield,

	TP_PROTO(const void *root, u64 ia, bool shared),

	TP_ARGS(root, ia, shared),

	TP_STRUCT__entry(
		__field(const void *,	root)
		__field(u64,		ia)
		__field(bool,		shared)
	),

	TP_fast_assign(
		__entry->root	= root;
		__entry->ia	= ia;
		__entry->shared	= shared;
	),

	TP_printk("root=%p ia=%#llx %s",
		  __entry->root, __entry->ia, __entry->shared ? "shared" : "exclusive")
);

#endif /* _TRACE_KVM_PGTABLE_H */

#include <trace/define_trace.h>
