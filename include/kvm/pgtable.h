/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm_pgtable: one page-table engine for every KVM architecture.
 *
 * Layers, each knowing only those below it:
 *
 *	dump.h		print a tree
 *	ops.h		what KVM does to a tree: map, unmap, protect, age, split, ...
 *	change.h	one change of one entry, with its consequences
 *	walk.h		from the root to an entry, and over a range
 *	gather.h	unlink, invalidate, reclaim: in this order
 *	trace.h		tracepoints
 *	port.h		what a client brings: format, surroundings, trees
 *	exchange.h	the only code that reads or writes a live entry
 *	format.h	what an entry looks like and what a change of it requires
 *
 * See Documentation/virt/kvm/pgtable.rst.
 */
#ifndef __KVM_PGTABLE_H
#define __KVM_PGTABLE_H

#include <kvm/pgtable/dump.h>
#include <kvm/pgtable/ops.h>

#endif /* __KVM_PGTABLE_H */
