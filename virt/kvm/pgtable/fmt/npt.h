/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * AMD Nested Page Tables: the long-mode format of AMD64, with user accesses.
 *
 * AMD APM Vol. 2, 5.3 "Long-Mode Page Translation": the figures of PML5E, PML4E,
 * PDPE, PDE and PTE under "4-Kbyte", "2-Mbyte" and "1-Gbyte Page Translation"; 5.4
 * "Page-Translation-Table Entry Fields" for the bits; 15.25.5 "Nested Table Walk"
 * (a nested walk is a user access, so U is always set).
 */
#ifndef __KVM_PGTABLE_FMT_NPT_H
#define __KVM_PGTABLE_FMT_NPT_H

#include "x86.h"

#define KPT_NPT_PRESENT		KPT_X86_READ
#define KPT_NPT_WRITE		KPT_X86_WRITE
#define KPT_NPT_USER		BIT_ULL(2)
#define KPT_NPT_PWT		BIT_ULL(3)
#define KPT_NPT_PCD		BIT_ULL(4)
#define KPT_NPT_ACCESSED	BIT_ULL(5)
#define KPT_NPT_DIRTY		BIT_ULL(6)
#define KPT_NPT_GLOBAL		BIT_ULL(8)	/* must be zero in PML4E and PML5E */
#define KPT_NPT_BLOCK_PAT	BIT_ULL(12)
#define KPT_NPT_NX		BIT_ULL(63)

/* Used by KVM, available to software. */
#define KPT_NPT_HOST_WRITABLE	BIT_ULL(9)
#define KPT_NPT_MMU_WRITABLE	BIT_ULL(10)

static u64 kpt_npt_attrs(unsigned int prot, unsigned int features)
{
	u64 attrs = KPT_NPT_USER | KPT_NPT_ACCESSED;

	if (prot & KPT_R)
		attrs |= KPT_NPT_PRESENT;
	if (prot & KPT_W)
		attrs |= KPT_NPT_WRITE | KPT_NPT_DIRTY | KPT_NPT_MMU_WRITABLE |
			 KPT_NPT_HOST_WRITABLE;
	if (!(prot & KPT_X))
		attrs |= KPT_NPT_NX;

	if (prot & KPT_DEVICE)
		attrs |= KPT_NPT_PCD | KPT_NPT_PWT;
	else if (prot & KPT_NC)
		attrs |= KPT_NPT_PCD;
	return attrs;
}

static unsigned int kpt_npt_perms(kpt_pte_t pte)
{
	return (pte & KPT_NPT_PRESENT ? KPT_R : 0) | (pte & KPT_NPT_WRITE ? KPT_W : 0) |
	       (pte & KPT_NPT_NX ? 0 : KPT_X | KPT_UX);
}

static bool kpt_npt_reserved(kpt_pte_t pte, int level)
{
	if (!(pte & KPT_NPT_USER))
		return true;
	if (level > 2)
		return pte & (KPT_X86_PAGE_SIZE | KPT_NPT_GLOBAL);
	return level && pte & KPT_X86_PAGE_SIZE &&
	       kpt_x86_misaligned(pte, level, KPT_NPT_BLOCK_PAT);
}

static const struct kpt_format __maybe_unused kpt_npt = {
	KPT_X86_LAYOUT,
	.name		= "npt",
	.table_bits	= KPT_X86_MMU_PRESENT | KPT_NPT_PRESENT | KPT_NPT_WRITE |
			  KPT_NPT_USER | KPT_NPT_ACCESSED,
	.accessed	= KPT_NPT_ACCESSED,
	.dirty		= KPT_NPT_DIRTY,
	.perm_mask	= KPT_NPT_PRESENT | KPT_NPT_WRITE | KPT_NPT_NX,
	.soft		= KPT_NPT_HOST_WRITABLE | KPT_NPT_MMU_WRITABLE,
	.fast_write	= KPT_NPT_MMU_WRITABLE,
	.attrs		= kpt_npt_attrs,
	.perms		= kpt_npt_perms,
	.reserved	= kpt_npt_reserved,
};

#endif /* __KVM_PGTABLE_FMT_NPT_H */
