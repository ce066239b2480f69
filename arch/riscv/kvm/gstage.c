// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM/RISC-V's client of the page-table engine, for Sv39x4, Sv48x4 and Sv57x4.
 *
 * mmu.c decides what is mapped and takes mmu_lock, for read if @shared is set and where
 * it is said, else for write; this file turns that into operations on the tables.  The
 * root lives as long as the VM, so an operation may drop the lock and go on.  Tables are
 * freed after an RCU grace period.
 */
#include <linux/cpufeature.h>
#include <linux/kvm_host.h>
#include <linux/mm.h>

#include <asm/kvm_nacl.h>
#include <asm/kvm_tlb.h>

#include <kvm/pgtable.h>
#include <fmt/riscv_gstage.h>

#include "gstage.h"

/* An operation on the tables of a VM. */
struct gstage_op {
	struct kpt_tree tree;
	struct kpt_iter it;
	struct kvm *kvm;
	struct kvm_mmu_memory_cache *cache;
};

static __always_inline struct gstage_op *to_op(const struct kpt_tree *tree)
{
	return container_of((struct kpt_tree *)tree, struct gstage_op, tree);
}

/* Engine callbacks */

static __always_inline kpt_pte_t *gstage_table_va(const struct kpt_tree *tree, u64 pa)
{
	return __va(pa);
}

static __always_inline kpt_pte_t gstage_make_table(struct kpt_tree *tree, kpt_pte_t *table)
{
	return kpt_table(&kpt_gstage, __pa(table));
}

static kpt_pte_t *gstage_alloc(struct kpt_tree *tree, const struct kpt_iter *parent)
{
	struct kvm_mmu_memory_cache *cache = to_op(tree)->cache;
	kpt_pte_t *table;

	if (!kvm_mmu_memory_cache_nr_free_objects(cache))
		return NULL;

	table = kvm_mmu_memory_cache_alloc(cache);
	kvm_account_pgtable_pages(table, 1);
	return table;
}

static void gstage_free(struct kpt_tree *tree, kpt_pte_t *table)
{
	kvm_account_pgtable_pages(table, -1);
	free_page((unsigned long)table);
}

static void gstage_free_rcu(struct rcu_head *head)
{
	gstage_free(NULL, ptdesc_address(container_of(head, struct ptdesc, pt_rcu_head)));
}

static void gstage_reclaim(struct kpt_tree *tree, kpt_pte_t *table)
{
	call_rcu(&virt_to_ptdesc(table)->pt_rcu_head, gstage_free_rcu);
}

/*
 * The VMID may change at any time.  Read it after the entries were changed: no hart
 * has stale translations for a VMID that is assigned later.
 */
static void gstage_flush(struct kpt_tree *tree, const struct kpt_flush *flush)
{
	unsigned long order = kpt_shift(&kpt_gstage, __ffs(flush->levels)), vmid;
	u64 size = flush->end - flush->start;
	struct kvm *kvm = to_op(tree)->kvm;

	/* The buffer of NACL is the CPU's. */
	guard(preempt)();
	/* Pairs with the barrier between assigning a VMID and entering the guest. */
	smp_mb();
	vmid = READ_ONCE(kvm->arch.vmid.vmid);

	if (flush->scope & KPT_FLUSH_ALL)
		kvm_riscv_hfence_gvma_vmid_all(kvm, -1UL, 0, vmid);
	else if (flush->scope != KPT_FLUSH_LOCAL)
		kvm_riscv_hfence_gvma_vmid_gpa(kvm, -1UL, 0, flush->start, size, order, vmid);
	else if (kvm_riscv_nacl_available())
		nacl_hfence_gvma_vmid(nacl_shmem(), vmid, flush->start, size, order);
	else
		kvm_riscv_local_hfence_gvma_vmid_gpa(vmid, flush->start, size, order);
}

static __always_inline bool gstage_want_yield(struct kpt_tree *tree)
{
	return need_resched() || rwlock_needbreak(&to_op(tree)->kvm->mmu_lock);
}

static void gstage_yield(struct kpt_tree *tree, bool shared)
{
	if (shared)
		cond_resched_rwlock_read(&to_op(tree)->kvm->mmu_lock);
	else
		cond_resched_rwlock_write(&to_op(tree)->kvm->mmu_lock);
}

static const struct kpt_ops gstage_ops = {
	.table_va	= gstage_table_va,
	.make_table	= gstage_make_table,
	.alloc		= gstage_alloc,
	.free		= gstage_free,
	.reclaim	= gstage_reclaim,
	.flush		= gstage_flush,
	.want_yield	= gstage_want_yield,
	.yield		= gstage_yield,
	.recounts	= true,		/* nobody counts leaves */
};

DEFINE_KPT_PORT(gstage, kpt_gstage, gstage_ops);

