// SPDX-License-Identifier: GPL-2.0-only
/*
 * Intel SDM Vol. 3C, "EPT Translation Mechanism"; AMD APM Vol. 2, "Long-Mode Page Translation":
 * entries with KVM's software bits, as literals.
 */
#include <fmt/ept.h>
#include <fmt/npt.h>

#include "formats.h"

static const struct kpt_vector ept[] = {
	/* Bits 2:0 clear is not present; bit 63 suppresses #VE; 11 is KVM's */
	{ 0x8000000000000000, 0, KPT_ABSENT },
	{ 0x8000000000000000, 3, KPT_ABSENT },
	{ 0x80000000000001a0, 0, KPT_FROZEN },
	{ 0x80000000000001a0, 2, KPT_FROZEN },
	{ 0x00000000005a5000, 0, KPT_ANNOTATION },
	{ 0x8000000123456502, 0, KPT_ANNOTATION },

	/* Table "Format of an EPT Page-Table Entry that Maps a 4-KByte Page" */
	{ 0x80a0000123456f77, 0, KPT_LEAF, 0x123456000,
	  KPT_RWX, MADE | YOUNG | DIRTY, KPT_FEAT_AD },
	{ 0x8000000123456971, 0, KPT_LEAF, 0x123456000, KPT_R, MADE | YOUNG, KPT_FEAT_AD },
	{ 0x80affffffffffb73, 0, KPT_LEAF, 0xffffffffff000,
	  KPT_RW, MADE | YOUNG | DIRTY, KPT_FEAT_AD },
	{ 0x8000000000000975, 0, KPT_LEAF, 0, KPT_R | KPT_X, MADE | YOUNG, KPT_FEAT_AD },
	{ 0x8000000000001d75, 0, KPT_LEAF, 0x1000,
	  KPT_R | KPT_X | KPT_UX, MADE | YOUNG, KPT_FEAT_AD },
	{ 0x8000000007fffd74, 0, KPT_LEAF, 0x7fff000, KPT_X | KPT_UX, MADE | YOUNG, KPT_FEAT_AD },
	{ 0x80a00000fee00b03, 0, KPT_LEAF, 0xfee00000,
	  KPT_RW | KPT_DEVICE, MADE | YOUNG | DIRTY, KPT_FEAT_AD },
	{ 0x80a00000c0000b4b, 0, KPT_LEAF, 0xc0000000,
	  KPT_RW | KPT_NC, MADE | YOUNG | DIRTY, KPT_FEAT_AD },
	{ 0x90a0000123456c77, 0, KPT_LEAF, 0x123456000, KPT_RWX, MADE },
	{ 0x9000000123456871, 0, KPT_LEAF, 0x123456000, KPT_R, MADE },
	{ 0x80a0000000002973, 0, KPT_LEAF, 0x2000, KPT_RW, YOUNG },
	{ 0x80a0000000002873, 0, KPT_LEAF, 0x2000, KPT_RW },
	{ 0x80a0000000002b71, 0, KPT_LEAF, 0x2000, KPT_R, YOUNG | DIRTY },

	/* After KVM's ageing without A/D flags: permissions are shifted left by 52 bits */
	{ 0xd050000000003870, 0, KPT_LEAF, 0x3000, KPT_R | KPT_X | KPT_UX },
	{ 0x9010000000003870, 0, KPT_LEAF, 0x3000, KPT_R },

	/* Tables "Format of an EPT ... Entry (PDE) that Maps a 2-MByte Page", "(PDPTE) 1-GByte" */
	{ 0x80a0000040200ff7, 1, KPT_LEAF, 0x40200000, KPT_RWX, MADE | YOUNG | DIRTY, KPT_FEAT_AD },
	{ 0x800fffffffe009f1, 1, KPT_LEAF, 0xfffffffe00000, KPT_R, MADE | YOUNG, KPT_FEAT_AD },
	{ 0x80a00000fee00b83, 1, KPT_LEAF, 0xfee00000,
	  KPT_RW | KPT_DEVICE, MADE | YOUNG | DIRTY, KPT_FEAT_AD },
	{ 0x80a0000040000ff7, 2, KPT_LEAF, 0x40000000, KPT_RWX, MADE | YOUNG | DIRTY, KPT_FEAT_AD },
	{ 0x90afffffc00008f3, 2, KPT_LEAF, 0xfffffc0000000, KPT_RW, MADE },
	{ 0x8000000080000dcd, 2, KPT_LEAF, 0x80000000,
	  KPT_R | KPT_X | KPT_UX | KPT_NC, MADE | YOUNG, KPT_FEAT_AD },

	/* Tables "Format of an EPT PML5E, PML4E, PDPTE, PDE" that reference tables */
	{ 0x800ffffffffffd07, 1, KPT_TABLE, 0xffffffffff000, 0, MADE | YOUNG },
	{ 0x8000000123456d07, 1, KPT_TABLE, 0x123456000, 0, MADE | YOUNG },
	{ 0x8000000000001d07, 2, KPT_TABLE, 0x1000, 0, MADE | YOUNG },
	{ 0x800000007ffffd07, 3, KPT_TABLE, 0x7ffff000, 0, MADE | YOUNG },
	{ 0x8000000000001d07, 4, KPT_TABLE, 0x1000, 0, MADE | YOUNG },

	/* "EPT Misconfigurations": write without read, memory types 2, 3 and 7, reserved bits */
	{ 0x8000000000000832, 0, KPT_RESERVED },
	{ 0x8000000000000836, 0, KPT_RESERVED },
	{ 0x8000000000000811, 0, KPT_RESERVED },
	{ 0x8000000000000819, 0, KPT_RESERVED },
	{ 0x8000000000000839, 0, KPT_RESERVED },
	{ 0x80000000000018b1, 1, KPT_RESERVED },
	{ 0x80000000002008b1, 2, KPT_RESERVED },
	{ 0x80000000000008b1, 3, KPT_RESERVED },
	{ 0x80000000000008b1, 4, KPT_RESERVED },
	{ 0x8000000000001809, 1, KPT_RESERVED },
	{ 0x8000000000001841, 2, KPT_RESERVED },
	{ 0x8000000000001802, 3, KPT_RESERVED },
};

