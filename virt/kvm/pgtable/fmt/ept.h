/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Intel Extended Page Tables.
 *
 * Intel SDM Vol. 3C, chapter n "VMX Support for Address Translation" (28, 29 or
 * 30, depending on the edition), n.3.2 "EPT Translation Mechanism":
 * Table n-1 (PML5E and PML4E), n-3 and n-5 (PDPTE and PDE that refer to tables),
 * n-2 and n-4 (1G and 2M pages), n-6 (4K pages); n.3.3.1 "EPT Misconfigurations";
 * n.3.5 "Accessed and Dirty Flags for EPT"; "Convertible EPT Violations" for
 * suppress #VE.
 */
#ifndef __KVM_PGTABLE_FMT_EPT_H
#define __KVM_PGTABLE_FMT_EPT_H

#include <linux/bitfield.h>

#include "x86.h"

#define KPT_EPT_READ		KPT_X86_READ
#define KPT_EPT_WRITE		KPT_X86_WRITE
#define KPT_EPT_EXEC		BIT_ULL(2)	/* supervisor-mode linear addresses */
#define KPT_EPT_MEMTYPE		GENMASK_ULL(5, 3)
#define KPT_EPT_MEMTYPE_UC	FIELD_PREP_CONST(KPT_EPT_MEMTYPE, 0)
#define KPT_EPT_MEMTYPE_WC	FIELD_PREP_CONST(KPT_EPT_MEMTYPE, 1)
#define KPT_EPT_MEMTYPE_WB	FIELD_PREP_CONST(KPT_EPT_MEMTYPE, 6)
#define KPT_EPT_IGNORE_PAT	BIT_ULL(6)
#define KPT_EPT_ACCESSED	BIT_ULL(8)
#define KPT_EPT_DIRTY		BIT_ULL(9)
#define KPT_EPT_USER_EXEC	BIT_ULL(10)	/* user-mode linear addresses */
#define KPT_EPT_SUPPRESS_VE	BIT_ULL(63)
#define KPT_EPT_PERMS		(KPT_EPT_READ | KPT_EPT_WRITE | KPT_EPT_EXEC | KPT_EPT_USER_EXEC)

/* Used by KVM, ignored by hardware. */
#define KPT_EPT_HOST_WRITABLE	BIT_ULL(53)
#define KPT_EPT_MMU_WRITABLE	BIT_ULL(55)
#define KPT_EPT_AD_TYPE		GENMASK_ULL(61, 60)
#define KPT_EPT_AD_DISABLED	BIT_ULL(60)
#define KPT_EPT_SAVED_SHIFT	52
#define KPT_EPT_SAVED		(KPT_EPT_READ | KPT_EPT_EXEC | KPT_EPT_USER_EXEC)

static u64 kpt_ept_attrs(unsigned int prot, unsigned int features)
{
	u64 attrs = KPT_EPT_SUPPRESS_VE;

	if (prot & KPT_R)
		attrs |= KPT_EPT_READ;
	if (prot & KPT_W)
		attrs |= KPT_EPT_WRITE | KPT_EPT_MMU_WRITABLE | KPT_EPT_HOST_WRITABLE;
	if (prot & KPT_X)
		attrs |= KPT_EPT_EXEC;
	if (prot & KPT_UX)
		attrs |= KPT_EPT_USER_EXEC;

	if (prot & KPT_DEVICE)
		attrs |= KPT_EPT_MEMTYPE_UC;
	else if (prot & KPT_NC)
		attrs |= KPT_EPT_MEMTYPE_WC | KPT_EPT_IGNORE_PAT;
	else
		attrs |= KPT_EPT_MEMTYPE_WB | KPT_EPT_IGNORE_PAT;

	if (!(features & KPT_FEAT_AD))
		return attrs | KPT_EPT_AD_DISABLED;
	return attrs | KPT_EPT_ACCESSED | (prot & KPT_W ? KPT_EPT_DIRTY : 0);
}

/*
 * Without A/D flags, KVM ages a page by clearing all permissions.  They are kept
 * in the saved bits, and the next fault restores them without taking a lock.
 */
static __always_inline kpt_pte_t kpt_ept_untrack(kpt_pte_t pte)
{
	if ((pte & KPT_EPT_AD_TYPE) != KPT_EPT_AD_DISABLED || pte & KPT_EPT_PERMS)
		return pte;

	return pte | ((pte >> KPT_EPT_SAVED_SHIFT) & KPT_EPT_SAVED);
}

static unsigned int kpt_ept_perms(kpt_pte_t pte)
{
	pte = kpt_ept_untrack(pte);

	return (pte & KPT_EPT_READ ? KPT_R : 0) | (pte & KPT_EPT_WRITE ? KPT_W : 0) |
	       (pte & KPT_EPT_EXEC ? KPT_X : 0) | (pte & KPT_EPT_USER_EXEC ? KPT_UX : 0);
}

static bool kpt_ept_reserved(kpt_pte_t pte, int level)
{
	bool leaf = !level || pte & KPT_X86_PAGE_SIZE;
	unsigned int type = FIELD_GET(KPT_EPT_MEMTYPE, pte);

	if ((pte & (KPT_EPT_READ | KPT_EPT_WRITE)) == KPT_EPT_WRITE)
		return true;
	if (!leaf)
		return pte & (KPT_EPT_MEMTYPE | KPT_EPT_IGNORE_PAT);
	if (type == 2 || type == 3 || type == 7)
		return true;
	return level > 2 || kpt_x86_misaligned(pte, level, 0);
}

#define KPT_EPT_LAYOUT								\
	KPT_X86_LAYOUT,								\
	.name		= "ept",						\
	.table_bits	= KPT_X86_MMU_PRESENT | KPT_EPT_PERMS | KPT_EPT_ACCESSED |	\
			  KPT_EPT_SUPPRESS_VE,					\
	.accessed	= KPT_EPT_ACCESSED,					\
	.dirty		= KPT_EPT_DIRTY,					\
	.perm_mask	= KPT_EPT_PERMS,					\
	.soft		= KPT_EPT_HOST_WRITABLE | KPT_EPT_MMU_WRITABLE |	\
			  KPT_EPT_AD_TYPE | KPT_EPT_SAVED << KPT_EPT_SAVED_SHIFT, \
	.fast_write	= KPT_EPT_MMU_WRITABLE,					\
	.attrs		= kpt_ept_attrs,					\
	.perms		= kpt_ept_perms,					\
	.reserved	= kpt_ept_reserved

static const struct kpt_format __maybe_unused kpt_ept = {
	KPT_EPT_LAYOUT,
};

#endif /* __KVM_PGTABLE_FMT_EPT_H */