/* The range ends with the address space.  If nothing is left of it, there is nothing to do. */
static noinline int
gstage_begin(struct gstage_op *op, struct kvm *kvm, gfn_t start, gfn_t end, bool shared)
{
	unsigned long levels = READ_ONCE(kvm->arch.pgd_levels);

	op->tree = (struct kpt_tree) {
		.root = (kpt_ptep_t)kvm->arch.pgd,
		.ia_bits = kvm_riscv_gstage_gpa_bits(levels),
		.top = levels - 1,
		.no_map_flush = riscv_has_extension_unlikely(RISCV_ISA_EXT_SVVPTC),
	};
	op->kvm = kvm;
	end = min(end, gpa_to_gfn(kpt_tree_end(&op->tree)));
	return kpt_begin(&gstage_port, &op->it, &op->tree, gfn_to_gpa(start), gfn_to_gpa(end),
			 shared);
}

static noinline void gstage_end(struct gstage_op *op)
{
	kpt_end(&gstage_port, &op->it);
}

/* If the leaf has all of @attrs, another vCPU was faster, and this hart's TLB is stale. */
static int gstage_relax(struct kpt_iter *it, u64 attrs)
{
	kpt_need_flush(&gstage_port, it, KPT_RELAX);
	return attrs & ~it->pte ?
	       gstage_port.commit(it, it->pte | attrs, KPT_RELAX, false) : 0;
}

static int gstage_install(struct kvm *kvm, struct kvm_mmu_memory_cache *cache,
			  const struct kpt_mapping *m, u64 size, bool shared)
{
	struct gstage_op op __uninitialized;
	struct kpt_iter *it = &op.it;
	int r;

	r = gstage_begin(&op, kvm, gpa_to_gfn(m->base), gpa_to_gfn(m->base + size), shared);
	if (r)
		return r;

	op.cache = cache;
	r = kpt_map(&gstage_port, it, m);
	/* The memory may be mapped already, for reading only or by another vCPU. */
	if (r == -EAGAIN && it->level <= m->max_level &&
	    kpt_is_leaf(&kpt_gstage, it->pte, it->level) &&
	    kpt_oa(&kpt_gstage, it->pte) == m->oa + (it->ia - m->base))
		r = gstage_relax(it, m->attrs);
	gstage_end(&op);
	return r;
}

/*
 * For a fault, with mmu_lock held for read on the hart that took it: map the page, or a
 * block of up to @level around it.  If @host_writable is set, it may be made writable as
 * soon as it is marked as dirty.
 */
int kvm_riscv_gstage_map(struct kvm *kvm, struct kvm_mmu_memory_cache *cache, gpa_t gpa,
			 phys_addr_t hpa, u32 level, bool write, bool host_writable)
{
	unsigned int prot = KPT_R | KPT_X | KPT_UX | (write ? KPT_W : 0);
	u64 size = kpt_span(&kpt_gstage, level);
	struct kpt_mapping m = {
		.memory = true,
		.flags = KPT_MAP_FAULT,
		.max_level = level,
		.base = ALIGN_DOWN(gpa, size),
		.oa = ALIGN_DOWN(hpa, size),
		.attrs = kpt_gstage_attrs(prot, 0) | (host_writable ? KPT_GSTAGE_HOST_WRITE : 0),
	};

	return gstage_install(kvm, cache, &m, size, true);
}

/* Also for a fault.  Return false if no page is mapped, or none that the host may write to. */
bool kvm_riscv_gstage_make_writable(struct kvm *kvm, gpa_t gpa)
{
	struct gstage_op op __uninitialized;
	struct kpt_iter *it = &op.it;
	bool done = false;

	if (gstage_begin(&op, kvm, gpa_to_gfn(gpa), gpa_to_gfn(gpa) + 1, true))
		return false;

	gstage_port.find(it, gpa, 0);
	if (!it->level && kpt_present(&kpt_gstage, it->pte) && it->pte & KPT_GSTAGE_HOST_WRITE)
		done = !gstage_relax(it, KPT_GSTAGE_WRITE | KPT_GSTAGE_DIRTY | KPT_GSTAGE_ACCESSED);
	gstage_end(&op);
	return done;
}

/* The caller flushes TLBs.  Without Svpbmt, the platform knows what device memory is. */
int kvm_riscv_gstage_ioremap(struct kvm *kvm, struct kvm_mmu_memory_cache *cache, gpa_t gpa,
			     phys_addr_t hpa, unsigned long size, bool writable)
{
	bool svpbmt = riscv_has_extension_unlikely(RISCV_ISA_EXT_SVPBMT);
	unsigned int prot = KPT_R | (writable ? KPT_W : 0) | (svpbmt ? KPT_DEVICE : 0);
	struct kpt_mapping m = {
		.memory = true,
		.base = gpa,
		.oa = hpa,
		.attrs = kpt_gstage_attrs(prot, 0),
	};

	return gstage_install(kvm, cache, &m, size, false);
}

