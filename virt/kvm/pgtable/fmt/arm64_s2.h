/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arm VMSAv8-64 stage 2: intermediate physical to physical addresses.
 *
 * Arm ARM (DDI 0487), D8.3.2 "Block descriptor and Page descriptor formats",
 * table "Stage 2 VMSAv8-64 Block and Page descriptor fields"; D8.4 for S2AP and,
 * by FEAT_XNX, XN[1:0]; D8.6 "Stage 2 memory region type and Cacheability
 * attributes" for MemAttr, without and with FEAT_S2FWB; "Concatenated translation
 * tables" for up to 16 tables at the root.
 */
#ifndef __KVM_PGTABLE_FMT_ARM64_S2_H
#define __KVM_PGTABLE_FMT_ARM64_S2_H

#include "arm64.h"

#define KPT_S2_MEMATTR		GENMASK_ULL(5, 2)
#define KPT_S2_DEVICE_NGNRE	(0x1ULL << 2)
#define KPT_S2_NORMAL_NC	(0x5ULL << 2)
#define KPT_S2_NORMAL_WB	(0xfULL << 2)
#define KPT_S2_FWB_NORMAL_WB	(0x6ULL << 2)	/* overrides stage 1 */
#define KPT_S2_READ		BIT_ULL(6)
#define KPT_S2_WRITE		BIT_ULL(7)
#define KPT_S2_XN		GENMASK_ULL(54, 53)
#define KPT_S2_XN_EL1		BIT_ULL(53)
#define KPT_S2_XN_ALL		BIT_ULL(54)
#define KPT_S2_XN_EL0		KPT_S2_XN

static __always_inline u64 kpt_s2_memory(unsigned int prot, unsigned int features)
{
	/* FEAT_S2FWB does not change the encodings of Device-nGnRE and Normal-NC. */
	if (prot & KPT_DEVICE)
		return KPT_S2_DEVICE_NGNRE;
	if (prot & KPT_NC)
		return KPT_S2_NORMAL_NC;
	return features & KPT_FEAT_FWB ? KPT_S2_FWB_NORMAL_WB : KPT_S2_NORMAL_WB;
}

static __always_inline u64 kpt_s2_execute_never(unsigned int prot, unsigned int features)
{
	bool el1 = prot & KPT_X;
	bool el0 = prot & KPT_UX;

	if (el1 && el0)
		return 0;
	if (!(features & KPT_FEAT_XNX) || el1 == el0)
		return KPT_S2_XN_ALL;
	return el1 ? KPT_S2_XN_EL0 : KPT_S2_XN_EL1;
}

static u64 kpt_s2_attrs_lpa2(unsigned int prot, unsigned int features)
{
	u64 attrs = KPT_ARM64_AF;

	if (prot & KPT_R)
		attrs |= KPT_S2_READ;
	if (prot & KPT_W)
		attrs |= KPT_S2_WRITE;

	return attrs | kpt_s2_memory(prot, features) | kpt_s2_execute_never(prot, features);
}

/* With LPA2, shareability is in VTCR_EL2, and its bits are part of the address. */
static u64 __maybe_unused kpt_s2_attrs(unsigned int prot, unsigned int features)
{
	return kpt_s2_attrs_lpa2(prot, features) | KPT_ARM64_SH_INNER;
}

/* Without FEAT_XNX, only the high bit of XN is used. */
static unsigned int kpt_s2_perms(kpt_pte_t pte)
{
	u64 xn = pte & KPT_S2_XN;

	return (pte & KPT_S2_READ ? KPT_R : 0) | (pte & KPT_S2_WRITE ? KPT_W : 0) |
	       (xn == 0 || xn == KPT_S2_XN_EL0 ? KPT_X : 0) |
	       (xn == 0 || xn == KPT_S2_XN_EL1 ? KPT_UX : 0);
}

