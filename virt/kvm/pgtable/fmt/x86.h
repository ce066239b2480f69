/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What EPT and NPT have in common, and what KVM/x86 adds to both in bits that
 * the hardware ignores.  The loops of the x86 client fold this and no more: what
 * differs between EPT and NPT is decided when a vendor module loads.
 */
#ifndef __KVM_PGTABLE_FMT_X86_H
#define __KVM_PGTABLE_FMT_X86_H

#include <kvm/pgtable/format.h>

/* Bits at the same place in EPT and NPT entries. */
#define KPT_X86_READ		BIT_ULL(0)	/* NPT: present */
#define KPT_X86_WRITE		BIT_ULL(1)
#define KPT_X86_PAGE_SIZE	BIT_ULL(7)
#define KPT_X86_ADDR		GENMASK_ULL(51, 12)

/* KVM's own: ignored by both, and what "present" means to KVM. */
#define KPT_X86_MMU_PRESENT	BIT_ULL(11)

/*
 * Nothing, and a claim, must not look present to either hardware, must not hold
 * an address that could be speculated on, and must suppress #VE for TDX.
 */
#define KPT_X86_EMPTY		BIT_ULL(63)
#define KPT_X86_FROZEN		(KPT_X86_EMPTY | 0x1a0)

/*
 * A fault that finds more allowed than its TLB knew is spurious and heals by
 * itself, so nothing is owed for relaxing, and x86 CPUs cope with a block and
 * the table that replaces it at the same time.  Another address for a live leaf
 * would be a missed MMU notifier: refused.
 */
static const u8 kpt_x86_rules[KPT_CHANGES] = {
	[KPT_BAD]	= KPT_REFUSED,
	[KPT_TRACK]	= KPT_OWES_LEAF,
	[KPT_PROTECT]	= KPT_OWES_LEAF,
	[KPT_UNMAP]	= KPT_OWES_LEAF,
	[KPT_REMAP]	= KPT_REFUSED,
	[KPT_COLLAPSE]	= KPT_OWES_LEAF | KPT_OWES_WALK,
	[KPT_DETACH]	= KPT_OWES_LEAF | KPT_OWES_WALK,
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

/* Address bits below a block's size are reserved; NPT keeps PAT in the lowest. */
static __always_inline bool kpt_x86_misaligned(kpt_pte_t pte, int level, u64 except)
{
	u64 below = (1ULL << (12 + 9 * level)) - 1;

	return pte & KPT_X86_ADDR & below & ~except;
}

#endif /* __KVM_PGTABLE_FMT_X86_H */
