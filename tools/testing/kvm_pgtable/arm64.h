/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stubs of the arm64 code that KVM/arm64's pgtable.c needs, to build it into a program.
 * CPU features are variables, so that one program can simulate many CPUs.  TLB and cache
 * maintenance calls the test.
 */
#ifndef __KVM_PGTABLE_ARM64_H
#define __KVM_PGTABLE_ARM64_H

/* Replace headers that would pull in the rest of KVM and arm64. */
#define __KVM_HOST_H
#define __KVM_TYPES_H__
#define __ARM64_KVM_MMU_H__
#define __ARM64_S2_PGTABLE_H_

#include <limits.h>

#include <linux/bitfield.h>
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/kconfig.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

/* Memory */

/* Nothing is freed during a test. */
#define rcu_dereference_raw(p)	(p)
#define rcu_dereference_check(p, ...)	(p)

#define PTRS_PER_PTE		512
#define PAGE_ALIGN(x)		ALIGN(x, PAGE_SIZE)
#define PTR_ALIGN_DOWN(p, a)	((typeof(p))ALIGN_DOWN((unsigned long)(p), (a)))
#define is_kernel_in_hyp_mode()	true

struct kvm_mmu_memory_cache {
	int nobjs;
};

typedef u64 kvm_pfn_t;

struct rb_root_cached {
	void *unused;
};

/* CPU features */

enum cpu_feature {
	ARM64_HAS_CACHE_DIC,
	ARM64_HAS_STAGE2_FWB,
	ARM64_HAS_TLB_RANGE,
	ARM64_HAS_XNX,
	ARM64_KVM_HVHE,
	ARM64_WORKAROUND_AMPERE_AC03_CPU_38,
	BBML3,
	CPU_FEATURES,
};

extern bool cpu_has[CPU_FEATURES];

#define cpus_have_final_cap(cap)	(cpu_has[cap])
#define system_supports_bbml3()		(cpu_has[BBML3])
#define system_supports_bti_kernel()	false
#define system_supports_lpa2()		false
#define system_supports_tlb_range()	(cpu_has[ARM64_HAS_TLB_RANGE])
#define get_vmid_bits(...)		16
#define CONFIG_ARM64_4K_PAGES		1

/* Geometry: levels count from 0 at the root of a tree of four to 3. */

#define ARM64_HW_PGTABLE_LEVEL_SHIFT(level)	(PAGE_SHIFT + (3 - (level)) * 9)
#define ARM64_HW_PGTABLE_LEVELS(bits)		DIV_ROUND_UP((bits) - PAGE_SHIFT, 9)
#define stage2_pgtable_levels(ipa)		ARM64_HW_PGTABLE_LEVELS((ipa) - 4)

/* Registers: only packed and unpacked by software, so the values do not matter. */

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

/* Memory types */

#define PAGE_S2_MEMATTR(type)		TEST_S2_##type
#define TEST_S2(memattr)		FIELD_PREP(GENMASK_ULL(5, 2), memattr)
#define TEST_S2_NORMAL			TEST_S2(cpu_has[ARM64_HAS_STAGE2_FWB] ? 6 : 15)
#define TEST_S2_AS_S1			TEST_S2(7)

/* TLB maintenance and barriers */

#define cmpxchg				cmpxchg64

#define TLBI_TTL_UNKNOWN		INT_MAX
#define MAX_TLBI_RANGE_PAGES		BIT(21)
#define dsb(...)			barrier()
#define isb()				barrier()
#define __tlbi_level(...)		barrier()
#define __tlbi_sync_s1ish_hyp()		barrier()
#define kvm_call_hyp(function, ...)	record_hypercall(#function)

struct kvm {
	int unused;
};

struct kvm_s2_mmu {
	struct kvm_pgtable *pgt;
	struct kvm_mmu_memory_cache split_page_cache;
	u64 vtcr;
};

void record_hypercall(const char *hypercall);

#define kvm_s2_mmu_to_kvm(...)		NULL
#define kvm_count_tlbi(...)		do { } while (0)

#include <asm/kvm_pgtable.h>

void kvm_tlb_flush_vmid_range(struct kvm_s2_mmu *mmu, phys_addr_t addr, size_t size);

#endif /* __KVM_PGTABLE_ARM64_H */
