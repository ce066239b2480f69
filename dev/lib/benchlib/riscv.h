/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What KVM/RISC-V's gstage.c needs of RISC-V besides its own header, to be compiled for this
 * machine: a hart with Svvptc and Svpbmt, without NACL.
 *
 * As for arm64, a feature is a constant, and what fences is a call that does nothing, for
 * everybody.
 */
#ifndef __BENCH_RISCV_H
#define __BENCH_RISCV_H

/* In place of x86's, and of some that are full of RISC-V's registers. */
#define __KVM_HOST_H
#define __KVM_NACL_H
#define __RISCV_KVM_TLB_H_
#define _ASM_RISCV_HWCAP_H

#include <linux/kvm_types.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pgtable.h>
#include <linux/sched.h>

#include "bench.h"

/* CPU features */

#define riscv_has_extension_unlikely(extension)	true
#define kvm_riscv_nacl_available()		false
#define nacl_shmem()				NULL
#define nacl_hfence_gvma_vmid(shmem, ...)	barrier()

/* The register that holds the root, which no hart reads here. */

#define HGATP_PAGE_SHIFT	12
#define HGATP_MODE_SHIFT	60
#define HGATP_MODE_OFF		0
#define HGATP_MODE_SV32X4	1
#define HGATP_MODE_SV39X4	8
#define HGATP_MODE_SV48X4	9
#define HGATP_MODE_SV57X4	10
#define csr_read(csr)		0UL
#define csr_write(csr, value)	barrier()

/* Entries: the type and the present bit are x86's, the layout is not. */

#undef _PAGE_ACCESSED
#undef _PAGE_DIRTY
#undef _PAGE_TABLE
#undef _PAGE_USER
#define _PAGE_READ		BIT(1)
#define _PAGE_WRITE		BIT(2)
#define _PAGE_EXEC		BIT(3)
#define _PAGE_USER		BIT(4)
#define _PAGE_ACCESSED_OFFSET	6
#define _PAGE_ACCESSED		BIT(_PAGE_ACCESSED_OFFSET)
#define _PAGE_DIRTY		BIT(7)
#define _PAGE_TABLE		_PAGE_PRESENT
#define _PAGE_BASE		(_PAGE_PRESENT | _PAGE_ACCESSED | _PAGE_USER)

#define PAGE_READ		__pgprot(_PAGE_BASE | _PAGE_READ)
#define PAGE_WRITE		__pgprot(_PAGE_BASE | _PAGE_READ | _PAGE_WRITE)
#define PAGE_READ_EXEC		__pgprot(_PAGE_BASE | _PAGE_READ | _PAGE_EXEC)
#define PAGE_WRITE_EXEC		__pgprot(_PAGE_BASE | _PAGE_READ | _PAGE_EXEC | _PAGE_WRITE)

#undef pte_pgprot
#define BENCH_PPN		GENMASK_ULL(53, 10)
#define BENCH_PPN_SHIFT		10
#define __page_val_to_pfn(val)	(((val) & BENCH_PPN) >> BENCH_PPN_SHIFT)
#define pfn_to_virt(pfn)	__va(PFN_PHYS(pfn))
#define pte_pfn(pte)		__page_val_to_pfn(pte_val(pte))
#define pte_pgprot(pte)		__pgprot(pte_val(pte) & ~BENCH_PPN)
#define pfn_pte(pfn, prot)	__pte((pfn) << BENCH_PPN_SHIFT | pgprot_val(prot))
#define pte_mkdirty(pte)	__pte(pte_val(pte) | _PAGE_DIRTY)

/* The rest of KVM */

struct kvm {
	rwlock_t mmu_lock;
	struct {
		struct {
			unsigned long vmid;
		} vmid;
		pgd_t *pgd;
		unsigned long pgd_levels;
		struct kvm_mmu_memory_cache pgd_split_page_cache;
	} arch;
};

#define KVM_BUG_ON(fact, kvm)						\
({									\
	bool __bug = fact;						\
									\
	if (unlikely(__bug))						\
		bench_die("KVM has a bug: " #fact);			\
	__bug;								\
})

static inline gpa_t gfn_to_gpa(gfn_t gfn)
{
	return gfn << PAGE_SHIFT;
}

static inline gfn_t gpa_to_gfn(gpa_t gpa)
{
	return gpa >> PAGE_SHIFT;
}

static inline void kvm_account_pgtable_pages(void *table, int nr)
{
	mod_node_page_state(NULL, NR_SECONDARY_PAGETABLE, nr);
}

int kvm_mmu_memory_cache_nr_free_objects(struct kvm_mmu_memory_cache *cache);
void *kvm_mmu_memory_cache_alloc(struct kvm_mmu_memory_cache *cache);
void kvm_flush_remote_tlbs_range(struct kvm *kvm, gfn_t gfn, u64 pages);

void kvm_riscv_local_hfence_gvma_all(void);
void kvm_riscv_local_hfence_gvma_vmid_gpa(unsigned long vmid, gpa_t gpa, gpa_t size,
					  unsigned long order);
void kvm_riscv_hfence_gvma_vmid_all(struct kvm *kvm, unsigned long base, unsigned long harts,
				    unsigned long vmid);
void kvm_riscv_hfence_gvma_vmid_gpa(struct kvm *kvm, unsigned long base, unsigned long harts,
				    gpa_t gpa, gpa_t size, unsigned long order,
				    unsigned long vmid);

#include <asm/kvm_gstage.h>

#endif /* __BENCH_RISCV_H */
