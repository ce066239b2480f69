/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Common parts of EPT and NPT, including KVM's software bits.  The x86 client
 * folds only this format, because the choice between EPT and NPT is made when a
 * vendor module is loaded.
 */
#ifndef __KVM_PGTABLE_FMT_X86_H
#define __KVM_PGTABLE_FMT_X86_H

#include <kvm/pgtable/format.h>

/* Same position in EPT and NPT entries. */
#define KPT_X86_READ		BIT_ULL(0)	/* NPT: present */
#define KPT_X86_WRITE		BIT_ULL(1)
#define KPT_X86_PAGE_SIZE	BIT_ULL(7)
#define KPT_X86_ADDR		GENMASK_ULL(51, 12)

/* Ignored by both; KVM's notion of "present". */
#define KPT_X86_MMU_PRESENT	BIT_ULL(11)

/*
 * Empty and frozen entries must be non-present for both EPT and NPT, must not
 * contain an address that the CPU could speculate on (L1TF), and must suppress
 * #VE for TDX.
 */
#define KPT_X86_EMPTY		BIT_ULL(63)
#define KPT_X86_FROZEN		(KPT_X86_EMPTY | 0x1a0)

/*
 * Adding permissions needs no flush: a fault caused by a stale TLB entry is
 * spurious and evicts that entry.  Neither does a split: x86 CPUs tolerate that a
 * block and the table that replaces it are cached at the same time.  Changing the
 * address of a present leaf means that an MMU notifier was missed, so do not
 * allow it.
 */
static const u8 kpt_x86_rules[KPT_CHANGES] = {
	[KPT_BAD]	= KPT_REFUSED,
	[KPT_TRACK]	= KPT_FLUSH_LEAF,
	[KPT_PROTECT]	= KPT_FLUSH_LEAF,
	[KPT_UNMAP]	= KPT_FLUSH_LEAF,
	[KPT_REMAP]	= KPT_REFUSED,
	[KPT_COLLAPSE]	= KPT_FLUSH_LEAF | KPT_FLUSH_WALK,
	[KPT_DETACH]	= KPT_FLUSH_LEAF | KPT_FLUSH_WALK,
};

/*
 * Geometry: Intel SDM Vol. 3C 30.3.2, AMD APM Vol. 2 5.3 and 5.4: 9 bits a
 * level, 4 or 5 levels, pages of 4K, 2M and 1G.
 */
#define KPT_X86_LAYOUT							\
	.page_shift	= 12,						\
	.index_bits	= 9,						\
	.levels		= 5,						\
	.block_levels	= BIT(0) | BIT(1) | BIT(2),			\
	.present	= KPT_X86_MMU_PRESENT,				\
	.table_mask	= KPT_X86_MMU_PRESENT | KPT_X86_PAGE_SIZE,	\
	.table_value	= KPT_X86_MMU_PRESENT,				\
	.page_bits	= KPT_X86_MMU_PRESENT,				\
	.block_bits	= KPT_X86_MMU_PRESENT | KPT_X86_PAGE_SIZE,	\
	.oa		= { { KPT_X86_ADDR } },				\
	.empty		= KPT_X86_EMPTY,				\
	.frozen		= KPT_X86_FROZEN,				\
	.write		= KPT_X86_WRITE,				\
	.rules		= kpt_x86_rules

static const struct kpt_format __maybe_unused kpt_x86 = {
	KPT_X86_LAYOUT,
	.name		= "x86",
};

/* Address bits below the size of a block are reserved, except for NPT's PAT bit. */
static __always_inline bool kpt_x86_misaligned(kpt_pte_t pte, int level, u64 except)
{
	u64 below = (1ULL << (12 + 9 * level)) - 1;

	return pte & KPT_X86_ADDR & below & ~except;
}

#endif /* __KVM_PGTABLE_FMT_X86_H */
