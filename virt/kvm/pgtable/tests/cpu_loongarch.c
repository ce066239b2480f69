// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decode second-level entries like LoongArch CPUs, with and without a hardware
 * walker, written from the reference manual, volume 1: "Multi-level Page Table
 * Structure Supported by Page Walking", "TLB Entry", "LDDIR" and "LDPTE".  Must not
 * depend on the format under test.
 */
#include "configs.h"
#include "tlb.h"

enum { V = 0, D = 1, H = 6, P = 7, W = 8, NR = 61, NX = 62 };

static bool bit(u64 pte, unsigned int n)
{
	return pte >> n & 1;
}

static u64 bits(u64 pte, unsigned int high, unsigned int low)
{
	return pte >> low & ((1ULL << (high - low + 1)) - 1);
}

/*
 * A directory entry consists only of an address, bits above it are ignored.  Each
 * entry of the invalid table contains the table's own address, so the walk ends at
 * the last level with V and P clear.
 */
static struct kpt_hw_entry decode_directory(u64 pte)
{
	struct kpt_hw_entry e = {
		.kind		= KPT_HW_TABLE,
		.oa		= bits(pte, 47, 14) << 14,
		.perms		= KPT_PERMS,
		.accessed	= true,
		.dirty		= true,
	};

	if (bits(pte, 13, 0) || !e.oa)
		e.kind = KPT_HW_FAULTY;
	else if (e.oa == KPT_LOONGARCH_INVALID_TABLE)
		e.kind = KPT_HW_ABSENT;
	return e;
}

/*
 * A hardware walker checks P and W, and sets V and D.  Without one, V and D are
 * loaded into the TLB as they are, and KVM's fault handler sets V if it is clear.
 */
static struct kpt_hw_entry decode_loongarch(const struct kpt_config *config, u64 pte, int level)
{
	bool walker = config->features & KPT_FEAT_AD;
	u64 size = 1ULL << (14 + 11 * level);
	struct kpt_hw_entry e = { .kind = KPT_HW_ABSENT };

	if (level && !bit(pte, H))
		return decode_directory(pte);
	if (!bit(pte, P) && (walker || !bit(pte, V)))
		return e;

	e.kind = KPT_HW_FAULTY;
	if (level > 1 || bits(pte, 5, 4) == 3 || (level && bits(pte, 24, 13)))
		return e;

	e.kind = KPT_HW_LEAF;
	e.oa = bits(pte, 47, 0) & ~(size - 1);
	e.perms = (bit(pte, NR) ? 0 : KPT_R) | (bit(pte, walker ? W : D) ? KPT_W : 0) |
		  (bit(pte, NX) ? 0 : KPT_X | KPT_UX);
	e.memory = bits(pte, 5, 4);
	e.accessed = bit(pte, V);
	e.dirty = bit(pte, D);
	e.set_accessed = 1ULL << V;
	e.set_dirty = walker ? 1ULL << D : 0;
	return e;
}

/*
 * TLB refills also load invalid entries, and faults do not evict an entry.  The
 * manual does not say whether INVTLB by address flushes cached directory entries.
 */
const struct kpt_cpu_arch kpt_cpu_loongarch = {
	.decode		= decode_loongarch,
	.page_shift	= 14,
	.index_bits	= 11,
	.refault	= true,
	.absent		= true,
	.conflicts	= true,
	.all_for_walks	= true,
};
