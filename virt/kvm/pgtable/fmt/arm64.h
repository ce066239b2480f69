/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMSAv8-64 descriptors: common parts of stage 1 and stage 2.
 *
 * Arm ARM (DDI 0487), D8.2 "Translation process" for granules, levels and the
 * sizes of blocks; D8.3 "Translation table descriptor formats", its figures
 * "VMSAv8-64 Table descriptor formats" and "VMSAv8-64 Block descriptor and Page
 * descriptor formats" for the type, the output address and the bits 58:55 left
 * to software; "The Access flag"; "TLB maintenance", with the rules of "Using
 * break-before-make when updating translation table entries".
 *
 * Arm counts levels from the root, and the last one is 3.  Level 0 is Arm's
 * level 3 here, and level 4 is Arm's level -1.
 */
#ifndef __KVM_PGTABLE_FMT_ARM64_H
#define __KVM_PGTABLE_FMT_ARM64_H

#include <kvm/pgtable/format.h>

#define KPT_ARM64_VALID		BIT_ULL(0)
#define KPT_ARM64_TYPE		BIT_ULL(1)	/* table, or page at level 0; else block */
#define KPT_ARM64_SH_INNER	(3ULL << 8)	/* address bits 51:50 with LPA2 */
#define KPT_ARM64_AF		BIT_ULL(10)
#define KPT_ARM64_SOFT		GENMASK_ULL(58, 55)

/* Same value as KVM/arm64's KVM_INVALID_PTE_LOCKED: invalid, with type 1. */
#define KPT_ARM64_FROZEN	BIT_ULL(60)

/*
 * A stale TLB entry may cause a permission fault, so flush it on the CPU that
 * took the fault, or it would fault forever.  Break-before-make is required to
 * change an output address or a memory type, and to change the size of a mapping
 * unless the CPU has FEAT_BBM level 3, see kpt_tree.no_break.
 */
static const u8 kpt_arm64_rules[KPT_CHANGES] = {
	[KPT_BAD]	= KPT_REFUSED,
	[KPT_RELAX]	= KPT_FLUSH_LOCAL,
	[KPT_TRACK]	= KPT_FLUSH_LEAF,
	[KPT_PROTECT]	= KPT_FLUSH_LEAF,
	[KPT_UNMAP]	= KPT_FLUSH_LEAF,
	[KPT_REMAP]	= KPT_FLUSH_LEAF | KPT_BREAK,
	[KPT_SPLIT]	= KPT_FLUSH_LEAF | KPT_BREAK,
	[KPT_COLLAPSE]	= KPT_FLUSH_LEAF | KPT_FLUSH_WALK | KPT_BREAK,
	[KPT_DETACH]	= KPT_FLUSH_LEAF | KPT_FLUSH_WALK,
};

/*
 * Reject invalid types, blocks at levels that have none, and RES0 bits: those of
 * @res0, and the address bits of a block below its size.  Bit 16 of a block is nT,
 * which KVM does not use.
 */
static __always_inline bool
kpt_arm64_reserved(kpt_pte_t pte, int level, int page_shift, u8 block_levels, u64 res0)
{
	u64 page = 1ULL << page_shift;
	u64 block = page << level * (page_shift - 3);

	if (pte & res0)
		return true;
	if (pte & KPT_ARM64_TYPE)
		return false;
	return !level || !(block_levels & BIT(level)) || pte & (block - page);
}

/* "Translation table levels" lists the levels that allow blocks. */
#define KPT_ARM64_BLOCKS_4K		(BIT(0) | BIT(1) | BIT(2))
#define KPT_ARM64_BLOCKS_4K_LPA2	(BIT(0) | BIT(1) | BIT(2) | BIT(3))
#define KPT_ARM64_BLOCKS_16K		(BIT(0) | BIT(1))
#define KPT_ARM64_BLOCKS_16K_LPA2	(BIT(0) | BIT(1) | BIT(2))
#define KPT_ARM64_BLOCKS_64K		(BIT(0) | BIT(1))
#define KPT_ARM64_BLOCKS_64K_LPA	(BIT(0) | BIT(1) | BIT(2))

static bool kpt_arm64_reserved_4k(kpt_pte_t pte, int level)
{
	return kpt_arm64_reserved(pte, level, 12, KPT_ARM64_BLOCKS_4K, GENMASK_ULL(49, 48));
}