static const struct kpt_vector npt[] = {
	/* P clear is not present; 11 is KVM's */
	{ 0x8000000000000000, 0, KPT_ABSENT },
	{ 0x8000000000000000, 3, KPT_ABSENT },
	{ 0x80000000000001a0, 0, KPT_FROZEN },
	{ 0x80000000000001a0, 2, KPT_FROZEN },
	{ 0x00000000005a5000, 0, KPT_ANNOTATION },
	{ 0x0008000123456001, 0, KPT_ANNOTATION },

	/* "4-Kbyte Page Translation": page-table entry */
	{ 0x0000000123456e67, 0, KPT_LEAF, 0x123456000,
	  KPT_RWX, MADE | YOUNG | DIRTY, KPT_FEAT_AD },
	{ 0x8000000123456825, 0, KPT_LEAF, 0x123456000, KPT_R, MADE | YOUNG, KPT_FEAT_AD },
	{ 0x800ffffffffffe67, 0, KPT_LEAF, 0xffffffffff000,
	  KPT_RW, MADE | YOUNG | DIRTY, KPT_FEAT_AD },
	{ 0x0000000000000825, 0, KPT_LEAF, 0, KPT_R | KPT_X | KPT_UX, MADE | YOUNG, KPT_FEAT_AD },
	{ 0x8000000000001825, 0, KPT_LEAF, 0x1000, KPT_R, MADE | YOUNG, KPT_FEAT_AD },
	{ 0x0000000007fffe67, 0, KPT_LEAF, 0x7fff000, KPT_RWX, MADE | YOUNG | DIRTY, KPT_FEAT_AD },
	{ 0x80000000fee00e7f, 0, KPT_LEAF, 0xfee00000,
	  KPT_RW | KPT_DEVICE, MADE | YOUNG | DIRTY, KPT_FEAT_AD },
	{ 0x80000000c0000e77, 0, KPT_LEAF, 0xc0000000,
	  KPT_RW | KPT_NC, MADE | YOUNG | DIRTY, KPT_FEAT_AD },
	{ 0x000000000000283d, 0, KPT_LEAF, 0x2000,
	  KPT_R | KPT_X | KPT_UX | KPT_DEVICE, MADE | YOUNG, KPT_FEAT_AD },
	{ 0x8000000000002e27, 0, KPT_LEAF, 0x2000, KPT_RW, YOUNG },
	{ 0x8000000000002e07, 0, KPT_LEAF, 0x2000, KPT_RW },
	{ 0x8000000000002e65, 0, KPT_LEAF, 0x2000, KPT_R, YOUNG | DIRTY },
	{ 0x0000000000002865, 0, KPT_LEAF, 0x2000, KPT_R | KPT_X | KPT_UX, YOUNG | DIRTY },

	/* "2-Mbyte" and "1-Gbyte Page Translation": bit 7 of the PDE and the PDPE */
	{ 0x0000000040200ee7, 1, KPT_LEAF, 0x40200000, KPT_RWX, MADE | YOUNG | DIRTY, KPT_FEAT_AD },
	{ 0x800fffffffe008a5, 1, KPT_LEAF, 0xfffffffe00000, KPT_R, MADE | YOUNG, KPT_FEAT_AD },
	{ 0x80000000fec00eff, 1, KPT_LEAF, 0xfec00000,
	  KPT_RW | KPT_DEVICE, MADE | YOUNG | DIRTY, KPT_FEAT_AD },
	{ 0x0000000040000ee7, 2, KPT_LEAF, 0x40000000, KPT_RWX, MADE | YOUNG | DIRTY, KPT_FEAT_AD },
	{ 0x800fffffc0000ee7, 2, KPT_LEAF, 0xfffffc0000000,
	  KPT_RW, MADE | YOUNG | DIRTY, KPT_FEAT_AD },
	{ 0x00000000800008b5, 2, KPT_LEAF, 0x80000000,
	  KPT_R | KPT_X | KPT_UX | KPT_NC, MADE | YOUNG, KPT_FEAT_AD },

	/* "4-Kbyte Page Translation": PDE, PDPE, PML4E and PML5E that refer to tables */
	{ 0x000ffffffffff827, 1, KPT_TABLE, 0xffffffffff000, 0, MADE | YOUNG },
	{ 0x0000000123456827, 1, KPT_TABLE, 0x123456000, 0, MADE | YOUNG },
	{ 0x0000000000001827, 2, KPT_TABLE, 0x1000, 0, MADE | YOUNG },
	{ 0x000000007ffff827, 3, KPT_TABLE, 0x7ffff000, 0, MADE | YOUNG },
	{ 0x0000000000001827, 4, KPT_TABLE, 0x1000, 0, MADE | YOUNG },

	/* Bits that must be zero, and U, which must be set */
	{ 0x0000000000002885, 1, KPT_RESERVED },
	{ 0x0000000000100885, 1, KPT_RESERVED },
	{ 0x0000000000200885, 2, KPT_RESERVED },
	{ 0x0000000000000885, 3, KPT_RESERVED },
	{ 0x0000000000000885, 4, KPT_RESERVED },
	{ 0x0000000000001905, 3, KPT_RESERVED },
	{ 0x0000000000001905, 4, KPT_RESERVED },
	{ 0x0000000000001803, 0, KPT_RESERVED },
	{ 0x0000000000001803, 1, KPT_RESERVED },
};

