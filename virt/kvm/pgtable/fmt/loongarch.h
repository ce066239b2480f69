/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * LoongArch's second level: guest physical to physical addresses, pages of 16K.
 *
 * LoongArch Reference Manual, Volume 1 (1.10), "Multi-level Page Table Structure
 * Supported by Page Walking", its figures "Table entry format for common pages"
 * and "for huge pages" with P and W; "TLB Entry" for V, D, PLV, RPLV, NR and NX;
 * "Memory Access Types" for MAT; "LDDIR" and "LDPTE".  The volume about
 * virtualization is not public.  That the second level is walked in the same format,
 * with PLV 0, and invalidated by INVTLB for the guest's ID, is what KVM/LoongArch does.
 *
 * A client defines KPT_LOONGARCH_INVALID_TABLE, see below, before it includes this.
 */
#ifndef __KVM_PGTABLE_FMT_LOONGARCH_H
#define __KVM_PGTABLE_FMT_LOONGARCH_H

#include <linux/bitfield.h>

#include <kvm/pgtable/format.h>

#define KPT_LOONGARCH_VALID	BIT_ULL(0)
#define KPT_LOONGARCH_DIRTY	BIT_ULL(1)
#define KPT_LOONGARCH_MAT	GENMASK_ULL(5, 4)
#define KPT_LOONGARCH_MAT_SUC	FIELD_PREP_CONST(KPT_LOONGARCH_MAT, 0)
#define KPT_LOONGARCH_MAT_CC	FIELD_PREP_CONST(KPT_LOONGARCH_MAT, 1)
#define KPT_LOONGARCH_MAT_WUC	FIELD_PREP_CONST(KPT_LOONGARCH_MAT, 2)
#define KPT_LOONGARCH_HUGE	BIT_ULL(6)	/* of a page: G, which stays clear */
#define KPT_LOONGARCH_PRESENT	BIT_ULL(7)
#define KPT_LOONGARCH_WRITE	BIT_ULL(8)
#define KPT_LOONGARCH_ADDR	GENMASK_ULL(47, 14)
#define KPT_LOONGARCH_NR	BIT_ULL(61)
#define KPT_LOONGARCH_NX	BIT_ULL(62)

/*
 * KVM's own.  The walk ignores what its formats do not define, and of a directory
 * entry all above the address: Linux keeps virtual addresses there.  Only what is
 * above the address is free in both, bit 9 (KVM/LoongArch's KVM_PAGE_WRITEABLE) is not.
 */
#define KPT_LOONGARCH_MMU_PRESENT	BIT_ULL(60)
#define KPT_LOONGARCH_MMU_WRITABLE	BIT_ULL(59)
#define KPT_LOONGARCH_SOFT		GENMASK_ULL(59, 56)

/*
 * A directory entry has no bit that makes it invalid: the walk goes wherever it
 * points.  What is not present points to a table whose every entry is that table's
 * own physical address.  As a directory it leads to itself, at the last level its
 * V and P are clear, so one value ends the walk at any level.  Its address may be
 * one that only the linker knows, to which a bit can be added, but not or'ed.
 */
#define KPT_LOONGARCH_EMPTY	((u64)(KPT_LOONGARCH_INVALID_TABLE))
#define KPT_LOONGARCH_FROZEN	(KPT_LOONGARCH_EMPTY + BIT_ULL(55))

/*
 * D allows a write where software refills the TLB, W where hardware walks, which
 * then sets D.  Both are kept alike, and writes are found by permission.
 */
#define KPT_LOONGARCH_WRITABLE	(KPT_LOONGARCH_DIRTY | KPT_LOONGARCH_WRITE)

/*
 * The TLB holds invalid entries too, and what allowed less: the CPU that faulted
 * drops that.  Not found in the manual: what two entries of different sizes for one
 * address do, and what of a hardware walk INVTLB for one address leaves.  So sizes
 * change by a break, and a table that goes takes all of the guest's entries along.
 */
static const u8 kpt_loongarch_rules[KPT_CHANGES] = {
	[KPT_BAD]	= KPT_REFUSED,
	[KPT_MAP]	= KPT_OWES_LOCAL,
	[KPT_YOUNG]	= KPT_OWES_LOCAL,
	[KPT_RELAX]	= KPT_OWES_LOCAL,
	[KPT_TRACK]	= KPT_OWES_LEAF,
	[KPT_PROTECT]	= KPT_OWES_LEAF,
	[KPT_UNMAP]	= KPT_OWES_LEAF,
	[KPT_REMAP]	= KPT_OWES_LEAF | KPT_BREAK,
	[KPT_SPLIT]	= KPT_OWES_LEAF | KPT_BREAK,
	[KPT_COLLAPSE]	= KPT_OWES_LEAF | KPT_OWES_WALK | KPT_OWES_ALL | KPT_BREAK,
	[KPT_DETACH]	= KPT_OWES_LEAF | KPT_OWES_WALK | KPT_OWES_ALL,
};