/* 4, 8 and 12 are reserved.  FEAT_MTE_PERM defines 4, but KVM does not use it. */
static __always_inline bool kpt_s2_reserved_memory(kpt_pte_t pte, int level)
{
	bool table = level && pte & KPT_ARM64_TYPE;
	u64 memory = pte & KPT_S2_MEMATTR;

	return !table && memory && !(memory & GENMASK_ULL(3, 2));
}

static bool kpt_s2_reserved_4k(kpt_pte_t pte, int level)
{
	return kpt_arm64_reserved_4k(pte, level) || kpt_s2_reserved_memory(pte, level);
}

static bool kpt_s2_reserved_4k_lpa2(kpt_pte_t pte, int level)
{
	return kpt_arm64_reserved_4k_lpa2(pte, level) || kpt_s2_reserved_memory(pte, level);
}

static bool kpt_s2_reserved_16k(kpt_pte_t pte, int level)
{
	return kpt_arm64_reserved_16k(pte, level) || kpt_s2_reserved_memory(pte, level);
}

static bool kpt_s2_reserved_16k_lpa2(kpt_pte_t pte, int level)
{
	return kpt_arm64_reserved_16k_lpa2(pte, level) || kpt_s2_reserved_memory(pte, level);
}

static bool kpt_s2_reserved_64k(kpt_pte_t pte, int level)
{
	return kpt_arm64_reserved_64k(pte, level) || kpt_s2_reserved_memory(pte, level);
}

static bool kpt_s2_reserved_64k_lpa(kpt_pte_t pte, int level)
{
	return kpt_arm64_reserved_64k_lpa(pte, level) || kpt_s2_reserved_memory(pte, level);
}

#define KPT_S2_LAYOUT							\
	.wide_root	= 4,						\
	.write		= KPT_S2_WRITE,					\
	.perm_mask	= KPT_S2_READ | KPT_S2_WRITE | KPT_S2_XN,	\
	.perms		= kpt_s2_perms

static const struct kpt_format __maybe_unused kpt_s2_4k = {
	KPT_ARM64_4K,
	KPT_S2_LAYOUT,
	.name		= "stage2_4k",
	.attrs		= kpt_s2_attrs,
	.reserved	= kpt_s2_reserved_4k,
};

static const struct kpt_format __maybe_unused kpt_s2_4k_lpa2 = {
	KPT_ARM64_4K_LPA2,
	KPT_S2_LAYOUT,
	.name		= "stage2_4k_lpa2",
	.attrs		= kpt_s2_attrs_lpa2,
	.reserved	= kpt_s2_reserved_4k_lpa2,
};

static const struct kpt_format __maybe_unused kpt_s2_16k = {
	KPT_ARM64_16K,
	KPT_S2_LAYOUT,
	.name		= "stage2_16k",
	.attrs		= kpt_s2_attrs,
	.reserved	= kpt_s2_reserved_16k,
};

static const struct kpt_format __maybe_unused kpt_s2_16k_lpa2 = {
	KPT_ARM64_16K_LPA2,
	KPT_S2_LAYOUT,
	.name		= "stage2_16k_lpa2",
	.attrs		= kpt_s2_attrs_lpa2,
	.reserved	= kpt_s2_reserved_16k_lpa2,
};

static const struct kpt_format __maybe_unused kpt_s2_64k = {
	KPT_ARM64_64K,
	KPT_S2_LAYOUT,
	.name		= "stage2_64k",
	.attrs		= kpt_s2_attrs,
	.reserved	= kpt_s2_reserved_64k,
};

/* Address bits 51:48 are in bits 15:12, so shareability remains in the entry. */
static const struct kpt_format __maybe_unused kpt_s2_64k_lpa = {
	KPT_ARM64_64K_LPA,
	KPT_S2_LAYOUT,
	.name		= "stage2_64k_lpa",
	.attrs		= kpt_s2_attrs,
	.reserved	= kpt_s2_reserved_64k_lpa,
};

#endif /* __KVM_PGTABLE_FMT_ARM64_S2_H */
