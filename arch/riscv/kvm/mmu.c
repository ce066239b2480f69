// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM/RISC-V's MMU: what is mapped in the G-stage, and when.
 */
#include <linux/debugfs.h>
#include <linux/errno.h>
#include <linux/hugetlb.h>
#include <linux/kvm_host.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>

#include <asm/csr.h>
#include <asm/kvm_mmu.h>
#include <asm/kvm_nacl.h>
#include <asm/kvm_tlb.h>

#include <kvm/pgtable/dump.h>
#include <fmt/riscv_gstage.h>

#include "gstage.h"

static bool __read_mostly eager_page_split = true;
module_param(eager_page_split, bool, 0644);

unsigned long kvm_riscv_gstage_max_pgd_levels __ro_after_init;

void __init kvm_riscv_gstage_mode_detect(void)
{
	unsigned long levels, mode;

	/* Hardware does not take a mode that it does not support. */
	for (levels = 5; levels >= 3; levels--) {
		mode = kvm_riscv_gstage_mode(levels);
		csr_write(CSR_HGATP, mode << HGATP_MODE_SHIFT);
		if (csr_read(CSR_HGATP) >> HGATP_MODE_SHIFT == mode) {
			kvm_riscv_gstage_max_pgd_levels = levels;
			break;
		}
	}
	csr_write(CSR_HGATP, 0);
	kvm_riscv_local_hfence_gvma_all();
}

/* The root is allocated with the VM, and freed when nothing can look at it any more. */
int kvm_riscv_mmu_alloc_pgd(struct kvm *kvm)
{
	struct page *root = alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO,
					get_order(kvm_riscv_gstage_pgd_size));

	if (!root)
		return -ENOMEM;

	kvm->arch.pgd = page_to_virt(root);
	kvm->arch.pgd_phys = page_to_phys(root);
	kvm->arch.pgd_levels = kvm_riscv_gstage_max_pgd_levels;
	kvm->arch.pgd_split_page_cache.gfp_zero = __GFP_ZERO;
	return 0;
}

void kvm_riscv_mmu_free_pgd(struct kvm *kvm)
{
	kvm_mmu_free_memory_cache(&kvm->arch.pgd_split_page_cache);
	free_pages((unsigned long)kvm->arch.pgd, get_order(kvm_riscv_gstage_pgd_size));
	kvm->arch.pgd = NULL;
}

void kvm_riscv_mmu_update_hgatp(struct kvm_vcpu *vcpu)
{
	struct kvm_arch *arch = &vcpu->kvm->arch;
	unsigned long mode = kvm_riscv_gstage_mode(arch->pgd_levels);
	unsigned long vmid = READ_ONCE(arch->vmid.vmid);

	ncsr_write(CSR_HGATP, mode << HGATP_MODE_SHIFT |
			      ((vmid << HGATP_VMID_SHIFT) & HGATP_VMID) |
			      (PHYS_PFN(arch->pgd_phys) & HGATP_PPN));

	/* Without VMIDs, all VMs share the TLB entries. */
	if (!kvm_riscv_gstage_vmid_bits())
		kvm_riscv_local_hfence_gvma_all();
}

/* Device memory */

int kvm_riscv_mmu_ioremap(struct kvm *kvm, gpa_t gpa, phys_addr_t hpa, unsigned long size,
			  bool writable, bool in_atomic)
{
	struct kvm_mmu_memory_cache cache = {
		.gfp_custom = in_atomic ? GFP_ATOMIC | __GFP_ACCOUNT : 0,
		.gfp_zero = __GFP_ZERO,
	};
	/* A range of a page, as all are today, needs no more tables than there are levels. */
	unsigned long tables = kvm->arch.pgd_levels * DIV_ROUND_UP(size, PMD_SIZE);
	int r;

	r = __kvm_mmu_topup_memory_cache(&cache, tables, tables);
	if (!r) {
		write_lock(&kvm->mmu_lock);
		r = kvm_riscv_gstage_ioremap(kvm, &cache, gpa, hpa, PAGE_ALIGN(size), writable);
		/* No fault maps it again, so no hart may go on with invalid entries. */
		if (!riscv_has_extension_unlikely(RISCV_ISA_EXT_SVVPTC))
			kvm_flush_remote_tlbs_range(kvm, gpa_to_gfn(gpa), PFN_UP(size));
		write_unlock(&kvm->mmu_lock);
	}
	kvm_mmu_free_memory_cache(&cache);
	return r;
}