void kvm_riscv_gstage_unmap(struct kvm *kvm, gfn_t start, gfn_t end, bool may_block)
{
	struct gstage_op op __uninitialized;

	if (gstage_begin(&op, kvm, start, end, false))
		return;
	KVM_BUG_ON(kpt_unmap(&gstage_port, &op.it, KPT_TABLES | (may_block ? KPT_YIELDS : 0)), kvm);
	gstage_end(&op);
}

/* No vCPU of the VM runs any more.  Freeing a large table in one step would take too long. */
void kvm_riscv_gstage_zap(struct kvm *kvm)
{
	struct gstage_op op __uninitialized;

	for (int level = 1; level < kvm->arch.pgd_levels; level++) {
		if (gstage_begin(&op, kvm, 0, -1ull, false))
			return;
		op.tree.no_flush = true;
		KVM_BUG_ON(kpt_zap(&gstage_port, &op.it, level), kvm);
		gstage_end(&op);
	}
}

/* Write-protect leaves at @level and above.  Return true if a deferred flush is pending. */
bool kvm_riscv_gstage_wrprot(struct kvm *kvm, gfn_t start, gfn_t end, u32 level, bool shared)
{
	struct gstage_op op __uninitialized;

	if (gstage_begin(&op, kvm, start, end, shared))
		return false;
	KVM_BUG_ON(kpt_wrprot(&gstage_port, &op.it, level, shared ? KPT_YIELDS : 0), kvm);
	return kpt_end_noflush(&gstage_port, &op.it).scope;
}

/* The same for pages of a mask, and for blocks that they are in. */
bool kvm_riscv_gstage_clear_dirty(struct kvm *kvm, gfn_t gfn, u64 mask)
{
	struct gstage_op op __uninitialized;
	gfn_t end = gfn + __fls(mask) + 1;
	bool flush;

	if (gstage_begin(&op, kvm, gfn, end, false))
		return false;
	KVM_BUG_ON(kpt_clear_dirty_mask(&gstage_port, &op.it, &mask, KPT_GSTAGE_WRITE), kvm);
	flush = kpt_end_noflush(&gstage_port, &op.it).scope;
	if (mask)
		flush |= kvm_riscv_gstage_wrprot(kvm, gfn + __ffs(mask), end, 1, false);
	return flush;
}

/* Split blocks to pages.  Return -ENOMEM if the cache is used up, @start is what is left. */
int kvm_riscv_gstage_split(struct kvm *kvm, gfn_t *start, gfn_t end, bool shared)
{
	struct gstage_op op __uninitialized;
	int r;

	if (gstage_begin(&op, kvm, *start, end, shared))
		return 0;
	op.cache = &kvm->arch.pgd_split_page_cache;
	r = kpt_split(&gstage_port, &op.it, 0);
	*start = gpa_to_gfn(kpt_done(&op.it));
	gstage_end(&op);
	return r;
}

/* The host unmaps leaves before it maps something else there, so they tell what it maps. */
static kpt_pte_t gstage_block(struct kpt_iter *it)
{
	kpt_pte_t block = it->level == it->floor ?
			  kpt_uniform_block(&gstage_port, it, KPT_GSTAGE_WRITE) : 0;

	return block & KPT_GSTAGE_HOST_WRITE ? block | KPT_GSTAGE_WRITE : block;
}

/* Replace tables by blocks at @level, with mmu_lock held for read. */
void kvm_riscv_gstage_recover(struct kvm *kvm, gfn_t start, gfn_t end, u32 level)
{
	struct gstage_op op __uninitialized;

	if (gstage_begin(&op, kvm, start, end, true))
		return;
	KVM_BUG_ON(kpt_collapse(&gstage_port, &op.it, level, gstage_block), kvm);
	gstage_end(&op);
}

/* No lock is needed. */
bool kvm_riscv_gstage_age(struct kvm *kvm, gfn_t start, gfn_t end, bool test_only)
{
	struct gstage_op op __uninitialized;
	bool young;

	if (gstage_begin(&op, kvm, start, end, true))
		return false;
	young = kpt_age(&gstage_port, &op.it, KPT_GSTAGE_ACCESSED, test_only);
	gstage_end(&op);
	return young;
}

/* Find the first range of similar mappings, with mmu_lock held for read. */
bool kvm_riscv_gstage_dump(struct kvm *kvm, gfn_t start, struct kpt_range *range)
{
	struct gstage_op op __uninitialized;
	bool found;

	if (gstage_begin(&op, kvm, start, -1ull, true))
		return false;
	found = kpt_dump_next(&gstage_port, &op.it, &kpt_gstage, range);
	gstage_end(&op);
	return found;
}
