/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Print a tree for people: one line for each range of entries that are alike.
 */
#ifndef __KVM_PGTABLE_DUMP_H
#define __KVM_PGTABLE_DUMP_H

#include <kvm/pgtable/walk.h>

struct seq_file;

/**
 * struct kpt_range - adjacent entries that say the same of different memory
 * @start:	first address
 * @end:	first address behind it
 * @level:	of the entries
 * @present:	leaves, rather than annotations
 * @perms:	what the leaves allow, &enum kpt_prot
 * @accessed:	used since the accessed bit was last cleared
 * @dirty:	written since the dirty bit was last cleared
 * @bits:	leaves: everything but address and level; annotations: the value
 */
struct kpt_range {
	u64 start;
	u64 end;
	u64 bits;
	int level;
	bool present;
	bool accessed;
	bool dirty;
	u8 perms;
};

/**
 * struct kpt_printer - a dump under way
 * @m:		where it goes
 * @range:	what has not been printed yet; @range.end is 0 if that is nothing
 */
struct kpt_printer {
	struct seq_file *m;
	struct kpt_range range;
};

void kpt_dump_range(struct kpt_printer *d, const struct kpt_range *next);
void kpt_dump_flush(struct kpt_printer *d);

static __always_inline int
kpt_dump_visitor(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v, void *arg)
{
	const struct kpt_format *fmt = port->format;
	struct kpt_range r = {
		.start = v->ia,
		.end = v->ia + kpt_span(fmt, v->level),
		.level = v->level,
		.present = kpt_present(fmt, v->pte),
		.bits = v->pte,
	};

	if (v->pte == fmt->empty)
		return KPT_NEXT;

	if (r.present) {
		r.bits = kpt_leaf_attrs(fmt, v->pte);
		r.perms = fmt->perms(v->pte);
		r.accessed = v->pte & fmt->accessed;
		r.dirty = v->pte & fmt->dirty;
	}
	kpt_dump_range(arg, &r);
	return KPT_NEXT;
}

/**
 * kpt_dump() - print the leaves and annotations of a range
 * @port: port
 * @w: the operation, begun as shared
 * @m: where to print
 *
 * The tree may change meanwhile; each line was true when it was read.  Yields.
 *
 * Context: the client's lock for read.
 */
static __always_inline void
kpt_dump(const struct kpt_port *port, struct kpt_walk *w, struct seq_file *m)
{
	struct kpt_printer d = { .m = m };

	kpt_walk_range(port, w, 0, KPT_LEAVES | KPT_ABSENT | KPT_YIELDS, kpt_dump_visitor, &d);
	kpt_dump_flush(&d);
}

#endif /* __KVM_PGTABLE_DUMP_H */
