/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dump a tree in human-readable form, one line per range of similar entries.
 */
#ifndef __KVM_PGTABLE_DUMP_H
#define __KVM_PGTABLE_DUMP_H

#include <kvm/pgtable/iter.h>

struct seq_file;

/**
 * struct kpt_range - range of adjacent entries that differ only in their output address
 * @format:	format of the entries
 * @start:	first input address
 * @end:	end of the range, exclusive; 0 if there are no entries
 * @level:	level of the entries
 * @present:	true for leaves, false for annotations
 * @perms:	permissions of the leaves, KPT_PERMS bits of &enum kpt_prot
 * @accessed:	the accessed bit of the leaves is set
 * @dirty:	the dirty bit of the leaves is set
 * @bits:	for leaves, all bits except output address and level; for annotations,
 *		the value
 */
struct kpt_range {
	const struct kpt_format *format;
	u64 start;
	u64 end;
	u64 bits;
	int level;
	bool present;
	bool accessed;
	bool dirty;
	u8 perms;
};

int kpt_dump_visit(struct kpt_iter *it, void *arg);
void kpt_dump_print(struct seq_file *m, const struct kpt_range *r);

/**
 * kpt_dump_next() - Find the first range of similar leaves or annotations
 * @port: port
 * @it: iterator, after kpt_begin() with @shared set
 * @fmt: complete format of the entries, if &kpt_port.format is only the part of it
 *	that is known at compile time
 * @r: range that was found
 *
 * To continue a dump, begin a new operation at the end of @r.  No state is kept
 * in between, so the reader may pause for any time.  The tree may change
 * concurrently; each range is what was in the tree when it was read.  Frozen entries
 * are skipped.
 *
 * Context: lock held for read, may be dropped and reacquired.
 * Return: false if there are no leaves or annotations in the range of @it.
 */
static __always_inline bool
kpt_dump_next(const struct kpt_port *port, struct kpt_iter *it, const struct kpt_format *fmt,
	      struct kpt_range *r)
{
	r->format = fmt;
	r->end = 0;
	port->walk(it, 0, KPT_ENTRIES | KPT_YIELDS, kpt_dump_visit, r);
	return r->end;
}

#endif /* __KVM_PGTABLE_DUMP_H */
