/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of the engine, events/kvm_pgtable/ in tracefs.  Common to all
 * architectures; a static branch unless enabled.
 */
#ifndef __KVM_PGTABLE_TRACE_H
#define __KVM_PGTABLE_TRACE_H

#include <linux/kconfig.h>
#include <linux/tracepoint-defs.h>

#include <kvm/pgtable/port.h>

#define kpt_traced(port, event)	(!(port)->ops->bare && tracepoint_enabled(event))

DECLARE_TRACEPOINT(kvm_pgtable_change);
DECLARE_TRACEPOINT(kvm_pgtable_flush);
DECLARE_TRACEPOINT(kvm_pgtable_detach);
DECLARE_TRACEPOINT(kvm_pgtable_reclaim);
DECLARE_TRACEPOINT(kvm_pgtable_yield);

/* Call these only if kpt_traced() is true. */

/* An entry was changed; @new is frozen in an unlinked table. */
void kpt_trace_change(const struct kpt_tree *tree, u64 ia, int level, kpt_pte_t old,
		      kpt_pte_t new);
/* A flush is about to be done. */
void kpt_trace_flush(const struct kpt_tree *tree, const struct kpt_flush *flush);
/* A table was unlinked, with everything below it. */
void kpt_trace_detach(const struct kpt_tree *tree, const kpt_pte_t *table, u64 ia, int level);
/* An unlinked table may be freed, after a grace period. */
void kpt_trace_reclaim(const struct kpt_tree *tree, const kpt_pte_t *table);
/* The lock was dropped. */
void kpt_trace_yield(const struct kpt_tree *tree, u64 ia, bool shared);

#endif /* __KVM_PGTABLE_TRACE_H */
