// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decode VMSAv8-64 descriptors like Arm CPUs, written from the Arm ARM (DDI 0487),
 * chapter D8: D8.3 for the descriptors, D8.4 for permissions, D8.5 for the Access
 * flag, which these CPUs set themselves.  Must not depend on the format under test.
 */
#include "configs.h"
#include "tlb.h"

static u64 bits(u64 pte, unsigned int high, unsigned int low)
{
	return pte >> low & ((2ULL << (high - low)) - 1);
}

static u64 address(const struct kpt_cpu_arch *arch, u64 pte)
{
	switch (arch->lpa) {
	case KPT_ARM64_LPA2:
		return bits(pte, 49, arch->page_shift) << arch->page_shift | bits(pte, 9, 8) << 50;
	case KPT_ARM64_LPA:
		return bits(pte, 47, 16) << 16 | bits(pte, 15, 12) << 48;
	default:
		return bits(pte, 47, arch->page_shift) << arch->page_shift;
	}
}

/* Blocks or pages are at Arm's levels 1 to 3, by granule; also at 0 with LPA2 and 4K. */
static bool maps_memory(const struct kpt_cpu_arch *arch, int level)
{
	int highest;

	switch (arch->page_shift) {
	case 12:
		highest = arch->lpa == KPT_ARM64_LPA2 ? 3 : 2;
		break;
	case 14:
		highest = arch->lpa == KPT_ARM64_LPA2 ? 2 : 1;
		break;
	default:
		highest = arch->lpa == KPT_ARM64_LPA ? 2 : 1;
	}
	return level <= highest;
}

static unsigned int stage2_perms(u64 pte, bool xnx)
{
	static const unsigned int executable[] = { KPT_X | KPT_UX, KPT_UX, 0, KPT_X };
	unsigned int xn = bits(pte, 54, 53);

	if (!xnx)
		xn &= 2;
	return (bits(pte, 6, 6) ? KPT_R : 0) | (bits(pte, 7, 7) ? KPT_W : 0) | executable[xn];
}

static unsigned int stage1_perms(u64 pte, enum kpt_arm64_regime regime)
{
	unsigned int perms = KPT_R | (bits(pte, 7, 7) ? 0 : KPT_W);

	if (regime == KPT_ARM64_EL2)
		return perms | (bits(pte, 54, 54) ? 0 : KPT_X | KPT_UX);
	return perms | (bits(pte, 53, 53) ? 0 : KPT_X) | (bits(pte, 54, 54) ? 0 : KPT_UX);
}

static struct kpt_hw_entry decode(const struct kpt_config *config, u64 pte, int level)
{
	const struct kpt_cpu_arch *arch = config->arch;
	u64 size = 1ULL << (arch->page_shift + level * arch->index_bits);
	struct kpt_hw_entry e = { .kind = KPT_HW_ABSENT };

	if (!bits(pte, 0, 0))
		return e;

	e.oa = address(arch, pte);
	e.accessed = true;
	e.dirty = true;
	e.perms = KPT_PERMS;
	if (level && bits(pte, 1, 1)) {
		e.kind = KPT_HW_TABLE;
		return e;
	}
	if (!maps_memory(arch, level) || (!level && !bits(pte, 1, 1)) || e.oa & (size - 1)) {
		e.kind = KPT_HW_FAULTY;
		return e;
	}

	e.kind = KPT_HW_LEAF;
	e.accessed = bits(pte, 10, 10);
	e.set_accessed = 1ULL << 10;
	e.memory = arch->lpa == KPT_ARM64_LPA2 ? 0 : bits(pte, 9, 8) << 8;
	if (arch->regime == KPT_ARM64_STAGE2) {
		e.memory |= bits(pte, 5, 2);
		e.perms = stage2_perms(pte, config->features & KPT_FEAT_XNX);
	} else {
		e.memory |= bits(pte, 4, 2);
		e.perms = stage1_perms(pte, arch->regime);
	}
	return e;
}

/*
 * Permission faults do not evict the TLB entry, two different translations for one
 * address are a conflict, and entries that cause translation faults are not cached.
 */
const struct kpt_cpu_arch kpt_cpu_s2_4k = {
	.decode		= decode,
	.page_shift	= 12,
	.index_bits	= 9,
	.refault	= true,
	.conflicts	= true,
	.level_hints	= true,
	.regime		= KPT_ARM64_STAGE2,
	.lpa		= KPT_ARM64_48BIT,
};

