// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recover huge pages after dirty logging is disabled: replace tables in place by
 * blocks that match the host's mappings.
 */
#include <linux/kvm_host.h>
#include <asm/kvm_mmu.h>
#include <asm/kvm_pgtable.h>

struct recovery {
	struct kvm *kvm;
	const struct kvm_memory_slot *slot;
};

/* A leaf of the host's page tables. */
struct host_leaf {
	u64 phys;
	u64 size;
	bool writable;
};

static void *table_va(phys_addr_t phys)
{
	return __va(phys);
}

static struct kvm_pgtable_mm_ops user_mm_ops = {
	.phys_to_virt = table_va,
};

static bool host_leaf(struct kvm *kvm, hva_t hva, struct host_leaf *leaf)
{
	struct kvm_pgtable pgt = {
		.pgd		= (kvm_pteref_t)kvm->mm->pgd,
		.ia_bits	= vabits_actual,
		.start_level	= KVM_PGTABLE_LAST_LEVEL + 1 -
				  ARM64_HW_PGTABLE_LEVELS(vabits_actual),
		.mm_ops		= &user_mm_ops,
	};
	kvm_pte_t pte = 0;
	s8 level = KVM_PGTABLE_LAST_LEVEL;
	unsigned long flags;

	/*
	 * Disabling interrupts keeps the tables of the process from being freed, see
	 * CONFIG_MMU_GATHER_RCU_TABLE_FREE.
	 */
	local_irq_save(flags);
	if (kvm_pgtable_get_leaf(&pgt, hva, &pte, &level))
		pte = 0;
	local_irq_restore(flags);

	leaf->size = kvm_granule_size(level);
	leaf->phys = kvm_pte_to_phys(pte);
	leaf->writable = pte_write(__pte(pte));
	return kvm_pte_valid(pte);
}

/* During an invalidation, the host's mapping of the range must not be used. */
static bool is_changing(struct kvm *kvm, gfn_t start, gfn_t end)
{
	return kvm->mmu_invalidate_in_progress &&
	       start < kvm->mmu_invalidate_range_end && end > kvm->mmu_invalidate_range_start;
}

static enum kvm_pgtable_prot allowed(u64 addr, u64 phys, u64 size, void *arg)
{
	struct recovery *r = arg;
	hva_t hva = __gfn_to_hva_memslot(r->slot, gpa_to_gfn(addr));
	struct host_leaf leaf;

	if (is_changing(r->kvm, gpa_to_gfn(addr), gpa_to_gfn(addr + size)) ||
	    !pfn_is_map_memory(PHYS_PFN(phys)) || !host_leaf(r->kvm, hva, &leaf) ||
	    leaf.size < size || leaf.phys + (hva & (leaf.size - 1)) != phys)
		return 0;

	if (!leaf.writable || r->slot->flags & KVM_MEM_READONLY)
		return KVM_PGTABLE_PROT_R;

	/* There is no fault for the next write.  Reserved pages are never dirty. */
	if (!PageReserved(pfn_to_page(PHYS_PFN(phys))))
		folio_set_dirty(pfn_folio(PHYS_PFN(phys)));
	return KVM_PGTABLE_PROT_R | KVM_PGTABLE_PROT_W;
}

/**
 * kvm_stage2_recover_blocks() - Replace the tables of a memslot by blocks
 * @kvm: VM
 * @slot: memslot without dirty logging
 *
 * Skip tables with holes, memory that the host maps with pages or is about to
 * unmap, and guests whose tables are managed by pKVM.  Faults may still map blocks
 * there later.
 *
 * Context: takes mmu_lock for read, and may drop it after each block-sized range.
 */
void kvm_stage2_recover_blocks(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	struct recovery r = { kvm, slot };
	u64 step = kvm_granule_size(KVM_PGTABLE_MIN_BLOCK_LEVEL);
	u64 addr = gfn_to_gpa(slot->base_gfn);
	u64 end = gfn_to_gpa(slot->base_gfn + slot->npages);
	u64 next;

	if (is_protected_kvm_enabled() || kvm_slot_has_gmem(slot))
		return;

	read_lock(&kvm->mmu_lock);
	for (; addr < end && kvm->arch.mmu.pgt; addr = next) {
		next = min(ALIGN_DOWN(addr, step) + step, end);
		kvm_pgtable_stage2_recover(kvm->arch.mmu.pgt, addr, next - addr, allowed, &r);
		cond_resched_rwlock_read(&kvm->mmu_lock);
	}
	read_unlock(&kvm->mmu_lock);
}
