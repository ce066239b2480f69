// SPDX-License-Identifier: GPL-2.0-only
/*
 * RISC-V privileged specification: entries of the G-stage, as literals.
 */
#include <fmt/riscv_gstage.h>

#include "formats.h"

static const struct kpt_vector gstage[] = {
	/* V clear: all other bits are ignored */
	{ 0x0000000000000000, 0, KPT_ABSENT },
	{ 0x0000000000000000, 4, KPT_ABSENT },
	{ 0x1000000000000000, 0, KPT_FROZEN },
	{ 0x1000000000000000, 1, KPT_FROZEN },
	{ 0x2000000000000000, 0, KPT_ANNOTATION },
	{ 0x00000000000000ce, 1, KPT_ANNOTATION },
	{ 0x1000000000000002, 0, KPT_ANNOTATION },

	/* "Sv39 page table entry" and "Encoding of PTE R/W/X fields": pages */
	{ 0x00000000048d14df, 0, KPT_LEAF, 0x12345000, KPT_RWX, MADE | YOUNG | DIRTY },
	{ 0x00000000000000d3, 0, KPT_LEAF, 0, KPT_R, MADE | YOUNG | DIRTY },
	{ 0x003ffffffffffcd7, 0, KPT_LEAF, 0xfffffffffff000, KPT_RW, MADE | YOUNG | DIRTY },
	{ 0x0000000000001cdb, 0, KPT_LEAF, 0x7000, KPT_R | KPT_X | KPT_UX, MADE | YOUNG | DIRTY },
	{ 0x00200000000000d3, 0, KPT_LEAF, 0x80000000000000, KPT_R, MADE | YOUNG | DIRTY },
	{ 0x00000000000004d9, 0, KPT_LEAF, 0x1000, KPT_X | KPT_UX, MADE | YOUNG | DIRTY },
	{ 0x00000000000020d7, 0, KPT_LEAF, 0x8000, KPT_RW, MADE | YOUNG | DIRTY },
	{ 0x0000000000002457, 0, KPT_LEAF, 0x9000, KPT_RW, YOUNG },
	{ 0x0000000000002417, 0, KPT_LEAF, 0x9000, KPT_RW },
	{ 0x0000000000002453, 0, KPT_LEAF, 0x9000, KPT_R, YOUNG },
	{ 0x00000000000025d3, 0, KPT_LEAF, 0x9000, KPT_R, YOUNG | DIRTY },
	{ 0x00000000000027d7, 0, KPT_LEAF, 0x9000, KPT_RW, YOUNG | DIRTY },

	/* "Svpbmt": NC is 1, IO is 2 */
	{ 0x20000000000028d7, 0, KPT_LEAF, 0xa000, KPT_RW | KPT_NC, MADE | YOUNG | DIRTY },
	{ 0x4000000000002cd7, 0, KPT_LEAF, 0xb000, KPT_RW | KPT_DEVICE, MADE | YOUNG | DIRTY },
	{ 0x40000000000800d3, 1, KPT_LEAF, 0x200000, KPT_R | KPT_DEVICE, MADE | YOUNG | DIRTY },

	/* "Sv39", "Sv48" and "Sv57 page table entry": any level may map */
	{ 0x00000000000800df, 1, KPT_LEAF, 0x200000, KPT_RWX, MADE | YOUNG | DIRTY },
	{ 0x003ffffffff800d3, 1, KPT_LEAF, 0xffffffffe00000, KPT_R, MADE | YOUNG | DIRTY },
	{ 0x00000000100000d7, 2, KPT_LEAF, 0x40000000, KPT_RW, MADE | YOUNG | DIRTY },
	{ 0x003ffffff00000db, 2, KPT_LEAF, 0xffffffc0000000, KPT_R | KPT_X | KPT_UX,
	  MADE | YOUNG | DIRTY },
	{ 0x00000020000000df, 3, KPT_LEAF, 0x8000000000, KPT_RWX, MADE | YOUNG | DIRTY },
	{ 0x003fffe0000000d3, 3, KPT_LEAF, 0xffff8000000000, KPT_R, MADE | YOUNG | DIRTY },
	{ 0x00004000000000d7, 4, KPT_LEAF, 0x1000000000000, KPT_RW, MADE | YOUNG | DIRTY },
	{ 0x003fc000000000db, 4, KPT_LEAF, 0xff000000000000, KPT_R | KPT_X | KPT_UX,
	  MADE | YOUNG | DIRTY },

	/* "Encoding of PTE R/W/X fields": pointers to the next level */
	{ 0x0000000000000401, 1, KPT_TABLE, 0x1000, 0, MADE },
	{ 0x003ffffffffffc01, 1, KPT_TABLE, 0xfffffffffff000, 0, MADE },
	{ 0x00000000048d1401, 2, KPT_TABLE, 0x12345000, 0, MADE },
	{ 0x0000000000000401, 3, KPT_TABLE, 0x1000, 0, MADE },
	{ 0x003ffffffffffc01, 4, KPT_TABLE, 0xfffffffffff000, 0, MADE },

	/* W without R, U clear, misaligned blocks, bad pointers, reserved bits */
	{ 0x00000000000000d5, 0, KPT_RESERVED },
	{ 0x00000000000000dd, 0, KPT_RESERVED },
	{ 0x00000000000000c7, 0, KPT_RESERVED },
	{ 0x00000000000004d7, 1, KPT_RESERVED },
	{ 0x00000000000400d7, 1, KPT_RESERVED },
	{ 0x00000000000800d7, 2, KPT_RESERVED },
	{ 0x00000000080000d7, 2, KPT_RESERVED },
	{ 0x00000010000000d7, 3, KPT_RESERVED },
	{ 0x00002000000000d7, 4, KPT_RESERVED },
	{ 0x0000000000000401, 0, KPT_RESERVED },
	{ 0x0000000000000411, 1, KPT_RESERVED },
	{ 0x0000000000000441, 1, KPT_RESERVED },
	{ 0x0000000000000481, 2, KPT_RESERVED },
	{ 0x2000000000000401, 1, KPT_RESERVED },
	{ 0x8000000000000401, 1, KPT_RESERVED },
	{ 0x60000000000000d7, 0, KPT_RESERVED },
	{ 0x00400000000000d7, 0, KPT_RESERVED },
	{ 0x10000000000000d7, 0, KPT_RESERVED },
	{ 0x80000000000000d7, 0, KPT_RESERVED },
};

const struct kpt_test_format kpt_test_gstage = {
	.name		= "gstage",
	.format		= &kpt_gstage,
	.read		= kpt_read_gstage,
	.rules		= kpt_rules_gstage,
	.entries	= 512,
	.levels		= 5,
	.shifts		= { 12, 21, 30, 39, 48 },
	.ia		= 0x70301408037bc,
	.indices	= { 3, 4, 5, 6, 7 },
	.block_levels	= BIT(0) | BIT(1) | BIT(2) | BIT(3) | BIT(4),
	.wide_root	= 2,
	.oa_bits	= 56,
	.bits		= { 0, 1, 2, 3, 6, 7, 8, 61, 50 },
	.soft		= 0x300,
	.page_set	= 0,
	.page_clear	= 0,
	.vectors	= gstage,
	.count		= ARRAY_SIZE(gstage),
};
