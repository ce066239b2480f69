// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decoders and rules of the architectures, written from the manuals that are listed in
 * the header of each format.  Must not depend on the formats under test.
 */
#include "formats.h"

const struct kpt_test_format *const kpt_test_formats[] = {
	&kpt_test_ept,
	&kpt_test_npt,
	&kpt_test_stage2_4k,
	&kpt_test_stage2_4k_lpa2,
	&kpt_test_stage2_16k,
	&kpt_test_stage2_16k_lpa2,
	&kpt_test_stage2_64k,
	&kpt_test_stage2_64k_lpa,
	&kpt_test_hyp_4k,
	&kpt_test_hyp_4k_lpa2,
	&kpt_test_hyp_16k,
	&kpt_test_hyp_16k_lpa2,
	&kpt_test_hyp_64k,
	&kpt_test_hyp_64k_lpa,
	&kpt_test_hvhe_4k,
	&kpt_test_hvhe_4k_lpa2,
	&kpt_test_hvhe_16k,
	&kpt_test_hvhe_16k_lpa2,
	&kpt_test_hvhe_64k,
	&kpt_test_hvhe_64k_lpa,
	&kpt_test_gstage,
	&kpt_test_loongarch,
	NULL
};

const u8 kpt_rules_x86[KPT_CHANGES] = {
	[KPT_BAD]	= KPT_REFUSED,
	[KPT_REMAP]	= KPT_REFUSED,
	[KPT_TRACK]	= KPT_FLUSH_LEAF,
	[KPT_PROTECT]	= KPT_FLUSH_LEAF,
	[KPT_UNMAP]	= KPT_FLUSH_LEAF,
	[KPT_COLLAPSE]	= KPT_FLUSH_LEAF | KPT_FLUSH_WALK,
	[KPT_DETACH]	= KPT_FLUSH_LEAF | KPT_FLUSH_WALK,
};

const u8 kpt_rules_arm64[KPT_CHANGES] = {
	[KPT_BAD]	= KPT_REFUSED,
	[KPT_RELAX]	= KPT_FLUSH_LOCAL,
	[KPT_TRACK]	= KPT_FLUSH_LEAF,
	[KPT_PROTECT]	= KPT_FLUSH_LEAF,
	[KPT_UNMAP]	= KPT_FLUSH_LEAF,
	[KPT_REMAP]	= KPT_BREAK | KPT_FLUSH_LEAF,
	[KPT_SPLIT]	= KPT_BREAK | KPT_FLUSH_LEAF,
	[KPT_COLLAPSE]	= KPT_BREAK | KPT_FLUSH_LEAF | KPT_FLUSH_WALK,
	[KPT_DETACH]	= KPT_FLUSH_LEAF | KPT_FLUSH_WALK,
};

const u8 kpt_rules_gstage[KPT_CHANGES] = {
	[KPT_BAD]	= KPT_REFUSED,
	[KPT_MAP]	= KPT_FLUSH_LOCAL,
	[KPT_YOUNG]	= KPT_FLUSH_LOCAL,
	[KPT_RELAX]	= KPT_FLUSH_LOCAL,
	[KPT_TRACK]	= KPT_FLUSH_LEAF,
	[KPT_PROTECT]	= KPT_FLUSH_LEAF,
	[KPT_UNMAP]	= KPT_FLUSH_LEAF,
	[KPT_REMAP]	= KPT_FLUSH_LEAF,
	[KPT_SPLIT]	= KPT_FLUSH_LEAF,
	[KPT_COLLAPSE]	= KPT_FLUSH_LEAF | KPT_FLUSH_WALK | KPT_FLUSH_ALL,
	[KPT_DETACH]	= KPT_FLUSH_LEAF | KPT_FLUSH_WALK | KPT_FLUSH_ALL,
};

const u8 kpt_rules_loongarch[KPT_CHANGES] = {
	[KPT_BAD]	= KPT_REFUSED,
	[KPT_MAP]	= KPT_FLUSH_LOCAL,
	[KPT_YOUNG]	= KPT_FLUSH_LOCAL,
	[KPT_RELAX]	= KPT_FLUSH_LOCAL,
	[KPT_TRACK]	= KPT_FLUSH_LEAF,
	[KPT_PROTECT]	= KPT_FLUSH_LEAF,
	[KPT_UNMAP]	= KPT_FLUSH_LEAF,
	[KPT_REMAP]	= KPT_BREAK | KPT_FLUSH_LEAF,
	[KPT_SPLIT]	= KPT_BREAK | KPT_FLUSH_LEAF,
	[KPT_COLLAPSE]	= KPT_BREAK | KPT_FLUSH_LEAF | KPT_FLUSH_WALK | KPT_FLUSH_ALL,
	[KPT_DETACH]	= KPT_FLUSH_LEAF | KPT_FLUSH_WALK | KPT_FLUSH_ALL,
};

