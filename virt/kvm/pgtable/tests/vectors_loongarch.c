// SPDX-License-Identifier: GPL-2.0-only
/*
 * LoongArch Reference Manual, Volume 1: entries of the second level, as literals.
 * The invalid table is at the address in the Makefile, 0x700000010000.
 */
#include <fmt/loongarch.h>

#include "formats.h"

static const struct kpt_vector loongarch[] = {
	/* the invalid table's address, which is non-present at every level */
	{ 0x0000700000010000, 0, KPT_ABSENT },
	{ 0x0000700000010000, 1, KPT_ABSENT },
	{ 0x0000700000010000, 3, KPT_ABSENT },
	{ 0x0080700000010000, 0, KPT_FROZEN },
	{ 0x0080700000010000, 2, KPT_FROZEN },
	{ 0x0100700000010000, 0, KPT_ANNOTATION },
	{ 0x0800700000010000, 1, KPT_ANNOTATION },
	{ 0x0000000000000000, 0, KPT_ANNOTATION },

	/* "Table entry format for common pages": P, W, V and D; NR and NX deny */
	{ 0x1800000012344193, 0, KPT_LEAF, 0x12344000, KPT_RWX, MADE | YOUNG },
	{ 0x5000000000000091, 0, KPT_LEAF, 0, KPT_R, MADE | YOUNG },
	{ 0x5800ffffffffc193, 0, KPT_LEAF, 0xffffffffc000, KPT_RW, MADE | YOUNG },
	{ 0x1000000000004091, 0, KPT_LEAF, 0x4000, KPT_R | KPT_X | KPT_UX, MADE | YOUNG },
	{ 0x5000800000000091, 0, KPT_LEAF, 0x800000000000, KPT_R, MADE | YOUNG },
	{ 0x3000000000008091, 0, KPT_LEAF, 0x8000, KPT_X | KPT_UX, MADE | YOUNG },
	{ 0x7800000000008193, 0, KPT_LEAF, 0x8000, KPT_W, MADE | YOUNG },
	{ 0x180000000000c192, 0, KPT_LEAF, 0xc000, KPT_RWX },
	{ 0x500000000000c193, 0, KPT_LEAF, 0xc000, KPT_RW, YOUNG },
	{ 0x580000000000c091, 0, KPT_LEAF, 0xc000, KPT_R, YOUNG },
	{ 0x5f0000000000c091, 0, KPT_LEAF, 0xc000, KPT_R, YOUNG },
	{ 0x500000000000ce91, 0, KPT_LEAF, 0xc000, KPT_R, YOUNG },

	/* "Memory Access Types": 0 is strongly-ordered uncached, 2 weakly-ordered uncached */
	{ 0x5800000000010183, 0, KPT_LEAF, 0x10000, KPT_RW | KPT_DEVICE, MADE | YOUNG },
	{ 0x58000000000141a3, 0, KPT_LEAF, 0x14000, KPT_RW | KPT_NC, MADE | YOUNG },
	{ 0x50000000020000c1, 1, KPT_LEAF, 0x2000000, KPT_R | KPT_DEVICE, MADE | YOUNG },

	/* "Table entry format for huge pages": bit 6 of a directory entry */
	{ 0x18000000020001d3, 1, KPT_LEAF, 0x2000000, KPT_RWX, MADE | YOUNG },
	{ 0x5000fffffe0000d1, 1, KPT_LEAF, 0xfffffe000000, KPT_R, MADE | YOUNG },
	{ 0x10008000000000d1, 1, KPT_LEAF, 0x800000000000, KPT_R | KPT_X | KPT_UX, MADE | YOUNG },
	{ 0x58000000040001d2, 1, KPT_LEAF, 0x4000000, KPT_RW },
	{ 0x50000000040000e1, 1, KPT_LEAF, 0x4000000, KPT_R | KPT_NC, MADE | YOUNG },

	/* directory entries: an address and KVM's bit */
	{ 0x1000000000004000, 1, KPT_TABLE, 0x4000, 0, MADE },
	{ 0x1000ffffffffc000, 1, KPT_TABLE, 0xffffffffc000, 0, MADE },
	{ 0x1000000012344000, 2, KPT_TABLE, 0x12344000, 0, MADE },
	{ 0x1000800000000000, 3, KPT_TABLE, 0x800000000000, 0, MADE },

	/* P clear, D without W and W without D, MAT 3 */
	{ 0x1000000000000011, 0, KPT_RESERVED },
	{ 0x1000000002000051, 1, KPT_RESERVED },
	{ 0x1000000000000093, 0, KPT_RESERVED },
	{ 0x1000000000000191, 0, KPT_RESERVED },
	{ 0x10000000000000d3, 1, KPT_RESERVED },
	{ 0x10000000000000b1, 0, KPT_RESERVED },
	{ 0x10000000020000f1, 1, KPT_RESERVED },
	{ 0x1000000000004000, 0, KPT_RESERVED },

	/* huge pages that are misaligned, look marked by LDDIR, or are at too high a level */
	{ 0x10000000010000d1, 1, KPT_RESERVED },
	{ 0x10000000020040d1, 1, KPT_RESERVED },
	{ 0x10000000020020d1, 1, KPT_RESERVED },
	{ 0x10000010000000d1, 2, KPT_RESERVED },
	{ 0x10000000000000d1, 3, KPT_RESERVED },

	/* directory entries with more than an address */
	{ 0x1000000000004001, 1, KPT_RESERVED },
	{ 0x1000000000004080, 1, KPT_RESERVED },
	{ 0x1000000000004200, 2, KPT_RESERVED },
	{ 0x1000000000006000, 3, KPT_RESERVED },
};

const struct kpt_test_format kpt_test_loongarch = {
	.name		= "loongarch",
	.format		= &kpt_loongarch,
	.read		= kpt_read_loongarch,
	.rules		= kpt_rules_loongarch,
	.entries	= 2048,
	.levels		= 4,
	.shifts		= { 14, 25, 36, 47 },
	.ia		= 0x280600e0237bc,
	.indices	= { 8, 7, 6, 5 },
	.block_levels	= BIT(0) | BIT(1),
	.oa_bits	= 48,
	.bits		= { 60, 6, 0, 1, 8, 61, 62, 59, 57, 45, 4 },
	.soft		= 0xf00000000000000,
	.page_set	= 0,
	.page_clear	= BIT(6),
	.vectors	= loongarch,
	.count		= ARRAY_SIZE(loongarch),
};