void kvm_riscv_mmu_iounmap(struct kvm *kvm, gpa_t gpa, unsigned long size)
{
	write_lock(&kvm->mmu_lock);
	kvm_riscv_gstage_unmap(kvm, gpa_to_gfn(gpa), gpa_to_gfn(PAGE_ALIGN(gpa + size)), false);
	write_unlock(&kvm->mmu_lock);
}

/* MMU notifiers */

bool kvm_unmap_gfn_range(struct kvm *kvm, struct kvm_gfn_range *range)
{
	kvm_riscv_gstage_unmap(kvm, range->start, range->end, range->may_block);
	return false;
}

bool kvm_age_gfn(struct kvm *kvm, struct kvm_gfn_range *range)
{
	return kvm_riscv_gstage_age(kvm, range->start, range->end, false);
}

bool kvm_test_age_gfn(struct kvm *kvm, struct kvm_gfn_range *range)
{
	return kvm_riscv_gstage_age(kvm, range->start, range->end, true);
}

void kvm_arch_flush_shadow_all(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	kvm_riscv_gstage_zap(kvm);
	write_unlock(&kvm->mmu_lock);
}

/* Dirty logging */

static void mmu_lock(struct kvm *kvm, bool shared)
{
	if (shared)
		read_lock(&kvm->mmu_lock);
	else
		write_lock(&kvm->mmu_lock);
}

static void mmu_unlock(struct kvm *kvm, bool shared)
{
	if (shared)
		read_unlock(&kvm->mmu_lock);
	else
		write_unlock(&kvm->mmu_lock);
}

/* Allocate tables without the lock, as many at a time as the cache holds. */
static void mmu_split(struct kvm *kvm, gfn_t start, gfn_t end, bool shared)
{
	int r;

	lockdep_assert_held(&kvm->slots_lock);
	while (kvm_riscv_gstage_split(kvm, &start, end, shared) == -ENOMEM) {
		mmu_unlock(kvm, shared);
		r = kvm_mmu_topup_memory_cache(&kvm->arch.pgd_split_page_cache, 1);
		mmu_lock(kvm, shared);
		/* What is left is split by faults. */
		if (r)
			break;
	}
}

static void mmu_start_logging(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	gfn_t end = slot->base_gfn + slot->npages;
	bool flush;

	read_lock(&kvm->mmu_lock);
	flush = kvm_riscv_gstage_wrprot(kvm, slot->base_gfn, end, 0, true);
	if (READ_ONCE(eager_page_split))
		mmu_split(kvm, slot->base_gfn, end, true);
	read_unlock(&kvm->mmu_lock);

	if (flush)
		kvm_flush_remote_tlbs_memslot(kvm, slot);
	kvm_mmu_free_memory_cache(&kvm->arch.pgd_split_page_cache);
}

/* Recover 1G pages after 2M pages, which they are built from. */
static void mmu_stop_logging(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	read_lock(&kvm->mmu_lock);
	for (u32 level = 1; level <= 2; level++)
		kvm_riscv_gstage_recover(kvm, slot->base_gfn, slot->base_gfn + slot->npages, level);
	read_unlock(&kvm->mmu_lock);
}

/* The caller flushes TLBs. */
void kvm_arch_mmu_enable_log_dirty_pt_masked(struct kvm *kvm, struct kvm_memory_slot *slot,
					     gfn_t gfn_offset, unsigned long mask)
{
	gfn_t gfn = slot->base_gfn + gfn_offset;

	/* Else, huge pages were split when logging started. */
	if (kvm_dirty_log_manual_protect_and_init_set(kvm) && READ_ONCE(eager_page_split))
		mmu_split(kvm, gfn + __ffs(mask), gfn + __fls(mask) + 1, false);
	kvm_riscv_gstage_clear_dirty(kvm, gfn, mask);
}

void kvm_arch_sync_dirty_log(struct kvm *kvm, struct kvm_memory_slot *memslot)
{
}

/* Memslots */

void kvm_arch_free_memslot(struct kvm *kvm, struct kvm_memory_slot *free)
{
}

void kvm_arch_memslots_updated(struct kvm *kvm, u64 gen)
{
}

void kvm_arch_flush_shadow_memslot(struct kvm *kvm, struct kvm_memory_slot *slot)
{
	write_lock(&kvm->mmu_lock);
	kvm_riscv_gstage_unmap(kvm, slot->base_gfn, slot->base_gfn + slot->npages, true);
	write_unlock(&kvm->mmu_lock);
}

