/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm_pgtable: a page-table engine for all KVM architectures.
 *
 * A client defines a port, i.e. a format plus callbacks, and calls operations
 * on its trees.  Every operation runs between kpt_begin() and kpt_end(), or
 * kpt_end_noflush() if the caller does the TLB flush.  For example, write-protect
 * a range for dirty logging:
 *
 *	const struct kpt_format *fmt = port->format;
 *	struct kpt_flush flush = {};
 *	struct kpt_iter it;
 *	int err;
 *
 *	write_lock(&kvm->mmu_lock);
 *	err = kpt_begin(port, &it, tree, start, end, false);
 *	if (err)
 *		goto unlock;
 *
 *	kpt_iterate(&it, 0, KPT_YIELDS);
 *	while (port->next_table(&it)) {
 *		while (kpt_at_leaf(port, &it)) {
 *			if (kpt_writable(fmt, it.pte)) {
 *				err = kpt_edit(port, &it, &it, fmt->write,
 *					       fmt->read_only, KPT_TRACK);
 *				if (err == -EAGAIN)
 *					continue;
 *				if (err)
 *					goto end;
 *				kpt_need_flush(port, &it, KPT_TRACK);
 *			}
 *			kpt_next(port, &it);
 *		}
 *	}
 * end:
 *	flush = kpt_end_noflush(port, &it);
 * unlock:
 *	write_unlock(&kvm->mmu_lock);
 *	kpt_flush_tlb(port, tree, &flush);
 *
 * After -EAGAIN, kpt_at_leaf() reads the entry again.  The flush for KPT_TRACK,
 * i.e. for clearing write permission or dirty bits to track the next write, may be
 * done after dropping the lock, but not after user space has seen the dirty log.
 * kpt_wrprot() is this operation, under either lock.  The rules for loops like this
 * are in iter.h, struct kpt_format is in format.h, kpt_edit() in commit.h.
 *
 * Which lock has to be held, and when to flush if the operation ends with
 * kpt_end_noflush():
 *
 *	operation				lock		flush
 *	kpt_map()				read or write	before unlock
 *	kpt_unmap(), kpt_zap()			read or write	before unlock
 *	kpt_protect()				read or write	before unlock
 *	kpt_wrprot(), kpt_clear_dirty(),	read or write	before user space
 *	kpt_clear_dirty_mask()			write		sees the dirty log
 *	kpt_relax()				read or write	faulting CPU only
 *	kpt_split()				read or write	before unlock
 *	kpt_collapse()				read or write	before unlock
 *	kpt_age()				none		not needed
 *	kpt_lookup(), kpt_first_leaf()		none		not needed
 *	kpt_dump_next()				read		not needed
 *
 * "read" means that @shared was passed to kpt_begin(), "none" that RCU is
 * sufficient to keep tables from being freed.  An operation that drops the lock
 * does all flushes that are needed before unlock itself.
 *
 * Layers, each depends only on those below it:
 *
 *	dump.h		print a tree
 *	ops.h		map, unmap, protect, age, split, ...
 *	commit.h	change a single entry
 *	iter.h		find an entry, iterate over a range
 *	gather.h	unlink, flush, reclaim, in this order
 *	trace.h		tracepoints
 *	port.h		the interface to clients: format, ops, trees
 *	exchange.h	accessors for live entries
 *	format.h	layout of entries, rules for changing them
 *
 * See Documentation/virt/kvm/pgtable.rst.
 */
#ifndef __KVM_PGTABLE_H
#define __KVM_PGTABLE_H

#include <kvm/pgtable/dump.h>
#include <kvm/pgtable/ops.h>

#endif /* __KVM_PGTABLE_H */
