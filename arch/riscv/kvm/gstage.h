/* SPDX-License-Identifier: GPL-2.0-only */
/* The G-stage tables of a VM, for mmu.c, which holds mmu_lock as gstage.c says. */
#ifndef __KVM_RISCV_GSTAGE_H
#define __KVM_RISCV_GSTAGE_H

#include <linux/kvm_host.h>

#include <asm/kvm_gstage.h>

struct kpt_range;

int kvm_riscv_gstage_map(struct kvm *kvm, struct kvm_mmu_memory_cache *cache, gpa_t gpa,
			 phys_addr_t hpa, u32 level, bool write, bool host_writable);
bool kvm_riscv_gstage_make_writable(struct kvm *kvm, gpa_t gpa);
int kvm_riscv_gstage_ioremap(struct kvm *kvm, struct kvm_mmu_memory_cache *cache, gpa_t gpa,
			     phys_addr_t hpa, unsigned long size, bool writable);
void kvm_riscv_gstage_unmap(struct kvm *kvm, gfn_t start, gfn_t end, bool may_block);
void kvm_riscv_gstage_zap(struct kvm *kvm);
bool kvm_riscv_gstage_wrprot(struct kvm *kvm, gfn_t start, gfn_t end, u32 level, bool shared);
bool kvm_riscv_gstage_clear_dirty(struct kvm *kvm, gfn_t gfn, u64 mask);
int kvm_riscv_gstage_split(struct kvm *kvm, gfn_t *start, gfn_t end, bool shared);
void kvm_riscv_gstage_recover(struct kvm *kvm, gfn_t start, gfn_t end, u32 level);
bool kvm_riscv_gstage_age(struct kvm *kvm, gfn_t start, gfn_t end, bool test_only);
bool kvm_riscv_gstage_dump(struct kvm *kvm, gfn_t start, struct kpt_range *range);

#endif /* __KVM_RISCV_GSTAGE_H */