const struct kpt_cpu_arch kpt_cpu_s2_4k_lpa2 = {
	.decode		= decode,
	.page_shift	= 12,
	.index_bits	= 9,
	.refault	= true,
	.conflicts	= true,
	.level_hints	= true,
	.regime		= KPT_ARM64_STAGE2,
	.lpa		= KPT_ARM64_LPA2,
};

const struct kpt_cpu_arch kpt_cpu_s2_16k = {
	.decode		= decode,
	.page_shift	= 14,
	.index_bits	= 11,
	.refault	= true,
	.conflicts	= true,
	.level_hints	= true,
	.regime		= KPT_ARM64_STAGE2,
	.lpa		= KPT_ARM64_48BIT,
};

const struct kpt_cpu_arch kpt_cpu_s2_16k_lpa2 = {
	.decode		= decode,
	.page_shift	= 14,
	.index_bits	= 11,
	.refault	= true,
	.conflicts	= true,
	.level_hints	= true,
	.regime		= KPT_ARM64_STAGE2,
	.lpa		= KPT_ARM64_LPA2,
};

const struct kpt_cpu_arch kpt_cpu_s2_64k = {
	.decode		= decode,
	.page_shift	= 16,
	.index_bits	= 13,
	.refault	= true,
	.conflicts	= true,
	.level_hints	= true,
	.regime		= KPT_ARM64_STAGE2,
	.lpa		= KPT_ARM64_48BIT,
};

const struct kpt_cpu_arch kpt_cpu_s2_64k_lpa = {
	.decode		= decode,
	.page_shift	= 16,
	.index_bits	= 13,
	.refault	= true,
	.conflicts	= true,
	.level_hints	= true,
	.regime		= KPT_ARM64_STAGE2,
	.lpa		= KPT_ARM64_LPA,
};

const struct kpt_cpu_arch kpt_cpu_hyp_4k = {
	.decode		= decode,
	.page_shift	= 12,
	.index_bits	= 9,
	.refault	= true,
	.conflicts	= true,
	.level_hints	= true,
	.regime		= KPT_ARM64_EL2,
	.lpa		= KPT_ARM64_48BIT,
};

const struct kpt_cpu_arch kpt_cpu_hyp_4k_lpa2 = {
	.decode		= decode,
	.page_shift	= 12,
	.index_bits	= 9,
	.refault	= true,
	.conflicts	= true,
	.level_hints	= true,
	.regime		= KPT_ARM64_EL2,
	.lpa		= KPT_ARM64_LPA2,
};

const struct kpt_cpu_arch kpt_cpu_hyp_16k = {
	.decode		= decode,
	.page_shift	= 14,
	.index_bits	= 11,
	.refault	= true,
	.conflicts	= true,
	.level_hints	= true,
	.regime		= KPT_ARM64_EL2,
	.lpa		= KPT_ARM64_48BIT,
};

const struct kpt_cpu_arch kpt_cpu_hyp_16k_lpa2 = {
	.decode		= decode,
	.page_shift	= 14,
	.index_bits	= 11,
	.refault	= true,
	.conflicts	= true,
	.level_hints	= true,
	.regime		= KPT_ARM64_EL2,
	.lpa		= KPT_ARM64_LPA2,
};

const struct kpt_cpu_arch kpt_cpu_hyp_64k = {
	.decode		= decode,
	.page_shift	= 16,
	.index_bits	= 13,
	.refault	= true,
	.conflicts	= true,
	.level_hints	= true,
	.regime		= KPT_ARM64_EL2,
	.lpa		= KPT_ARM64_48BIT,
};

const struct kpt_cpu_arch kpt_cpu_hyp_64k_lpa = {
	.decode		= decode,
	.page_shift	= 16,
	.index_bits	= 13,
	.refault	= true,
	.conflicts	= true,
	.level_hints	= true,
	.regime		= KPT_ARM64_EL2,
	.lpa		= KPT_ARM64_LPA,
};

const struct kpt_cpu_arch kpt_cpu_hvhe_4k = {
	.decode		= decode,
	.page_shift	= 12,
	.index_bits	= 9,
	.refault	= true,
	.conflicts	= true,
	.level_hints	= true,
	.regime		= KPT_ARM64_EL20,
	.lpa		= KPT_ARM64_48BIT,
};
