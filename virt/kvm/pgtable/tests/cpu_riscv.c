// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decode G-stage entries like RISC-V harts, written from the privileged
 * specification: "Sv39", "Sv48", "Sv57", "Svpbmt", "Svadu" and "Two-Stage Address
 * Translation".  Must not depend on the format under test.
 */
#include "configs.h"
#include "tlb.h"

enum { V, R, W, X, U, G, A, D };

static bool bit(u64 pte, unsigned int n)
{
	return pte >> n & 1;
}

static struct kpt_hw_entry decode_gstage(const struct kpt_config *config, u64 pte, int level)
{
	struct kpt_hw_entry e = { .kind = KPT_HW_ABSENT };
	bool leaf = bit(pte, R) || bit(pte, W) || bit(pte, X);
	u64 ppn = pte >> 10 & ((1ULL << 44) - 1);
	unsigned int pbmt = pte >> 61 & 3;

	if (!bit(pte, V))
		return e;

	e.kind = KPT_HW_FAULTY;
	if (pte >> 54 & 0x7f || bit(pte, 63) || pbmt == 3 || (bit(pte, W) && !bit(pte, R)))
		return e;
	if (!leaf && (!level || bit(pte, U) || bit(pte, A) || bit(pte, D) || pbmt))
		return e;
	if (leaf && (!bit(pte, U) || ppn & ((1ULL << 9 * level) - 1)))
		return e;

	e.oa = ppn << 12;
	e.perms = KPT_PERMS;
	e.accessed = true;
	e.dirty = true;
	e.kind = KPT_HW_TABLE;
	if (!leaf)
		return e;

	e.kind = KPT_HW_LEAF;
	e.perms = (bit(pte, R) ? KPT_R : 0) | (bit(pte, W) ? KPT_W : 0) |
		  (bit(pte, X) ? KPT_X | KPT_UX : 0);
	e.memory = pbmt;
	e.accessed = bit(pte, A);
	e.dirty = bit(pte, D);
	e.set_accessed = 1ULL << A;
	e.set_dirty = 1ULL << D;
	return e;
}

/* Harts may cache invalid entries, and a fence by address does not cover tables. */
const struct kpt_cpu_arch kpt_cpu_gstage = {
	.decode		= decode_gstage,
	.page_shift	= 12,
	.index_bits	= 9,
	.refault	= true,
	.absent		= true,
	.all_for_walks	= true,
};

/* With Svvptc, they do not use a cached invalid entry for long. */
const struct kpt_cpu_arch kpt_cpu_gstage_svvptc = {
	.decode		= decode_gstage,
	.page_shift	= 12,
	.index_bits	= 9,
	.refault	= true,
	.all_for_walks	= true,
};
