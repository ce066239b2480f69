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

bool kpt_dump_merge(struct kpt_range *r, const struct kpt_range *next);
void kpt_dump_print(struct seq_file *m, const struct kpt_range *r);

static __always_inline int
kpt_dump_visitor(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v, void *arg)
{
	const struct kpt_format *fmt = port->format;
	struct kpt_range *found = arg;
	struct kpt_range r = {
		.start = max(v->ia, w->start),
		.end = min(v->ia + kpt_span(fmt, v->level), w->end),
		.level = v->level,
		.present = kpt_present(fmt, v->pte),
		.bits = v->pte,
	};

	if (v->pte == fmt->empty || kpt_frozen(fmt, v->pte))
		return found->end ? KPT_STOP : KPT_NEXT;

	if (r.present) {
		r.bits = kpt_leaf_attrs(fmt, v->pte);
		r.perms = fmt->perms(v->pte);
		r.accessed = v->pte & fmt->accessed;
		r.dirty = v->pte & fmt->dirty;
	}
	return kpt_dump_merge(found, &r) ? KPT_NEXT : KPT_STOP;
}

/**
 * kpt_dump_next() - find the first leaves or annotations of a range that are alike
 * @port: port
 * @w: the operation, begun as shared; the next one starts with the end of @r
 * @r: receives them
 *
 * Each finds its way by itself, so a dump may be left for as long as its reader likes.
 * The tree may change meanwhile; each range was true when it was read.  It does not wait
 * for frozen entries, but leaves them out.  Yields.
 *
 * Context: the client's lock for read.
 * Return: false if there is nothing in the range.
 */
static __always_inline bool
kpt_dump_next(const struct kpt_port *port, struct kpt_walk *w, struct kpt_range *r)
{
	r->end = 0;
	kpt_walk_range(port, w, 0, KPT_ENTRIES | KPT_YIELDS, kpt_dump_visitor, r);
	return r->end;
}

#endif /* __KVM_PGTABLE_DUMP_H */