const struct kpt_test_format kpt_test_ept = {
	.name		= "ept",
	.format		= &kpt_ept,
	.read		= kpt_read_ept,
	.rules		= kpt_rules_x86,
	.entries	= 512,
	.levels		= 5,
	.shifts		= { 12, 21, 30, 39, 48 },
	.ia		= 0x70301408037bc,
	.indices	= { 3, 4, 5, 6, 7 },
	.block_levels	= BIT(0) | BIT(1) | BIT(2),
	.oa_bits	= 52,
	.bits		= { 11, 7, 0, 1, 2, 8, 9, 55, 60, 52, 39, 6 },
	.split_exec	= true,
	.soft		= 0x70f0000000000000,
	.page_set	= 0,
	.page_clear	= BIT(7),
	.vectors	= ept,
	.count		= ARRAY_SIZE(ept),
};

const struct kpt_test_format kpt_test_npt = {
	.name		= "npt",
	.format		= &kpt_npt,
	.read		= kpt_read_npt,
	.rules		= kpt_rules_x86,
	.entries	= 512,
	.levels		= 5,
	.shifts		= { 12, 21, 30, 39, 48 },
	.ia		= 0x70301408037bc,
	.indices	= { 3, 4, 5, 6, 7 },
	.block_levels	= BIT(0) | BIT(1) | BIT(2),
	.oa_bits	= 52,
	.bits		= { 11, 7, 0, 1, 63, 5, 6, 10, 9, 39, 4 },
	.soft		= 0x600,
	.page_set	= 0,
	.page_clear	= BIT(7),
	.vectors	= npt,
	.count		= ARRAY_SIZE(npt),
};