/* A slot may cover several VMAs, and holes between them. */
static int mmu_check_vmas(const struct kvm_memory_slot *slot)
{
	unsigned long start = slot->userspace_addr, end = start + slot->npages * PAGE_SIZE;
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;

	mmap_assert_locked(mm);
	for (vma = find_vma_intersection(mm, start, end); vma;
	     vma = find_vma_intersection(mm, vma->vm_end, end)) {
		/* The guest must not write to what its owner cannot write to. */
		if (!(slot->flags & KVM_MEM_READONLY) && !(vma->vm_flags & VM_WRITE))
			return -EPERM;
		/* Writes to device memory are not logged. */
		if (vma->vm_flags & VM_PFNMAP && slot->flags & KVM_MEM_LOG_DIRTY_PAGES)
			return -EINVAL;
	}
	return 0;
}

int kvm_arch_prepare_memory_region(struct kvm *kvm, const struct kvm_memory_slot *old,
				   struct kvm_memory_slot *new, enum kvm_mr_change change)
{
	gfn_t limit = gpa_to_gfn(kvm_riscv_gstage_gpa_size(kvm->arch.pgd_levels));
	int r;

	if (change == KVM_MR_DELETE)
		return 0;

	if (new->base_gfn + new->npages > limit)
		return -EFAULT;

	mmap_read_lock(current->mm);
	r = mmu_check_vmas(new);
	mmap_read_unlock(current->mm);
	return r;
}

void kvm_arch_commit_memory_region(struct kvm *kvm, struct kvm_memory_slot *old,
				   const struct kvm_memory_slot *new, enum kvm_mr_change change)
{
	if (change == KVM_MR_DELETE)
		return;

	if (!kvm_slot_dirty_track_enabled(new)) {
		if (change == KVM_MR_FLAGS_ONLY && kvm_slot_dirty_track_enabled(old))
			mmu_stop_logging(kvm, new);
	} else if (!kvm_dirty_log_manual_protect_and_init_set(kvm)) {
		mmu_start_logging(kvm, new);
	}
}

/* Faults */

static bool mmu_slot_fits(const struct kvm_memory_slot *slot, gfn_t gfn, u32 level)
{
	unsigned long pages = BIT(level * kvm_riscv_gstage_index_bits);
	gfn_t start = ALIGN_DOWN(gfn, pages);

	return !((slot->base_gfn ^ PHYS_PFN(slot->userspace_addr)) & (pages - 1)) &&
	       start >= slot->base_gfn && start + pages <= slot->base_gfn + slot->npages;
}

static __always_inline kpt_pte_t *host_table_va(const struct kpt_tree *tree, u64 pa)
{
	return __va(pa);
}

/* Only for kpt_find(), which is inline. */
static const struct kpt_ops host_ops = { .table_va = host_table_va };
static const struct kpt_port host_port = { .format = &kpt_gstage, .ops = &host_ops };

/*
 * Return the level at which the host maps an address, or 0.  The tables of a process have
 * the layout of the G-stage, and are not freed as long as interrupts are disabled.
 */
static u32 mmu_host_level(struct kvm *kvm, unsigned long hva)
{
	struct kpt_tree tree = {
		.root = (kpt_ptep_t)kvm->mm->pgd,
		.ia_bits = VA_BITS,
		.top = 2 + pgtable_l4_enabled + pgtable_l5_enabled,
		.no_rcu = true,
	};
	struct kpt_iter it __uninitialized;

	guard(irqsave)();
	it.tree = &tree;
	kpt_find(&host_port, &it, hva, 0);
	return kpt_is_leaf(&kpt_gstage, it.pte, it.level) ? it.level : 0;
}

static u32 mmu_max_level(struct kvm *kvm, const struct kvm_memory_slot *slot, gfn_t gfn,
			 unsigned long hva)
{
	u32 level = mmu_host_level(kvm, hva);

	while (level && !mmu_slot_fits(slot, gfn, level))
		level--;
	return level;
}

static int mmu_poisoned(unsigned long hva)
{
	struct vm_area_struct *vma;
	short shift = PAGE_SHIFT;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, hva);
	if (vma && is_vm_hugetlb_page(vma))
		shift = huge_page_shift(hstate_vma(vma));
	mmap_read_unlock(current->mm);

	send_sig_mceerr(BUS_MCEERR_AR, (void __user *)hva, shift, current);
	return 0;
}

static int mmu_no_page(kvm_pfn_t pfn, unsigned long hva)
{
	if (pfn == KVM_PFN_ERR_HWPOISON)
		return mmu_poisoned(hva);
	return is_sigpending_pfn(pfn) ? -EINTR : -EFAULT;
}

