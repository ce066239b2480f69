/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of the engine, events/kvm_pgtable/: common to all architectures, and a no-op
 * where nobody looks.
 */
#ifndef __KVM_PGTABLE_TRACE_H
#define __KVM_PGTABLE_TRACE_H

#include <linux/kconfig.h>
#include <linux/tracepoint-defs.h>

#include <kvm/pgtable/port.h>

/* Objects that run outside of the kernel (arm64's EL2) trace nothing. */
#define kpt_traced(event)	(!__is_defined(__DISABLE_EXPORTS) && tracepoint_enabled(event))

DECLARE_TRACEPOINT(kvm_pgtable_change);
DECLARE_TRACEPOINT(kvm_pgtable_flush);
DECLARE_TRACEPOINT(kvm_pgtable_detach);
DECLARE_TRACEPOINT(kvm_pgtable_reclaim);
DECLARE_TRACEPOINT(kvm_pgtable_yield);

/* Call these where kpt_traced() is true. */
void kpt_trace_change(const struct kpt_tree *tree, u64 ia, int level, kpt_pte_t old,
		      kpt_pte_t new);
void kpt_trace_flush(const struct kpt_tree *tree, const struct kpt_debt *debt);
void kpt_trace_detach(const struct kpt_tree *tree, const kpt_pte_t *table, u64 ia, int level);
void kpt_trace_reclaim(const struct kpt_tree *tree, const kpt_pte_t *table);
void kpt_trace_yield(const struct kpt_tree *tree, u64 ia, bool shared);

#endif /* __KVM_PGTABLE_TRACE_H */
