// SPDX-License-Identifier: GPL-2.0-only
/*
 * The part of a dump that does not depend on a format: merging and printing.
 */
#include <linux/export.h>
#include <linux/seq_file.h>

#include <kvm/pgtable/dump.h>

static bool kpt_range_continues(const struct kpt_range *r, const struct kpt_range *next)
{
	return r->end == next->start && r->level == next->level &&
	       r->present == next->present && r->bits == next->bits;
}

static void kpt_range_print(struct seq_file *m, const struct kpt_range *r)
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

/**
 * kpt_dump_range() - add entries to a dump
 * @d: dump
 * @next: the entries; printed when it is known that those behind them differ
 */
void kpt_dump_range(struct kpt_printer *d, const struct kpt_range *next)
{
	if (d->range.end && kpt_range_continues(&d->range, next)) {
		d->range.end = next->end;
		return;
	}
	kpt_dump_flush(d);
	d->range = *next;
}
EXPORT_SYMBOL_FOR_MODULES(kpt_dump_range, "kvm");

/**
 * kpt_dump_flush() - print what a dump still holds back
 * @d: dump
 */
void kpt_dump_flush(struct kpt_printer *d)
{
	if (d->range.end)
		kpt_range_print(d->m, &d->range);
	d->range.end = 0;
}
EXPORT_SYMBOL_FOR_MODULES(kpt_dump_flush, "kvm");
