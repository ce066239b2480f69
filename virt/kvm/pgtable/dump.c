// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dump trees.  Shared by all formats, so the format is not folded here.
 */
#include <linux/export.h>
#include <linux/seq_file.h>

#include <kvm/pgtable/dump.h>

static bool kpt_range_continues(const struct kpt_range *r, const struct kpt_range *next)
{
	return r->end == next->start && r->level == next->level &&
	       r->present == next->present && r->bits == next->bits;
}

/* Extend the range in @arg by the entry; stop at the first one that does not fit. */
int kpt_dump_visit(struct kpt_iter *it, void *arg)
{
	struct kpt_range *found = arg;
	const struct kpt_format *fmt = found->format;
	struct kpt_range r = {
		.format = fmt,
		.start = max(it->ia, it->start),
		.end = min(it->ia + kpt_span(fmt, it->level), it->end),
		.level = it->level,
		.present = kpt_present(fmt, it->pte),
		.bits = it->pte,
	};

	if (it->pte == fmt->empty || kpt_frozen(fmt, it->pte))
		return found->end ? KPT_STOP : 0;

	if (r.present) {
		r.bits = kpt_leaf_attrs(fmt, it->pte);
		r.perms = fmt->perms(it->pte);
		r.accessed = it->pte & fmt->accessed;
		r.dirty = it->pte & fmt->dirty;
	}
	if (!found->end)
		*found = r;
	else if (kpt_range_continues(found, &r))
		found->end = r.end;
	else
		return KPT_STOP;
	return 0;
}
EXPORT_SYMBOL_FOR_MODULES(kpt_dump_visit, "kvm");

/* Print a range as one line. */
void kpt_dump_print(struct seq_file *m, const struct kpt_range *r)
{
	seq_printf(m, "0x%016llx-0x%016llx %12lluK level %d ", r->start, r->end,
		   (r->end - r->start) >> 10, r->level);
	if (!r->present) {
		seq_printf(m, "annotation 0x%016llx\n", r->bits);
		return;
	}
	seq_printf(m, "%c%c%c%c %c%c 0x%016llx\n",
		   r->perms & KPT_R ? 'R' : '-', r->perms & KPT_W ? 'W' : '-',
		   r->perms & KPT_X ? 'X' : '-', r->perms & KPT_UX ? 'U' : '-',
		   r->accessed ? 'A' : '-', r->dirty ? 'D' : '-', r->bits);
}
EXPORT_SYMBOL_FOR_MODULES(kpt_dump_print, "kvm");