static bool kpt_arm64_reserved_4k_lpa2(kpt_pte_t pte, int level)
{
	return kpt_arm64_reserved(pte, level, 12, KPT_ARM64_BLOCKS_4K_LPA2, 0);
}

static bool kpt_arm64_reserved_16k(kpt_pte_t pte, int level)
{
	return kpt_arm64_reserved(pte, level, 14, KPT_ARM64_BLOCKS_16K,
				  GENMASK_ULL(49, 48) | GENMASK_ULL(13, 12));
}

static bool kpt_arm64_reserved_16k_lpa2(kpt_pte_t pte, int level)
{
	return kpt_arm64_reserved(pte, level, 14, KPT_ARM64_BLOCKS_16K_LPA2, GENMASK_ULL(13, 12));
}

static bool kpt_arm64_reserved_64k(kpt_pte_t pte, int level)
{
	return kpt_arm64_reserved(pte, level, 16, KPT_ARM64_BLOCKS_64K,
				  GENMASK_ULL(49, 48) | GENMASK_ULL(15, 12));
}

static bool kpt_arm64_reserved_64k_lpa(kpt_pte_t pte, int level)
{
	return kpt_arm64_reserved(pte, level, 16, KPT_ARM64_BLOCKS_64K_LPA, GENMASK_ULL(49, 48));
}

#define KPT_ARM64_LAYOUT						\
	.present	= KPT_ARM64_VALID,				\
	.table_mask	= KPT_ARM64_VALID | KPT_ARM64_TYPE,		\
	.table_value	= KPT_ARM64_VALID | KPT_ARM64_TYPE,		\
	.table_bits	= KPT_ARM64_VALID | KPT_ARM64_TYPE,		\
	.page_bits	= KPT_ARM64_VALID | KPT_ARM64_TYPE,		\
	.block_bits	= KPT_ARM64_VALID,				\
	.frozen		= KPT_ARM64_FROZEN,				\
	.accessed	= KPT_ARM64_AF,					\
	.soft		= KPT_ARM64_SOFT,				\
	.rules		= kpt_arm64_rules

#define KPT_ARM64_4K							\
	KPT_ARM64_LAYOUT,						\
	.page_shift	= 12,						\
	.index_bits	= 9,						\
	.levels		= 4,						\
	.block_levels	= KPT_ARM64_BLOCKS_4K,				\
	.oa		= { { GENMASK_ULL(47, 12) } }

#define KPT_ARM64_4K_LPA2						\
	KPT_ARM64_LAYOUT,						\
	.page_shift	= 12,						\
	.index_bits	= 9,						\
	.levels		= 5,						\
	.block_levels	= KPT_ARM64_BLOCKS_4K_LPA2,			\
	.oa		= { { GENMASK_ULL(49, 12) }, { GENMASK_ULL(9, 8), 42 } }

#define KPT_ARM64_16K							\
	KPT_ARM64_LAYOUT,						\
	.page_shift	= 14,						\
	.index_bits	= 11,						\
	.levels		= 4,						\
	.block_levels	= KPT_ARM64_BLOCKS_16K,				\
	.oa		= { { GENMASK_ULL(47, 14) } }

#define KPT_ARM64_16K_LPA2						\
	KPT_ARM64_LAYOUT,						\
	.page_shift	= 14,						\
	.index_bits	= 11,						\
	.levels		= 4,						\
	.block_levels	= KPT_ARM64_BLOCKS_16K_LPA2,			\
	.oa		= { { GENMASK_ULL(49, 14) }, { GENMASK_ULL(9, 8), 42 } }

#define KPT_ARM64_64K							\
	KPT_ARM64_LAYOUT,						\
	.page_shift	= 16,						\
	.index_bits	= 13,						\
	.levels		= 3,						\
	.block_levels	= KPT_ARM64_BLOCKS_64K,				\
	.oa		= { { GENMASK_ULL(47, 16) } }

#define KPT_ARM64_64K_LPA						\
	KPT_ARM64_LAYOUT,						\
	.page_shift	= 16,						\
	.index_bits	= 13,						\
	.levels		= 3,						\
	.block_levels	= KPT_ARM64_BLOCKS_64K_LPA,			\
	.oa		= { { GENMASK_ULL(47, 16) }, { GENMASK_ULL(15, 12), 36 } }

#endif /* __KVM_PGTABLE_FMT_ARM64_H */
