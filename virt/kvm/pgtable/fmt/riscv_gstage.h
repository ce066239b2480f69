/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RISC-V G-stage: guest physical to supervisor physical addresses.  Sv39x4,
 * Sv48x4 and Sv57x4 differ only in the number of levels.
 *
 * RISC-V privileged specification, "Sv39", "Sv48" and "Sv57: Page-Based Virtual-
 * Memory System" with the figures of their page table entries and the table
 * "Encoding of PTE R/W/X fields"; the extension "Svpbmt" for bits 62:61; hypervisor
 * extension, "Two-Stage Address Translation" (the root is four tables, U is always
 * required) and "Hypervisor Memory-Management Fence Instructions".  Svnapot is not
 * used: bit 63 stays clear.
 */
#ifndef __KVM_PGTABLE_FMT_RISCV_GSTAGE_H
#define __KVM_PGTABLE_FMT_RISCV_GSTAGE_H

#include <kvm/pgtable/format.h>

#define KPT_GSTAGE_VALID	BIT_ULL(0)
#define KPT_GSTAGE_READ		BIT_ULL(1)
#define KPT_GSTAGE_WRITE	BIT_ULL(2)
#define KPT_GSTAGE_EXEC		BIT_ULL(3)
#define KPT_GSTAGE_USER		BIT_ULL(4)
#define KPT_GSTAGE_ACCESSED	BIT_ULL(6)
#define KPT_GSTAGE_DIRTY	BIT_ULL(7)
#define KPT_GSTAGE_RSW		GENMASK_ULL(9, 8)
/* KVM's: the host's mapping is writable, also if W is clear to log writes. */
#define KPT_GSTAGE_HOST_WRITE	BIT_ULL(8)
#define KPT_GSTAGE_PPN		GENMASK_ULL(53, 10)
#define KPT_GSTAGE_RESERVED	(GENMASK_ULL(60, 54) | BIT_ULL(63))
#define KPT_GSTAGE_PBMT		GENMASK_ULL(62, 61)
#define KPT_GSTAGE_PBMT_NC	BIT_ULL(61)
#define KPT_GSTAGE_PBMT_IO	BIT_ULL(62)

#define KPT_GSTAGE_RWX		(KPT_GSTAGE_READ | KPT_GSTAGE_WRITE | KPT_GSTAGE_EXEC)

/* Hardware ignores all other bits if V is clear. */
#define KPT_GSTAGE_FROZEN	BIT_ULL(60)

/*
 * A hart may cache entries that are invalid, have fewer permissions, or are not
 * accessed.  Flushing on the hart that faulted is enough, because others take the
 * same spurious fault.  Break-before-make is not needed.  But a fence by address
 * orders only accesses to leaves, so unlinking a table flushes the whole VMID.
 */
static const u8 kpt_gstage_rules[KPT_CHANGES] = {
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

/*
 * Set accessed and dirty in advance, as a hart without Svadu would fault.  Dirty has
 * no meaning for a leaf that is not writable, but that may become writable.
 * KPT_DEVICE and KPT_NC require Svpbmt; without it, the platform defines the
 * memory types.
 */
static u64 kpt_gstage_attrs(unsigned int prot, unsigned int features)
{
	u64 attrs = KPT_GSTAGE_USER | KPT_GSTAGE_ACCESSED | KPT_GSTAGE_DIRTY;

	if (prot & KPT_R)
		attrs |= KPT_GSTAGE_READ;
	if (prot & KPT_W)
		attrs |= KPT_GSTAGE_WRITE;
	if (prot & KPT_X)
		attrs |= KPT_GSTAGE_EXEC;

	if (prot & KPT_DEVICE)
		return attrs | KPT_GSTAGE_PBMT_IO;
	return attrs | (prot & KPT_NC ? KPT_GSTAGE_PBMT_NC : 0);
}

static unsigned int kpt_gstage_perms(kpt_pte_t pte)
{
	return (pte & KPT_GSTAGE_READ ? KPT_R : 0) | (pte & KPT_GSTAGE_WRITE ? KPT_W : 0) |
	       (pte & KPT_GSTAGE_EXEC ? KPT_X | KPT_UX : 0);
}

static bool kpt_gstage_reserved_table(kpt_pte_t pte, int level)
{
	return !level || pte & (KPT_GSTAGE_USER | KPT_GSTAGE_ACCESSED | KPT_GSTAGE_DIRTY |
				KPT_GSTAGE_PBMT);
}

static bool kpt_gstage_reserved_leaf(kpt_pte_t pte, int level)
{
	u64 misaligned = ((1ULL << 9 * level) - 1) << 10;

	return (pte & (KPT_GSTAGE_READ | KPT_GSTAGE_WRITE)) == KPT_GSTAGE_WRITE ||
	       (pte & KPT_GSTAGE_PBMT) == KPT_GSTAGE_PBMT ||
	       !(pte & KPT_GSTAGE_USER) || pte & misaligned;
}

static bool kpt_gstage_reserved(kpt_pte_t pte, int level)
{
	if (pte & KPT_GSTAGE_RESERVED)
		return true;
	if (pte & KPT_GSTAGE_RWX)
		return kpt_gstage_reserved_leaf(pte, level);
	return kpt_gstage_reserved_table(pte, level);
}

static const struct kpt_format __maybe_unused kpt_gstage = {
	.name		= "gstage",
	.page_shift	= 12,
	.index_bits	= 9,
	.levels		= 5,
	.wide_root	= 2,
	.block_levels	= BIT(0) | BIT(1) | BIT(2) | BIT(3) | BIT(4),
	.present	= KPT_GSTAGE_VALID,
	.table_mask	= KPT_GSTAGE_VALID | KPT_GSTAGE_RWX,
	.table_value	= KPT_GSTAGE_VALID,
	.table_bits	= KPT_GSTAGE_VALID,
	.page_bits	= KPT_GSTAGE_VALID,
	.block_bits	= KPT_GSTAGE_VALID,
	.oa		= { { KPT_GSTAGE_PPN, 2 } },
	.frozen		= KPT_GSTAGE_FROZEN,
	.accessed	= KPT_GSTAGE_ACCESSED,
	.dirty		= KPT_GSTAGE_DIRTY,
	.write		= KPT_GSTAGE_WRITE,
	.perm_mask	= KPT_GSTAGE_RWX,
	.soft		= KPT_GSTAGE_RSW,
	.rules		= kpt_gstage_rules,
	.attrs		= kpt_gstage_attrs,
	.perms		= kpt_gstage_perms,
	.reserved	= kpt_gstage_reserved,
};

#endif /* __KVM_PGTABLE_FMT_RISCV_GSTAGE_H */