static bool bit(u64 pte, unsigned int n)
{
	return pte >> n & 1;
}

static unsigned int field(u64 pte, unsigned int high, unsigned int low)
{
	return pte >> low & ((1ULL << (high - low + 1)) - 1);
}

static u64 address(u64 pte, unsigned int high, unsigned int low)
{
	return pte & ((2ULL << high) - (1ULL << low));
}

static unsigned int perms(bool r, bool w, bool x, bool ux)
{
	return (r ? KPT_R : 0) | (w ? KPT_W : 0) | (x ? KPT_X : 0) | (ux ? KPT_UX : 0);
}

/* Bit 11 is KVM/x86's present bit; bit 7 is set in leaves above level 0. */
static enum kpt_kind x86_kind(u64 pte, int level)
{
	if (!bit(pte, 11))
		return KPT_ABSENT;
	return level && !bit(pte, 7) ? KPT_TABLE : KPT_LEAF;
}

static unsigned int ept_type(u64 pte)
{
	switch (field(pte, 6, 3)) {
	case 0:
		return KPT_DEVICE;
	case 9:
		return KPT_NC;
	case 14:
		return 0;
	}
	return KPT_NO_TYPE;
}

/* Permissions that KVM's ageing without A/D flags has cleared are still allowed. */
static u64 ept_before_ageing(u64 pte)
{
	bool aged = field(pte, 61, 60) == 1 && !field(pte, 2, 0) && !bit(pte, 10);

	return aged ? pte | (u64)bit(pte, 52) << 0 | (u64)bit(pte, 54) << 2 |
		      (u64)bit(pte, 62) << 10 : pte;
}

struct kpt_reading kpt_read_ept(u64 pte, int level)
{
	u64 full = ept_before_ageing(pte);

	return (struct kpt_reading) {
		.kind		= x86_kind(pte, level),
		.valid		= field(pte, 2, 0) || bit(pte, 10),
		.writable	= bit(pte, 1),
		.oa		= address(pte, 51, 12),
		.perms		= perms(bit(full, 0), bit(full, 1), bit(full, 2), bit(full, 10)),
		.memory		= field(pte, 6, 3),
		.type		= ept_type(pte),
		.accessed	= bit(pte, 8),
		.dirty		= bit(pte, 9),
		.fast		= bit(pte, 55),
	};
}

static unsigned int npt_type(u64 pte)
{
	switch (field(pte, 4, 3)) {
	case 0:
		return 0;
	case 2:
		return KPT_NC;
	case 3:
		return KPT_DEVICE;
	}
	return KPT_NO_TYPE;
}

struct kpt_reading kpt_read_npt(u64 pte, int level)
{
	return (struct kpt_reading) {
		.kind		= x86_kind(pte, level),
		.valid		= bit(pte, 0),
		.writable	= bit(pte, 1),
		.oa		= address(pte, 51, 12),
		.perms		= perms(bit(pte, 0), bit(pte, 1), !bit(pte, 63), !bit(pte, 63)),
		.memory		= field(pte, 4, 3),
		.type		= npt_type(pte),
		.accessed	= bit(pte, 5),
		.dirty		= bit(pte, 6),
		.fast		= bit(pte, 10),
	};
}

static enum kpt_kind arm64_kind(u64 pte, int level)
{
	if (!bit(pte, 0))
		return KPT_ABSENT;
	return level && bit(pte, 1) ? KPT_TABLE : KPT_LEAF;
}

static u64 arm64_oa(u64 pte)
{
	return address(pte, 47, 12);
}

static u64 arm64_oa_lpa(u64 pte)
{
	return address(pte, 47, 16) | (u64)field(pte, 15, 12) << 48;
}

static u64 arm64_oa_lpa2(u64 pte)
{
	return address(pte, 49, 12) | (u64)field(pte, 9, 8) << 50;
}

static unsigned int s2_type(u64 pte)
{
	switch (field(pte, 5, 2)) {
	case 1:
		return KPT_DEVICE;
	case 5:
		return KPT_NC;
	case 6:		/* with FEAT_S2FWB */
	case 15:	/* without */
		return 0;
	}
	return KPT_NO_TYPE;
}

static struct kpt_reading s2(u64 pte, int level, u64 oa)
{
	unsigned int xn = field(pte, 54, 53);

	return (struct kpt_reading) {
		.kind		= arm64_kind(pte, level),
		.valid		= bit(pte, 0),
		.writable	= bit(pte, 7),
		.oa		= oa,
		.perms		= perms(bit(pte, 6), bit(pte, 7), xn == 0 || xn == 3, xn < 2),
		.memory		= field(pte, 5, 2),
		.type		= s2_type(pte),
		.accessed	= bit(pte, 10),
	};
}

struct kpt_reading kpt_read_s2(u64 pte, int level)
{
	return s2(pte, level, arm64_oa(pte));
}

