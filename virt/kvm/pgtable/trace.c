// SPDX-License-Identifier: GPL-2.0-only
/* Tracepoints of the engine, shared by all clients. */
#include <linux/export.h>

#include <kvm/pgtable/trace.h>

#define CREATE_TRACE_POINTS
#include <trace/events/kvm_pgtable.h>

static const void *root_of(const struct kpt_tree *tree)
{
	return kpt_raw(tree->root);
}

void kpt_trace_change(const struct kpt_tree *tree, u64 ia, int level, kpt_pte_t old,
		      kpt_pte_t new)
{
	trace_kvm_pgtable_change(root_of(tree), ia, level, old, new);
}
EXPORT_SYMBOL_FOR_MODULES(kpt_trace_change, "kvm");
EXPORT_TRACEPOINT_SYMBOL_GPL(kvm_pgtable_change);

void kpt_trace_flush(const struct kpt_tree *tree, const struct kpt_flush *flush)
{
	trace_kvm_pgtable_flush(root_of(tree), flush->start, flush->end, flush->levels,
				flush->scope);
}
EXPORT_SYMBOL_FOR_MODULES(kpt_trace_flush, "kvm");
EXPORT_TRACEPOINT_SYMBOL_GPL(kvm_pgtable_flush);

void kpt_trace_detach(const struct kpt_tree *tree, const kpt_pte_t *table, u64 ia, int level)
{
	trace_kvm_pgtable_detach(root_of(tree), table, ia, level);
}
EXPORT_SYMBOL_FOR_MODULES(kpt_trace_detach, "kvm");
EXPORT_TRACEPOINT_SYMBOL_GPL(kvm_pgtable_detach);

void kpt_trace_reclaim(const struct kpt_tree *tree, const kpt_pte_t *table)
{
	trace_kvm_pgtable_reclaim(root_of(tree), table);
}
EXPORT_SYMBOL_FOR_MODULES(kpt_trace_reclaim, "kvm");
EXPORT_TRACEPOINT_SYMBOL_GPL(kvm_pgtable_reclaim);

void kpt_trace_yield(const struct kpt_tree *tree, u64 ia, bool shared)
{
	trace_kvm_pgtable_yield(root_of(tree), ia, shared);
}
EXPORT_SYMBOL_FOR_MODULES(kpt_trace_yield, "kvm");
EXPORT_TRACEPOINT_SYMBOL_GPL(kvm_pgtable_yield);