static u64 kpt_loongarch_attrs(unsigned int prot, unsigned int features)
{
	u64 attrs = KPT_LOONGARCH_VALID;

	if (!(prot & KPT_R))
		attrs |= KPT_LOONGARCH_NR;
	if (prot & KPT_W)
		attrs |= KPT_LOONGARCH_WRITABLE | KPT_LOONGARCH_MMU_WRITABLE;
	if (!(prot & KPT_X))
		attrs |= KPT_LOONGARCH_NX;

	if (prot & KPT_DEVICE)
		return attrs | KPT_LOONGARCH_MAT_SUC;
	return attrs | (prot & KPT_NC ? KPT_LOONGARCH_MAT_WUC : KPT_LOONGARCH_MAT_CC);
}

static unsigned int kpt_loongarch_perms(kpt_pte_t pte)
{
	return (pte & KPT_LOONGARCH_NR ? 0 : KPT_R) |
	       ((pte & KPT_LOONGARCH_WRITABLE) == KPT_LOONGARCH_WRITABLE ? KPT_W : 0) |
	       (pte & KPT_LOONGARCH_NX ? 0 : KPT_X | KPT_UX);
}

/* LDDIR would take bits 14:13 of a huge page for its level; more is misaligned. */
static bool kpt_loongarch_reserved_leaf(kpt_pte_t pte, int level)
{
	return !(pte & KPT_LOONGARCH_PRESENT) ||
	       FIELD_GET(KPT_LOONGARCH_MAT, pte) == 3 ||
	       !(pte & KPT_LOONGARCH_DIRTY) != !(pte & KPT_LOONGARCH_WRITE) ||
	       level > 1 || (level && pte & GENMASK_ULL(24, 13));
}

static bool kpt_loongarch_reserved(kpt_pte_t pte, int level)
{
	if (level && !(pte & KPT_LOONGARCH_HUGE))
		return pte & GENMASK_ULL(13, 0);
	return kpt_loongarch_reserved_leaf(pte, level);
}

/*
 * Huge pages of level 1 are two halves of 16M in the TLB; those of level 2 would be
 * of 32G, and the sizes that a 3A5000 lists in PRCFG2 end at 512M.
 */
static const struct kpt_format __maybe_unused kpt_loongarch = {
	.name		= "loongarch",
	.page_shift	= 14,
	.index_bits	= 11,
	.levels		= 4,
	.block_levels	= BIT(0) | BIT(1),
	.present	= KPT_LOONGARCH_MMU_PRESENT,
	.table_mask	= KPT_LOONGARCH_MMU_PRESENT | KPT_LOONGARCH_HUGE,
	.table_value	= KPT_LOONGARCH_MMU_PRESENT,
	.table_bits	= KPT_LOONGARCH_MMU_PRESENT,
	.page_bits	= KPT_LOONGARCH_MMU_PRESENT | KPT_LOONGARCH_PRESENT,
	.block_bits	= KPT_LOONGARCH_MMU_PRESENT | KPT_LOONGARCH_PRESENT |
			  KPT_LOONGARCH_HUGE,
	.oa		= { { KPT_LOONGARCH_ADDR } },
	.empty		= KPT_LOONGARCH_EMPTY,
	.frozen		= KPT_LOONGARCH_FROZEN,
	.accessed	= KPT_LOONGARCH_VALID,
	.write		= KPT_LOONGARCH_WRITABLE,
	.perm_mask	= KPT_LOONGARCH_WRITABLE | KPT_LOONGARCH_NR | KPT_LOONGARCH_NX,
	.soft		= KPT_LOONGARCH_SOFT,
	.fast_write	= KPT_LOONGARCH_MMU_WRITABLE,
	.rules		= kpt_loongarch_rules,
	.attrs		= kpt_loongarch_attrs,
	.perms		= kpt_loongarch_perms,
	.reserved	= kpt_loongarch_reserved,
};

#endif /* __KVM_PGTABLE_FMT_LOONGARCH_H */
