/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arm VMSAv8-64 stage 1, for mappings of the hypervisor itself.  There are two
 * regimes: EL2 with a single privilege level (kpt_hyp_*), and EL2&0 with two,
 * which is in use if HCR_EL2.E2H is 1 (kpt_hvhe_*).
 *
 * Arm ARM (DDI 0487), D8.3.2 "Block descriptor and Page descriptor formats",
 * table "Stage 1 VMSAv8-64 Block and Page descriptor fields"; D8.4 "Memory access
 * control" for AP[2:1], XN, PXN and UXN: with a single privilege level, AP[1] is
 * RES1, PXN is RES0, and XN has the position of UXN.
 */
#ifndef __KVM_PGTABLE_FMT_ARM64_HYP_H
#define __KVM_PGTABLE_FMT_ARM64_HYP_H

#include "arm64.h"

/* AttrIndx, must match KVM's MAIR_EL2. */
#define KPT_HYP_NORMAL_WB	(0ULL << 2)
#define KPT_HYP_NORMAL_NC	(2ULL << 2)
#define KPT_HYP_DEVICE_NGNRE	(4ULL << 2)
#define KPT_HYP_AP_EL0		BIT_ULL(6)	/* AP[1]: RES1 in the EL2 regime */
#define KPT_HYP_READ_ONLY	BIT_ULL(7)	/* AP[2] */
#define KPT_HYP_PXN		BIT_ULL(53)
#define KPT_HYP_XN		BIT_ULL(54)	/* UXN in the EL2&0 regime */

/* Reads cannot be forbidden, so KPT_R is implied. */
static __always_inline u64 kpt_hyp_common_attrs(unsigned int prot)
{
	u64 attrs = KPT_ARM64_AF;

	if (!(prot & KPT_W))
		attrs |= KPT_HYP_READ_ONLY;
	if (prot & KPT_DEVICE)
		return attrs | KPT_HYP_DEVICE_NGNRE;
	return attrs | (prot & KPT_NC ? KPT_HYP_NORMAL_NC : KPT_HYP_NORMAL_WB);
}

static u64 kpt_hyp_attrs_lpa2(unsigned int prot, unsigned int features)
{
	return kpt_hyp_common_attrs(prot) | KPT_HYP_AP_EL0 | (prot & KPT_X ? 0 : KPT_HYP_XN);
}

static u64 __maybe_unused kpt_hyp_attrs(unsigned int prot, unsigned int features)
{
	return kpt_hyp_attrs_lpa2(prot, features) | KPT_ARM64_SH_INNER;
}

static u64 kpt_hvhe_attrs_lpa2(unsigned int prot, unsigned int features)
{
	return kpt_hyp_common_attrs(prot) | (prot & KPT_X ? 0 : KPT_HYP_PXN) |
	       (prot & KPT_UX ? 0 : KPT_HYP_XN);
}

static u64 __maybe_unused kpt_hvhe_attrs(unsigned int prot, unsigned int features)
{
	return kpt_hvhe_attrs_lpa2(prot, features) | KPT_ARM64_SH_INNER;
}

static unsigned int kpt_hyp_perms(kpt_pte_t pte)
{
	return KPT_R | (pte & KPT_HYP_READ_ONLY ? 0 : KPT_W) |
	       (pte & KPT_HYP_XN ? 0 : KPT_X | KPT_UX);
}

static unsigned int kpt_hvhe_perms(kpt_pte_t pte)
{
	return KPT_R | (pte & KPT_HYP_READ_ONLY ? 0 : KPT_W) |
	       (pte & KPT_HYP_PXN ? 0 : KPT_X) | (pte & KPT_HYP_XN ? 0 : KPT_UX);
}

#define KPT_HYP_LAYOUT							\
	.read_only	= KPT_HYP_READ_ONLY,				\
	.perm_mask	= KPT_HYP_READ_ONLY | KPT_HYP_XN,		\
	.perms		= kpt_hyp_perms

#define KPT_HVHE_LAYOUT							\
	.read_only	= KPT_HYP_READ_ONLY,				\
	.perm_mask	= KPT_HYP_READ_ONLY | KPT_HYP_XN | KPT_HYP_PXN,	\
	.perms		= kpt_hvhe_perms

