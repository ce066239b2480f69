// SPDX-License-Identifier: GPL-2.0-only
/* The engine's tracepoints, once for all clients. */
#include <linux/export.h>

#include <kvm/pgtable/trace.h>

#define CREATE_TRACE_POINTS
#include <trace/events/kvm_pgtable.h>

static const void *root_of(const struct kpt_tree *tree)
{
	return kpt_raw(tree->root);
}

/**
 * kpt_trace_change() - an entry was changed
 * @tree: tree
 * @ia: the first address that it translates
 * @level: its level
 * @old: its value before
 * @new: its value now; frozen, if its table was unlinked
 */
void kpt_trace_change(const struct kpt_tree *tree, u64 ia, int level, kpt_pte_t old,
		      kpt_pte_t new)
{
	trace_kvm_pgtable_change(root_of(tree), ia, level, old, new);
}
EXPORT_SYMBOL_FOR_MODULES(kpt_trace_change, "kvm");
EXPORT_TRACEPOINT_SYMBOL_GPL(kvm_pgtable_change);

/**
 * kpt_trace_flush() - an operation pays what it owes
 * @tree: tree
 * @debt: what it owes
 */
void kpt_trace_flush(const struct kpt_tree *tree, const struct kpt_debt *debt)
{
	trace_kvm_pgtable_flush(root_of(tree), debt->start, debt->end, debt->levels, debt->owes);
}
EXPORT_SYMBOL_FOR_MODULES(kpt_trace_flush, "kvm");
EXPORT_TRACEPOINT_SYMBOL_GPL(kvm_pgtable_flush);

/**
 * kpt_trace_detach() - a table was unlinked, with all below it
 * @tree: tree
 * @table: table
 * @ia: the first address that it translates
 * @level: the level of its entries
 */
void kpt_trace_detach(const struct kpt_tree *tree, const kpt_pte_t *table, u64 ia, int level)
{
	trace_kvm_pgtable_detach(root_of(tree), table, ia, level);
}
EXPORT_SYMBOL_FOR_MODULES(kpt_trace_detach, "kvm");
EXPORT_TRACEPOINT_SYMBOL_GPL(kvm_pgtable_detach);

/**
 * kpt_trace_reclaim() - an unlinked table is given back, to be freed after a grace period
 * @tree: tree
 * @table: table
 */
void kpt_trace_reclaim(const struct kpt_tree *tree, const kpt_pte_t *table)
{
	trace_kvm_pgtable_reclaim(root_of(tree), table);
}
EXPORT_SYMBOL_FOR_MODULES(kpt_trace_reclaim, "kvm");
EXPORT_TRACEPOINT_SYMBOL_GPL(kvm_pgtable_reclaim);

/**
 * kpt_trace_yield() - a walk has paid and gives its lock away
 * @tree: tree
 * @ia: where it will go on
 * @shared: it held the lock for read
 */
void kpt_trace_yield(const struct kpt_tree *tree, u64 ia, bool shared)
{
	trace_kvm_pgtable_yield(root_of(tree), ia, shared);
}
EXPORT_SYMBOL_FOR_MODULES(kpt_trace_yield, "kvm");
EXPORT_TRACEPOINT_SYMBOL_GPL(kvm_pgtable_yield);