struct kpt_reading kpt_read_s2_lpa(u64 pte, int level)
{
	return s2(pte, level, arm64_oa_lpa(pte));
}

struct kpt_reading kpt_read_s2_lpa2(u64 pte, int level)
{
	return s2(pte, level, arm64_oa_lpa2(pte));
}

static unsigned int s1_type(u64 pte)
{
	switch (field(pte, 4, 2)) {
	case 0:
		return 0;
	case 2:
		return KPT_NC;
	case 4:
		return KPT_DEVICE;
	}
	return KPT_NO_TYPE;
}

static struct kpt_reading s1(u64 pte, int level, u64 oa, bool x, bool ux)
{
	return (struct kpt_reading) {
		.kind		= arm64_kind(pte, level),
		.valid		= bit(pte, 0),
		.writable	= !bit(pte, 7),
		.oa		= oa,
		.perms		= perms(true, !bit(pte, 7), x, ux),
		.memory		= field(pte, 4, 2),
		.type		= s1_type(pte),
		.accessed	= bit(pte, 10),
	};
}

static struct kpt_reading hyp(u64 pte, int level, u64 oa)
{
	return s1(pte, level, oa, !bit(pte, 54), !bit(pte, 54));
}

struct kpt_reading kpt_read_hyp(u64 pte, int level)
{
	return hyp(pte, level, arm64_oa(pte));
}

struct kpt_reading kpt_read_hyp_lpa(u64 pte, int level)
{
	return hyp(pte, level, arm64_oa_lpa(pte));
}

struct kpt_reading kpt_read_hyp_lpa2(u64 pte, int level)
{
	return hyp(pte, level, arm64_oa_lpa2(pte));
}

static struct kpt_reading hvhe(u64 pte, int level, u64 oa)
{
	return s1(pte, level, oa, !bit(pte, 53), !bit(pte, 54));
}

struct kpt_reading kpt_read_hvhe(u64 pte, int level)
{
	return hvhe(pte, level, arm64_oa(pte));
}

struct kpt_reading kpt_read_hvhe_lpa(u64 pte, int level)
{
	return hvhe(pte, level, arm64_oa_lpa(pte));
}

struct kpt_reading kpt_read_hvhe_lpa2(u64 pte, int level)
{
	return hvhe(pte, level, arm64_oa_lpa2(pte));
}

static enum kpt_kind gstage_kind(u64 pte, int level)
{
	if (!bit(pte, 0))
		return KPT_ABSENT;
	return level && !field(pte, 3, 1) ? KPT_TABLE : KPT_LEAF;
}

static unsigned int gstage_type(u64 pte)
{
	static const unsigned int types[] = { 0, KPT_NC, KPT_DEVICE, KPT_NO_TYPE };

	return types[field(pte, 62, 61)];
}

struct kpt_reading kpt_read_gstage(u64 pte, int level)
{
	return (struct kpt_reading) {
		.kind		= gstage_kind(pte, level),
		.valid		= bit(pte, 0),
		.writable	= bit(pte, 2),
		.oa		= address(pte, 53, 10) << 2,
		.perms		= perms(bit(pte, 1), bit(pte, 2), bit(pte, 3), bit(pte, 3)),
		.memory		= field(pte, 62, 61),
		.type		= gstage_type(pte),
		.accessed	= bit(pte, 6),
		.dirty		= bit(pte, 7),
	};
}

/* Bit 60 is KVM's present bit; for hardware, walks end in the invalid table. */
static enum kpt_kind loongarch_kind(u64 pte, int level)
{
	if (!bit(pte, 60))
		return KPT_ABSENT;
	return level && !bit(pte, 6) ? KPT_TABLE : KPT_LEAF;
}

static bool loongarch_valid(u64 pte, int level)
{
	if (level && !bit(pte, 6))
		return address(pte, 47, 14) != KPT_LOONGARCH_INVALID_TABLE;
	return bit(pte, 0) || bit(pte, 7);
}

static unsigned int loongarch_type(u64 pte)
{
	static const unsigned int types[] = { KPT_DEVICE, 0, KPT_NC, KPT_NO_TYPE };

	return types[field(pte, 5, 4)];
}

struct kpt_reading kpt_read_loongarch(u64 pte, int level)
{
	bool write = bit(pte, 1) && bit(pte, 8);

	return (struct kpt_reading) {
		.kind		= loongarch_kind(pte, level),
		.valid		= loongarch_valid(pte, level),
		.writable	= write,
		.oa		= address(pte, 47, 14),
		.perms		= perms(!bit(pte, 61), write, !bit(pte, 62), !bit(pte, 62)),
		.memory		= field(pte, 5, 4),
		.type		= loongarch_type(pte),
		.accessed	= bit(pte, 0),
		.fast		= bit(pte, 59),
	};
}