static const struct kpt_format __maybe_unused kpt_hyp_4k = {
	KPT_ARM64_4K,
	KPT_HYP_LAYOUT,
	.name		= "hyp_4k",
	.attrs		= kpt_hyp_attrs,
	.reserved	= kpt_arm64_reserved_4k,
};

static const struct kpt_format __maybe_unused kpt_hyp_4k_lpa2 = {
	KPT_ARM64_4K_LPA2,
	KPT_HYP_LAYOUT,
	.name		= "hyp_4k_lpa2",
	.attrs		= kpt_hyp_attrs_lpa2,
	.reserved	= kpt_arm64_reserved_4k_lpa2,
};

static const struct kpt_format __maybe_unused kpt_hyp_16k = {
	KPT_ARM64_16K,
	KPT_HYP_LAYOUT,
	.name		= "hyp_16k",
	.attrs		= kpt_hyp_attrs,
	.reserved	= kpt_arm64_reserved_16k,
};

static const struct kpt_format __maybe_unused kpt_hyp_16k_lpa2 = {
	KPT_ARM64_16K_LPA2,
	KPT_HYP_LAYOUT,
	.name		= "hyp_16k_lpa2",
	.attrs		= kpt_hyp_attrs_lpa2,
	.reserved	= kpt_arm64_reserved_16k_lpa2,
};

static const struct kpt_format __maybe_unused kpt_hyp_64k = {
	KPT_ARM64_64K,
	KPT_HYP_LAYOUT,
	.name		= "hyp_64k",
	.attrs		= kpt_hyp_attrs,
	.reserved	= kpt_arm64_reserved_64k,
};

static const struct kpt_format __maybe_unused kpt_hyp_64k_lpa = {
	KPT_ARM64_64K_LPA,
	KPT_HYP_LAYOUT,
	.name		= "hyp_64k_lpa",
	.attrs		= kpt_hyp_attrs,
	.reserved	= kpt_arm64_reserved_64k_lpa,
};

static const struct kpt_format __maybe_unused kpt_hvhe_4k = {
	KPT_ARM64_4K,
	KPT_HVHE_LAYOUT,
	.name		= "hvhe_4k",
	.attrs		= kpt_hvhe_attrs,
	.reserved	= kpt_arm64_reserved_4k,
};

static const struct kpt_format __maybe_unused kpt_hvhe_4k_lpa2 = {
	KPT_ARM64_4K_LPA2,
	KPT_HVHE_LAYOUT,
	.name		= "hvhe_4k_lpa2",
	.attrs		= kpt_hvhe_attrs_lpa2,
	.reserved	= kpt_arm64_reserved_4k_lpa2,
};

static const struct kpt_format __maybe_unused kpt_hvhe_16k = {
	KPT_ARM64_16K,
	KPT_HVHE_LAYOUT,
	.name		= "hvhe_16k",
	.attrs		= kpt_hvhe_attrs,
	.reserved	= kpt_arm64_reserved_16k,
};

static const struct kpt_format __maybe_unused kpt_hvhe_16k_lpa2 = {
	KPT_ARM64_16K_LPA2,
	KPT_HVHE_LAYOUT,
	.name		= "hvhe_16k_lpa2",
	.attrs		= kpt_hvhe_attrs_lpa2,
	.reserved	= kpt_arm64_reserved_16k_lpa2,
};

static const struct kpt_format __maybe_unused kpt_hvhe_64k = {
	KPT_ARM64_64K,
	KPT_HVHE_LAYOUT,
	.name		= "hvhe_64k",
	.attrs		= kpt_hvhe_attrs,
	.reserved	= kpt_arm64_reserved_64k,
};

static const struct kpt_format __maybe_unused kpt_hvhe_64k_lpa = {
	KPT_ARM64_64K_LPA,
	KPT_HVHE_LAYOUT,
	.name		= "hvhe_64k_lpa",
	.attrs		= kpt_hvhe_attrs,
	.reserved	= kpt_arm64_reserved_64k_lpa,
};

#endif /* __KVM_PGTABLE_FMT_ARM64_HYP_H */
