/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What KVM/arm64's pgtable.c needs of arm64 besides its own header, to be compiled for this
 * machine: a CPU with 4K pages, FEAT_S2FWB, FEAT_TLBIRANGE and CTR_EL0.DIC, without LPA2 and
 * BBM level 3.
 *
 * A feature is a constant here.  arm64 has an instruction that is patched at boot, so this favours
 * who asks most often.  What invalidates or orders is nothing, for everybody; exclusive
 * loads and stores are this machine's atomics, and what acquires and releases is free.
 */
#ifndef __BENCH_ARM64_H
#define __BENCH_ARM64_H

/* In place of x86's, and of one that is full of the hypervisor's assembly. */
#define __KVM_HOST_H
#define __ARM64_KVM_MMU_H__

#include <linux/bitfield.h>
#include <linux/kvm_types.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>

/* CPU features */

enum bench_cap {
	ARM64_HAS_CACHE_DIC			= 1,
	ARM64_HAS_STAGE2_FWB			= 1,
	ARM64_HAS_XNX				= 1,
	ARM64_KVM_HVHE				= 0,
	ARM64_WORKAROUND_AMPERE_AC03_CPU_38	= 0,
};

#define cpus_have_final_cap(cap)	(!!(cap))
#define system_supports_bbml3()		false
#define system_supports_bti_kernel()	false
#define system_supports_lpa2()		false
#define system_supports_tlb_range()	true
#define get_vmid_bits(mmfr1)		16
#define CONFIG_ARM64_4K_PAGES		1

/* Geometry: levels count from 0 at the root of a tree of four to 3. */

#define ARM64_HW_PGTABLE_LEVEL_SHIFT(level)	(PAGE_SHIFT + (3 - (level)) * 9)
#define ARM64_HW_PGTABLE_LEVELS(bits)		DIV_ROUND_UP((bits) - PAGE_SHIFT, 9)

/* Registers: what is packed for one function is unpacked by another, and no CPU sees it. */

#define VTCR_EL2_T0SZ			GENMASK_ULL(5, 0)
#define VTCR_EL2_SL0			GENMASK_ULL(7, 6)
#define VTCR_EL2_SL0_MASK		VTCR_EL2_SL0
#define VTCR_EL2_PS			GENMASK_ULL(18, 16)
#define VTCR_EL2_HA			BIT_ULL(21)
#define VTCR_EL2_VS			BIT_ULL(19)
#define VTCR_EL2_DS			BIT_ULL(32)
#define VTCR_EL2_FLAGS			0ULL
#define VTCR_EL2_TGRAN_SL0_BASE		2
#define VTCR_EL2_LVLS_TO_SL0(levels)	FIELD_PREP(VTCR_EL2_SL0, (levels) - 2)
#define VTCR_EL2_IPA(vtcr)		(64 - (u32)FIELD_GET(VTCR_EL2_T0SZ, vtcr))

#define ID_AA64MMFR0_EL1_PARANGE_48	5
#define ID_AA64MMFR0_EL1_PARANGE_52	6
#define ID_AA64MMFR0_EL1_PARANGE_SHIFT	0
#define cpuid_feature_extract_unsigned_field(reg, shift)	((reg) >> (shift) & 15)

/* Memory types, as FEAT_S2FWB has them; of stage 1 any that differ will do. */

#define MT_NORMAL			0
#define MT_DEVICE_nGnRE			1
#define PAGE_S2_MEMATTR(type)		BENCH_S2_##type
#define BENCH_S2(memattr)		FIELD_PREP(GENMASK_ULL(5, 2), memattr)
#define BENCH_S2_DEVICE_nGnRE		BENCH_S2(1)
#define BENCH_S2_NORMAL_NC		BENCH_S2(5)
#define BENCH_S2_NORMAL			BENCH_S2(6)
#define BENCH_S2_AS_S1			BENCH_S2(7)

/* Invalidation and order */

#define TLBI_TTL_UNKNOWN		INT_MAX
#define MAX_TLBI_RANGE_PAGES		BIT(21)
#define dsb(kind)			barrier()
#define isb()				barrier()
#define __tlbi_level(kind, addr, level)	barrier()
#define __tlbi_sync_s1ish_hyp()		barrier()
#define kvm_call_hyp(function, mmu, ...)	bench_invalidate(mmu)

struct kvm {
	struct {
		u64 tlbi_local, tlbi_page, tlbi_range, tlbi_vmid, tlbi_table;
	} stat;
};

struct kvm_s2_mmu {
	struct kvm_pgtable *pgt;
	struct kvm_mmu_memory_cache split_page_cache;
	u64 vtcr;
	struct kvm *kvm;
};

void bench_invalidate(struct kvm_s2_mmu *mmu);

#define kvm_count_tlbi(kvm, kind)	((kvm)->stat.tlbi_##kind++)

static inline struct kvm *kvm_s2_mmu_to_kvm(struct kvm_s2_mmu *mmu)
{
	return mmu->kvm;
}

#include <asm/kvm_pgtable.h>

void kvm_tlb_flush_vmid_range(struct kvm_s2_mmu *mmu, phys_addr_t addr, size_t size);

#endif /* __BENCH_ARM64_H */