/* A write to a page that is mapped, but write-protected for logging. */
static bool mmu_log_write(struct kvm *kvm, struct kvm_memory_slot *slot, gpa_t gpa)
{
	bool done;

	read_lock(&kvm->mmu_lock);
	done = kvm_riscv_gstage_make_writable(kvm, gpa);
	if (done)
		mark_page_dirty_in_slot(kvm, slot, gpa_to_gfn(gpa));
	read_unlock(&kvm->mmu_lock);
	return done;
}

int kvm_riscv_mmu_map(struct kvm_vcpu *vcpu, struct kvm_memory_slot *memslot, gpa_t gpa,
		      unsigned long hva, bool is_write, struct kvm_gstage_mapping *out_map)
{
	bool logging = kvm_slot_dirty_track_enabled(memslot) &&
		       !(memslot->flags & KVM_MEM_READONLY);
	struct kvm *kvm = vcpu->kvm;
	gfn_t gfn = gpa_to_gfn(gpa);
	bool host_writable, write;
	unsigned long mmu_seq;
	struct page *page;
	kvm_pfn_t pfn;
	u32 level;
	int r;

	gpa = gfn_to_gpa(gfn);
	/* Nested virtualization would need it. */
	memset(out_map, 0, sizeof(*out_map));

	if (is_write && logging && mmu_log_write(kvm, memslot, gpa))
		return 0;

	r = kvm_mmu_topup_memory_cache(&vcpu->arch.mmu_page_cache, kvm->arch.pgd_levels);
	if (r)
		return r;

	mmu_seq = kvm->mmu_invalidate_seq;
	/* Pairs with kvm_mmu_invalidate_end(): the PFN is not older than the sequence number. */
	smp_rmb();

	pfn = __kvm_faultin_pfn(memslot, gfn, is_write ? FOLL_WRITE : 0, &host_writable, &page);
	if (is_error_noslot_pfn(pfn))
		return mmu_no_page(pfn, hva);

	/* If writes are logged, map for reading until there is one. */
	write = host_writable && (is_write || !logging);

	read_lock(&kvm->mmu_lock);
	if (mmu_invalidate_retry_gfn(kvm, mmu_seq, gfn)) {
		r = -EAGAIN;
	} else {
		level = logging ? 0 : mmu_max_level(kvm, memslot, gfn, hva);
		r = kvm_riscv_gstage_map(kvm, &vcpu->arch.mmu_page_cache, gpa, PFN_PHYS(pfn),
					 level, write, host_writable);
		if (!r && write)
			mark_page_dirty_in_slot(kvm, memslot, gfn);
	}
	kvm_release_faultin_page(kvm, page, r, host_writable);
	read_unlock(&kvm->mmu_lock);

	/* The guest retries the access. */
	return r == -EAGAIN ? 0 : r;
}

/* debugfs: dump the page tables of a running VM */

/* A position is a GFN. */
static void *mmu_dump_find(struct kvm *kvm, struct kpt_range *range, gfn_t start)
{
	bool found;

	read_lock(&kvm->mmu_lock);
	found = kvm_riscv_gstage_dump(kvm, start, range);
	read_unlock(&kvm->mmu_lock);
	if (found)
		return range;

	kfree(range);
	return NULL;
}

static void *mmu_dump_start(struct seq_file *m, loff_t *pos)
{
	struct kpt_range *range = kmalloc_obj(*range);

	return range ? mmu_dump_find(m->private, range, *pos) : ERR_PTR(-ENOMEM);
}

static void *mmu_dump_next(struct seq_file *m, void *range, loff_t *pos)
{
	*pos = gpa_to_gfn(((struct kpt_range *)range)->end);
	return mmu_dump_find(m->private, range, *pos);
}

static void mmu_dump_stop(struct seq_file *m, void *range)
{
	if (!IS_ERR(range))
		kfree(range);
}

static int mmu_dump_show(struct seq_file *m, void *range)
{
	kpt_dump_print(m, range);
	return 0;
}

static const struct seq_operations mmu_dump_sops = {
	.start	= mmu_dump_start,
	.next	= mmu_dump_next,
	.stop	= mmu_dump_stop,
	.show	= mmu_dump_show,
};
DEFINE_SEQ_ATTRIBUTE(mmu_dump);

void kvm_arch_create_vm_debugfs(struct kvm *kvm)
{
	debugfs_create_file("page_tables", 0400, kvm->debugfs_dentry, kvm, &mmu_dump_fops);
}
