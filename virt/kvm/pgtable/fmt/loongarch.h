/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * LoongArch second-level translation: guest physical to physical addresses, 16K
 * pages.
 *
 * LoongArch Reference Manual, Volume 1 (1.10), "Multi-level Page Table Structure
 * Supported by Page Walking", its figures "Table entry format for common pages"
 * and "for huge pages" with P and W; "TLB Entry" for V, D, PLV, RPLV, NR and NX;
 * "Memory Access Types" for MAT; "LDDIR" and "LDPTE".  The volume about
 * virtualization is not public.  The rest is derived from KVM/LoongArch: the
 * second level has the same format, with PLV 0, and INVTLB with the guest's ID
 * flushes it.
 *
 * Clients must define KPT_LOONGARCH_INVALID_TABLE before they include this.
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
#define KPT_LOONGARCH_HUGE	BIT_ULL(6)	/* G in a page, not used */
#define KPT_LOONGARCH_PRESENT	BIT_ULL(7)
#define KPT_LOONGARCH_WRITE	BIT_ULL(8)
#define KPT_LOONGARCH_ADDR	GENMASK_ULL(47, 14)
#define KPT_LOONGARCH_NR	BIT_ULL(61)
#define KPT_LOONGARCH_NX	BIT_ULL(62)

/*
 * Software bits.  The hardware walker ignores bits that its formats do not define,
 * and everything above the address in a directory entry, where Linux stores
 * virtual addresses.  So only bits above the address are available in both pages and
 * directory entries; bit 9, KVM/LoongArch's KVM_PAGE_WRITEABLE, is not.
 */
#define KPT_LOONGARCH_MMU_PRESENT	BIT_ULL(60)
#define KPT_LOONGARCH_MMU_WRITABLE	BIT_ULL(59)
#define KPT_LOONGARCH_SOFT		GENMASK_ULL(59, 56)

/*
 * Directory entries have no valid bit, the hardware walker always follows them.
 * So non-present entries point to a table whose entries all contain the physical
 * address of that same table: used as a directory, it points to itself, and used
 * as a last-level table, V and P are clear in its entries.  The walk thus ends
 * with an invalid entry at every level.  The address may be a link-time constant,
 * which allows to add a bit, but not to or it.
 */
#define KPT_LOONGARCH_EMPTY	((u64)(KPT_LOONGARCH_INVALID_TABLE))
#define KPT_LOONGARCH_FROZEN	(KPT_LOONGARCH_EMPTY + BIT_ULL(55))

/*
 * D permits writes if software refills the TLB.  W permits writes if hardware
 * walks the tables, in which case it also sets D.  Always set or clear both, and
 * track writes by write protection.
 */
#define KPT_LOONGARCH_WRITABLE	(KPT_LOONGARCH_DIRTY | KPT_LOONGARCH_WRITE)

/*
 * The TLB also caches invalid entries, and those with fewer permissions, so flush
 * on the CPU that faulted.  The manual does not define the effect of two entries of
 * different size for one address, nor whether INVTLB by address also flushes
 * page-walk caches.  So use break-before-make to change the size of a mapping, and
 * flush all of the guest's entries if a table is unlinked.
 */
static const u8 kpt_loongarch_rules[KPT_CHANGES] = {
	[KPT_BAD]	= KPT_REFUSED,
	[KPT_MAP]	= KPT_FLUSH_LOCAL,
	[KPT_YOUNG]	= KPT_FLUSH_LOCAL,
	[KPT_RELAX]	= KPT_FLUSH_LOCAL,
	[KPT_TRACK]	= KPT_FLUSH_LEAF,
	[KPT_PROTECT]	= KPT_FLUSH_LEAF,
	[KPT_UNMAP]	= KPT_FLUSH_LEAF,
	[KPT_REMAP]	= KPT_FLUSH_LEAF | KPT_BREAK,
	[KPT_SPLIT]	= KPT_FLUSH_LEAF | KPT_BREAK,
	[KPT_COLLAPSE]	= KPT_FLUSH_LEAF | KPT_FLUSH_WALK | KPT_FLUSH_ALL | KPT_BREAK,
	[KPT_DETACH]	= KPT_FLUSH_LEAF | KPT_FLUSH_WALK | KPT_FLUSH_ALL,
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

/* LDDIR takes bits 14:13 of a huge page as its level; other bits are misaligned. */
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
 * A huge page at level 1 uses two TLB entries of 16M.  One at level 2 would need
 * entries of 32G, but 512M is the largest size in PRCFG2 of a 3A5000.
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
