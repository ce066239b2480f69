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

/**
 * kpt_dump_merge() - add entries to a range that they continue
 * @r: range; empty if @r->end is 0
 * @next: the entries
 *
 * Return: false if they are not alike, or not adjacent.
 */
bool kpt_dump_merge(struct kpt_range *r, const struct kpt_range *next)
{
	if (!r->end)
		*r = *next;
	else if (kpt_range_continues(r, next))
		r->end = next->end;
	else
		return false;
	return true;
}
EXPORT_SYMBOL_FOR_MODULES(kpt_dump_merge, "kvm");

/**
 * kpt_dump_print() - print a range in one line
 * @m: where to print
 * @r: range
 */
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
