// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decode nested page tables like Intel and AMD CPUs, written from the manuals: Intel
 * SDM Vol. 3C chapter "VMX Support for Address Translation", 30.3.2 to 30.3.5; AMD
 * APM Vol. 2, 5.3 to 5.4 and 15.25.  Must not depend on the format under test.
 */
#include "configs.h"
#include "tlb.h"

static bool bit(u64 pte, unsigned int n)
{
	return pte >> n & 1;
}

/* Bits 51:12, without those below the size of a large page. */
static u64 address(u64 pte, int level)
{
	return pte & 0x000ffffffffff000ULL & ~((0x1000ULL << 9 * level) - 1);
}

static bool ept_forbidden(u64 pte, int level, bool leaf)
{
	unsigned int type = pte >> 3 & 7;

	if (bit(pte, 1) && !bit(pte, 0))
		return true;
	if (bit(pte, 7) && level > 2)
		return true;
	if (!leaf)
		return type || bit(pte, 6);

	return type == 2 || type == 3 || type == 7 ||
	       (pte & 0x000ffffffffff000ULL) != address(pte, level);
}

static struct kpt_hw_entry decode_ept(const struct kpt_config *config, u64 pte, int level)
{
	bool leaf = !level || bit(pte, 7);
	bool flags = config->features & KPT_FEAT_AD;
	struct kpt_hw_entry e = { .kind = KPT_HW_ABSENT };

	if (!bit(pte, 0) && !bit(pte, 1) && !bit(pte, 2) && !bit(pte, 10))
		return e;

	if (ept_forbidden(pte, level, leaf)) {
		e.kind = KPT_HW_FAULTY;
		return e;
	}

	e.kind = leaf ? KPT_HW_LEAF : KPT_HW_TABLE;
	e.oa = address(pte, leaf ? level : 0);
	e.perms = (bit(pte, 0) ? KPT_R : 0) | (bit(pte, 1) ? KPT_W : 0) |
		  (bit(pte, 2) ? KPT_X : 0) | (bit(pte, 10) ? KPT_UX : 0);
	e.memory = leaf ? pte & 0x78 : 0;
	e.accessed = !flags || bit(pte, 8);
	e.dirty = !flags || !leaf || bit(pte, 9);
	e.set_accessed = flags ? 1ULL << 8 : 0;
	e.set_dirty = flags && leaf ? 1ULL << 9 : 0;
	return e;
}

static struct kpt_hw_entry decode_npt(const struct kpt_config *config, u64 pte, int level)
{
	bool leaf = !level || bit(pte, 7);
	struct kpt_hw_entry e = { .kind = KPT_HW_ABSENT };
	u64 low = (0x1000ULL << 9 * level) - 0x1000;

	if (!bit(pte, 0))
		return e;

	/* A nested walk is a user access; bit 12 of a large page is PAT. */
	if (!bit(pte, 2) || (level > 2 && bit(pte, 7)) ||
	    (level && leaf && pte & low & ~0x1000ULL)) {
		e.kind = KPT_HW_FAULTY;
		return e;
	}

	e.kind = leaf ? KPT_HW_LEAF : KPT_HW_TABLE;
	e.oa = address(pte, leaf ? level : 0);
	e.perms = KPT_R | (bit(pte, 1) ? KPT_W : 0) | (bit(pte, 63) ? 0 : KPT_X | KPT_UX);
	e.memory = (pte & 0x18) | (leaf && bit(pte, level ? 12 : 7) ? 0x80 : 0);
	e.accessed = bit(pte, 5);
	e.dirty = !leaf || bit(pte, 6);
	e.set_accessed = 1ULL << 5;
	e.set_dirty = leaf ? 1ULL << 6 : 0;
	return e;
}

/* Faults evict the TLB entry that caused them; non-present entries are not cached. */
const struct kpt_cpu_arch kpt_cpu_ept = {
	.decode		= decode_ept,
	.page_shift	= 12,
	.index_bits	= 9,
};

const struct kpt_cpu_arch kpt_cpu_npt = {
	.decode		= decode_npt,
	.page_shift	= 12,
	.index_bits	= 9,
};
