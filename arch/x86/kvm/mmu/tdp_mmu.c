// SPDX-License-Identifier: GPL-2.0
/*
 * The TDP MMU: x86's client of the page-table engine, for EPT and NPT.
 *
 * This file implements policy: the life cycle of roots, what a fault may map,
 * which huge pages are allowed, statistics and tracing.  The engine in
 * include/kvm/pgtable/ walks the tables, changes entries, flushes TLBs and frees
 * tables in the right order.
 *
 * KVM/x86 counts levels from PG_LEVEL_4K == 1, the engine from 0.  Use tdp_level()
 * and kpt_level() to convert.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "mmu.h"
#include "mmu_internal.h"
#include "mmutrace.h"
#include "spte.h"
#include "tdp_mmu.h"

#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include <kvm/pgtable.h>
#include <fmt/ept.h>
#include <fmt/npt.h>

#include <trace/events/kvm.h>

/* Checking each change of an entry is too expensive for production kernels. */
#define TDP_PROVES	(IS_ENABLED(CONFIG_KVM_PROVE_MMU) || IS_ENABLED(CONFIG_PROVE_LOCKING))

/* An operation on one root. */
struct tdp_iter {
	struct kpt_tree tree;
	struct kpt_iter it;
	struct kvm *kvm;
	struct kvm_mmu_page *root;
	const struct kvm_memory_slot *slot;	/* for huge page recovery */
	struct kvm_mmu_page *spare;		/* the next table */
	u64 huge_spte;				/* what it replaces, or 0 */
	bool shared;				/* these two if TDP_PROVES */
	bool lockless;
};

static __always_inline struct tdp_iter *to_tdp(struct kpt_tree *tree)
{
	return container_of(tree, struct tdp_iter, tree);
}

static __always_inline int tdp_level(int kpt_level)
{
	return kpt_level + PG_LEVEL_4K;
}

static __always_inline int kpt_level(int tdp_level)
{
	return tdp_level - PG_LEVEL_4K;
}

/* Shadow pages */

static struct kvm_mmu_page *tdp_alloc_sp(struct kvm_vcpu *vcpu)
{
	struct kvm_mmu_page *sp = kvm_mmu_memory_cache_alloc(&vcpu->arch.mmu_tdp_page_header_cache);

	sp->spt = kvm_mmu_memory_cache_alloc(&vcpu->arch.mmu_shadow_page_cache);
	return sp;
}

static struct kvm_mmu_page *tdp_alloc_sp_for_split(void)
{
	struct kvm_mmu_page *sp = kmem_cache_zalloc(tdp_mmu_page_header_cache, GFP_KERNEL_ACCOUNT);

	if (!sp)
		return NULL;

	sp->spt = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (sp->spt)
		return sp;

	kmem_cache_free(tdp_mmu_page_header_cache, sp);
	return NULL;
}

static void tdp_init_sp(struct kvm_mmu_page *sp, tdp_ptep_t sptep, gfn_t gfn,
			union kvm_mmu_page_role role)
{
	sp->tdp_mmu_page = true;
	sp->ptep = sptep;
	sp->gfn = gfn;
	sp->role = role;
	INIT_LIST_HEAD(&sp->possible_nx_huge_page_link);
	set_page_private(virt_to_page(sp->spt), (unsigned long)sp);
	trace_kvm_mmu_get_page(sp, true);
}

static void tdp_init_child_sp(struct kvm_mmu_page *sp, const struct kpt_iter *parent)
{
	union kvm_mmu_page_role role = sptep_to_sp(rcu_dereference(parent->ptep))->role;

	role.level--;
	tdp_init_sp(sp, parent->ptep, gpa_to_gfn(parent->ia), role);
}

static void tdp_free_sp(struct kvm_mmu_page *sp)
{
	free_page((unsigned long)sp->external_spt);
	free_page((unsigned long)sp->spt);
	kmem_cache_free(tdp_mmu_page_header_cache, sp);
}

/* Concurrent faults may have added leaves after the table was unlinked. */
static void tdp_uncount_late_leaves(struct kvm_mmu_page *sp)
{
	int late = kpt_count_leaves(&kpt_x86, sp->spt) - sp->tdp_mmu_counted_leaves;

	if (late)
		kvm_update_page_stats(sp->tdp_mmu_counted_by, PG_LEVEL_4K, -late);
}

static void tdp_free_root_rcu(struct rcu_head *head)
{
	tdp_free_sp(container_of(head, struct kvm_mmu_page, tdp_mmu_root_rcu_head));
}

static void tdp_free_sp_rcu(struct rcu_head *head)
{
	struct kvm_mmu_page *sp = container_of(head, struct kvm_mmu_page, rcu_head);

	if (sp->tdp_mmu_counted_by)
		tdp_uncount_late_leaves(sp);

	/* Leak the external table: only its owner knows when it can be freed. */
	if (WARN_ON_ONCE(sp->external_spt))
		sp->external_spt = NULL;
	tdp_free_sp(sp);
}

static void tdp_account_table(struct kvm *kvm, struct kvm_mmu_page *sp, int nr)
{
	kvm_account_pgtable_pages(sp->spt, nr);
#ifdef CONFIG_KVM_PROVE_MMU
	atomic64_add(nr, &kvm->arch.tdp_mmu_pages);
#endif
}

/* Engine callbacks */

static __always_inline kpt_pte_t *tdp_table_va(const struct kpt_tree *tree, u64 pa)
{
	return __va(pa & SPTE_BASE_ADDR_MASK);
}

static __always_inline u64 tdp_make_table(struct kpt_tree *tree, kpt_pte_t *table)
{
	return make_nonleaf_spte(table, !kvm_ad_enabled);
}

static kpt_pte_t *tdp_take_spare(struct kpt_tree *tree, const struct kpt_iter *parent)
{
	struct tdp_iter *tdp = to_tdp(tree);
	struct kvm_mmu_page *sp = tdp->spare;

	if (!sp)
		return NULL;

	tdp->spare = NULL;
	tdp->huge_spte = is_shadow_present_pte(parent->pte) ? parent->pte : 0;
	tdp_init_child_sp(sp, parent);
	return sp->spt;
}

static void tdp_trace_split(const struct tdp_iter *tdp, int err)
{
	trace_kvm_mmu_split_huge_page(gpa_to_gfn(tdp->it.ia), tdp->huge_spte,
				      tdp_level(tdp->it.level), err);
}

/* Another task changed the entry first. */
static void tdp_keep_spare(struct kpt_tree *tree, kpt_pte_t *table)
{
	struct tdp_iter *tdp = to_tdp(tree);

	tdp->spare = sptep_to_sp(table);
	if (tdp->huge_spte)
		tdp_trace_split(tdp, -EBUSY);
}

static void tdp_linked(struct kpt_tree *tree, kpt_pte_t *table, int level, bool full)
{
	struct tdp_iter *tdp = to_tdp(tree);

	tdp_account_table(tdp->kvm, sptep_to_sp(table), 1);
	if (tdp->huge_spte)
		tdp_trace_split(tdp, 0);
}

/* Out of line, so that calls can be counted by probes. */
static noinline void tdp_recount_later(struct kvm_mmu_page *sp, struct kvm *kvm, int leaves)
{
	sp->tdp_mmu_counted_by = kvm;
	sp->tdp_mmu_counted_leaves = leaves;
}

/* If @leaves is not negative, the leaves were counted, but the entries not frozen. */
static void tdp_unlinked(struct kpt_tree *tree, kpt_pte_t *table, int level, int leaves)
{
	struct kvm_mmu_page *sp = sptep_to_sp(table);
	struct kvm *kvm = to_tdp(tree)->kvm;

	trace_kvm_mmu_prepare_zap_page(sp);
	tdp_account_table(kvm, sp, -1);

	/* Faults do not map anything in an invalid root. */
	if (leaves >= 0 && !tree->no_flush)
		tdp_recount_later(sp, kvm, leaves);

	if (sp->nx_huge_page_disallowed) {
		guard(spinlock)(&kvm->arch.tdp_mmu_pages_lock);
		untrack_possible_nx_huge_page(kvm, sp, KVM_TDP_MMU);
		sp->nx_huge_page_disallowed = false;
	}
}

static void tdp_reclaim(struct kpt_tree *tree, kpt_pte_t *table)
{
	call_rcu(&sptep_to_sp(table)->rcu_head, tdp_free_sp_rcu);
}

static void tdp_leaves(struct kpt_tree *tree, int level, long delta)
{
	kvm_update_page_stats(to_tdp(tree)->kvm, tdp_level(level), delta);
}

static noinline void tdp_trace_changed(struct tdp_iter *tdp, u64 ia, int level,
				       u64 old_spte, u64 new_spte)
{
	trace_kvm_tdp_mmu_spte_changed(kvm_mmu_page_as_id(tdp->root), gpa_to_gfn(ia),
				       tdp_level(level), old_spte, new_spte);
}

static void tdp_assert_locked(struct kvm *kvm, bool shared)
{
	if (shared)
		lockdep_assert_held_read(&kvm->mmu_lock);
	else
		lockdep_assert_held_write(&kvm->mmu_lock);
}

static noinline void tdp_prove_change(const struct tdp_iter *tdp, u64 *sptep, gfn_t gfn,
				      int level, u64 old_spte, u64 new_spte)
{
	struct kvm_mmu_page *sp = sptep_to_sp(sptep);
	bool was_present = is_shadow_present_pte(old_spte);
	bool is_present = is_shadow_present_pte(new_spte);
	bool was_leaf = was_present && is_last_spte(old_spte, level);
	bool is_leaf = is_present && is_last_spte(new_spte, level);

	if (!tdp->lockless)
		tdp_assert_locked(tdp->kvm, tdp->shared);

	KVM_MMU_WARN_ON(sp->role.level != level);
	KVM_MMU_WARN_ON(gfn != sp->gfn + spte_index(sptep) * KVM_PAGES_PER_HPAGE(level));

	/* Only the task that froze an SPTE may change it, or others would fault forever. */
	KVM_MMU_WARN_ON(is_frozen_spte(old_spte));
	KVM_MMU_WARN_ON(is_ept_ve_possible(new_spte));

	/* To move a page or replace a table, the entry must first become non-present. */
	KVM_MMU_WARN_ON(was_present && is_present && was_leaf == is_leaf &&
			spte_to_pfn(old_spte) != spte_to_pfn(new_spte));
	KVM_MMU_WARN_ON(!was_present && !is_present && !is_frozen_spte(new_spte) &&
			!is_mmio_spte(tdp->kvm, old_spte) && !is_mmio_spte(tdp->kvm, new_spte));

	if (is_leaf)
		check_spte_writable_invariants(new_spte);
}

static __always_inline void
tdp_changed(struct kpt_tree *tree, kpt_ptep_t ptep, u64 ia, int level, u64 old_spte, u64 new_spte)
{
	if (TDP_PROVES)
		tdp_prove_change(to_tdp(tree), rcu_dereference(ptep), gpa_to_gfn(ia),
				 tdp_level(level), old_spte, new_spte);

	/* SPTEs that are logged by write protection must not be logged by D-bit. */
	KVM_MMU_WARN_ON(is_shadow_present_pte(old_spte) && is_shadow_present_pte(new_spte) &&
			(old_spte ^ new_spte) == shadow_dirty_mask &&
			spte_ad_need_write_protect(old_spte));

	if (trace_kvm_tdp_mmu_spte_changed_enabled())
		tdp_trace_changed(to_tdp(tree), ia, level, old_spte, new_spte);
}

static void tdp_flush(struct kpt_tree *tree, const struct kpt_flush *flush)
{
	kvm_flush_remote_tlbs_range(to_tdp(tree)->kvm, gpa_to_gfn(flush->start),
				    gpa_to_gfn(flush->end - flush->start));
}

static __always_inline bool tdp_want_yield(struct kpt_tree *tree)
{
	return need_resched() || rwlock_needbreak(&to_tdp(tree)->kvm->mmu_lock);
}

static void tdp_yield(struct kpt_tree *tree, bool shared)
{
	if (shared)
		cond_resched_rwlock_read(&to_tdp(tree)->kvm->mmu_lock);
	else
		cond_resched_rwlock_write(&to_tdp(tree)->kvm->mmu_lock);
}

/* Like spte_needs_atomic_update(), but inlined into hot loops. */
static __always_inline bool tdp_is_volatile(u64 spte)
{
	bool is_volatile = !spte_ad_enabled(spte) ||
			   (is_writable_pte(spte) ? !(spte & shadow_dirty_mask) :
						    is_mmu_writable_spte(spte));

	KVM_MMU_WARN_ON(is_volatile != spte_needs_atomic_update(spte));
	return is_volatile;
}

static __always_inline u64 tdp_aged(u64 spte)
{
	return mark_spte_for_access_track(spte);
}

static __always_inline u64 tdp_first_small(struct kpt_tree *tree, u64 block, int level)
{
	union kvm_mmu_page_role role = to_tdp(tree)->root->role;

	role.level = tdp_level(level);
	block = make_small_spte(to_tdp(tree)->kvm, block, role, 0);
	check_spte_writable_invariants(block);
	return block;
}

static int tdp_external_set(struct kpt_tree *tree, u64 ia, int level, u64 old_spte, u64 new_spte)
{
	struct kvm *kvm = to_tdp(tree)->kvm;
	int r;

	if (kpt_is_table(&kpt_x86, old_spte, level)) {
		kvm_x86_call(free_external_spt)(kvm, spte_to_child_sp(old_spte));
		return 0;
	}

	r = kvm_x86_call(set_external_spte)(kvm, gpa_to_gfn(ia), old_spte, new_spte,
					    tdp_level(level));

	/* The mirror entry is already removed, so the external removal must not fail. */
	KVM_BUG_ON(r && !is_shadow_present_pte(new_spte), kvm);
	return r;
}

static const struct kpt_ops tdp_ops = {
	.table_va	= tdp_table_va,
	.make_table	= tdp_make_table,
	.alloc		= tdp_take_spare,
	.free		= tdp_keep_spare,
	.reclaim	= tdp_reclaim,
	.flush		= tdp_flush,
	.want_yield	= tdp_want_yield,
	.yield		= tdp_yield,
	.linked		= tdp_linked,
	.unlinked	= tdp_unlinked,
	.leaves		= tdp_leaves,
	.changed	= tdp_changed,
	.first_small	= tdp_first_small,
	.external_set	= tdp_external_set,
	.recounts	= true,
};

/* The common part of EPT and NPT, with KVM's own rules for volatile and aged SPTEs. */
static const struct kpt_format tdp_fmt = {
	KPT_X86_LAYOUT,
	.name		= "x86",
	.is_volatile	= tdp_is_volatile,
	.make_old	= tdp_aged,
};

DEFINE_KPT_PORT(tdp, tdp_fmt, tdp_ops);

static_assert(KPT_X86_MMU_PRESENT == SPTE_MMU_PRESENT_MASK);
static_assert(KPT_X86_WRITE == PT_WRITABLE_MASK);
static_assert(KPT_X86_PAGE_SIZE == PT_PAGE_SIZE_MASK);
static_assert(KPT_X86_ADDR == __PT_BASE_ADDR_MASK);
static_assert(KPT_X86_EMPTY == SHADOW_NONPRESENT_VALUE);
static_assert(KPT_X86_FROZEN == FROZEN_SPTE);

static const struct kpt_format *tdp_format(void)
{
	return shadow_nx_mask ? &kpt_npt : &kpt_ept;
}

/*
 * The compile-time format is the common part of EPT and NPT, and spte.c encodes the
 * rest at run time.  Verify that spte.c matches the tested format of this CPU.
 */
int kvm_tdp_mmu_check_format(void)
{
	const struct kpt_format *fmt = tdp_format();
	u64 exec = shadow_nx_mask | shadow_xs_mask | shadow_xu_mask;

	if (!tdp_mmu_enabled ||
	    (fmt->accessed == shadow_accessed_mask && fmt->dirty == shadow_dirty_mask &&
	     fmt->fast_write == shadow_mmu_writable_mask &&
	     fmt->soft & shadow_host_writable_mask &&
	     fmt->perm_mask == (PT_PRESENT_MASK | PT_WRITABLE_MASK | exec)))
		return 0;

	pr_err("SPTE masks do not match the %s page-table format\n", fmt->name);
	return -EIO;
}

/* Operations on a root */

static void tdp_init(struct tdp_iter *tdp, struct kvm *kvm, struct kvm_mmu_page *root)
{
	/* Do not clear the whole struct, that would cost a fault more than its walk. */
	tdp->tree.root = (kpt_ptep_t)root->spt;
	tdp->tree.ia_base = gfn_to_gpa(kvm_gfn_root_bits(kvm, root));
	tdp->tree.ia_bits = PAGE_SHIFT + root->role.level * SPTE_LEVEL_BITS;
	tdp->tree.top = kpt_level(root->role.level);
	tdp->tree.external = is_mirror_sp(root);
	tdp->tree.no_flush = root->role.invalid;
	tdp->tree.no_rcu = false;
	tdp->tree.no_break = false;
	tdp->tree.no_map_flush = false;
	tdp->tree.leaf_events = trace_kvm_tdp_mmu_spte_changed_enabled();
	tdp->it.tree = &tdp->tree;
	tdp->kvm = kvm;
	tdp->root = root;
	tdp->slot = NULL;
	tdp->spare = NULL;
	if (TDP_PROVES) {
		tdp->shared = true;
		tdp->lockless = false;
	}
}

/* Return false if the range is beyond what this root can map. */
static bool tdp_begin(struct tdp_iter *tdp, struct kvm *kvm, struct kvm_mmu_page *root,
		      gfn_t start, gfn_t end, bool shared)
{
	gfn_t max;

	tdp_init(tdp, kvm, root);
	if (TDP_PROVES)
		tdp->shared = shared;
	max = min(kvm_mmu_max_gfn() + 1, gpa_to_gfn(kpt_tree_end(&tdp->tree)));
	return !kpt_begin(&tdp_port, &tdp->it, &tdp->tree, gfn_to_gpa(min(start, max)),
			  gfn_to_gpa(min(end, max)), shared);
}

static bool tdp_begin_slot(struct tdp_iter *tdp, struct kvm *kvm, struct kvm_mmu_page *root,
			   const struct kvm_memory_slot *slot)
{
	return tdp_begin(tdp, kvm, root, slot->base_gfn, slot->base_gfn + slot->npages, true);
}

/* Out of line, for operations on a range. */
static noinline void tdp_end(struct tdp_iter *tdp)
{
	kpt_end(&tdp_port, &tdp->it);
}

/* Return true if a flush is pending. */
static noinline bool tdp_end_noflush(struct tdp_iter *tdp)
{
	return kpt_end_noflush(&tdp_port, &tdp->it).scope;
}

static void tdp_lock(struct kvm *kvm, bool shared)
{
	if (shared)
		read_lock(&kvm->mmu_lock);
	else
		write_lock(&kvm->mmu_lock);
}

static void tdp_unlock(struct kvm *kvm, bool shared)
{
	if (shared)
		read_unlock(&kvm->mmu_lock);
	else
		write_unlock(&kvm->mmu_lock);
}

/* Roots */

void kvm_mmu_init_tdp_mmu(struct kvm *kvm)
{
	INIT_LIST_HEAD(&kvm->arch.tdp_mmu_roots);
	spin_lock_init(&kvm->arch.tdp_mmu_pages_lock);
}

void kvm_mmu_uninit_tdp_mmu(struct kvm *kvm)
{
	kvm_tdp_mmu_invalidate_roots(kvm, KVM_VALID_ROOTS);
	kvm_tdp_mmu_zap_invalidated_roots(kvm, false);

	WARN_ON(!list_empty(&kvm->arch.tdp_mmu_roots));
#ifdef CONFIG_KVM_PROVE_MMU
	KVM_MMU_WARN_ON(atomic64_read(&kvm->arch.tdp_mmu_pages));
#endif

	/* RCU callbacks that free tables use this module's slab cache and the VM's stats. */
	rcu_barrier();
}

void kvm_tdp_mmu_put_root(struct kvm *kvm, struct kvm_mmu_page *root)
{
	if (!refcount_dec_and_test(&root->tdp_mmu_root_count))
		return;

	/* tdp_mmu_roots holds a reference to each valid root. */
	KVM_BUG_ON(!is_tdp_mmu_page(root) || !root->role.invalid, kvm);

	spin_lock(&kvm->arch.tdp_mmu_pages_lock);
	list_del_rcu(&root->link);
	spin_unlock(&kvm->arch.tdp_mmu_pages_lock);
	call_rcu(&root->tdp_mmu_root_rcu_head, tdp_free_root_rcu);
}

static bool tdp_root_match(struct kvm_mmu_page *root, int as_id, enum kvm_tdp_mmu_root_types types)
{
	if (WARN_ON_ONCE(!(types & KVM_VALID_ROOTS)))
		return false;
	if (root->role.invalid && !(types & KVM_INVALID_ROOTS))
		return false;
	if (as_id >= 0 && kvm_mmu_page_as_id(root) != as_id)
		return false;
	return types & (is_mirror_sp(root) ? KVM_MIRROR_ROOTS : KVM_DIRECT_ROOTS);
}

/*
 * Return the next matching root after @root, or the first one, with a reference,
 * and drop the reference to @root, so that the lock may be dropped between roots.
 * A caller that leaves the loop early must put the current root.
 */
static struct kvm_mmu_page *tdp_next_root(struct kvm *kvm, struct kvm_mmu_page *root, int as_id,
					  enum kvm_tdp_mmu_root_types types)
{
	struct list_head *roots = &kvm->arch.tdp_mmu_roots;
	struct kvm_mmu_page *prev = root;

	/* Matching reads role.invalid, which the lock protects. */
	lockdep_assert_held(&kvm->mmu_lock);

	scoped_guard(rcu) {
		do {
			root = list_next_or_null_rcu(roots, root ? &root->link : roots,
						     struct kvm_mmu_page, link);
		} while (root && !(tdp_root_match(root, as_id, types) &&
				   kvm_tdp_mmu_get_root(root)));
	}

	if (prev)
		kvm_tdp_mmu_put_root(kvm, prev);
	return root;
}

/* Return a valid root with this role and a reference, or NULL. */
static struct kvm_mmu_page *tdp_find_root(struct kvm *kvm, union kvm_mmu_page_role role)
{
	struct kvm_mmu_page *root;

	list_for_each_entry_rcu(root, &kvm->arch.tdp_mmu_roots, link) {
		/* The list holds a reference until after the root is invalidated. */
		if (root->role.word == role.word && !WARN_ON_ONCE(!kvm_tdp_mmu_get_root(root)))
			return root;
	}
	return NULL;
}

/* Two vCPUs may race, so search again under the lock. */
static struct kvm_mmu_page *tdp_add_root(struct kvm_vcpu *vcpu, union kvm_mmu_page_role role)
{
	struct kvm *kvm = vcpu->kvm;
	struct kvm_mmu_page *root;

	guard(spinlock)(&kvm->arch.tdp_mmu_pages_lock);

	root = tdp_find_root(kvm, role);
	if (root)
		return root;

	root = tdp_alloc_sp(vcpu);
	tdp_init_sp(root, NULL, 0, role);

	/* One for the vCPU, and one for the list until the root is invalidated and zapped. */
	refcount_set(&root->tdp_mmu_root_count, 2);
	list_add_rcu(&root->link, &kvm->arch.tdp_mmu_roots);
	return root;
}

void kvm_tdp_mmu_alloc_root(struct kvm_vcpu *vcpu, bool mirror)
{
	struct kvm_mmu *mmu = vcpu->arch.mmu;
	union kvm_mmu_page_role role = mmu->root_role;
	struct kvm_mmu_page *root;

	if (mirror)
		role.is_mirror = true;

	read_lock(&vcpu->kvm->mmu_lock);
	scoped_guard(rcu)
		root = tdp_find_root(vcpu->kvm, role) ?: tdp_add_root(vcpu, role);
	read_unlock(&vcpu->kvm->mmu_lock);

	/* If the root is invalidated now, the vCPU gets a request before it enters the guest. */
	if (mirror) {
		mmu->mirror_root_hpa = __pa(root->spt);
		return;
	}
	mmu->root = (struct kvm_mmu_root_info) { .hpa = __pa(root->spt) };
}

/*
 * No flush is needed: the root is invalid, so no vCPU can load it any more, and
 * vCPUs flush when they load a new root; or the VM is being destroyed.
 */
static void tdp_zap_root(struct kvm *kvm, struct kvm_mmu_page *root, bool shared)
{
	struct tdp_iter tdp __uninitialized;
	int level;

	tdp_assert_locked(kvm, shared);

	/* MMU notifiers must be able to find the root as long as it has mappings. */
	WARN_ON_ONCE(!refcount_read(&root->tdp_mmu_root_count));

	/*
	 * Zap in passes of increasing level, because freeing 1G of 4K entries in one
	 * step would hold the lock for too long.  CONFIG_KVM_PROVE_MMU does just that,
	 * to stress it.  Start with 2M if 4K entries are only counted, as that is
	 * fast.  A mirror needs one pass only: its entries are removed one by one, and
	 * tables after their entries.
	 */
	if (is_mirror_sp(root))
		level = root->role.level;
	else if (IS_ENABLED(CONFIG_KVM_PROVE_MMU))
		level = PG_LEVEL_1G;
	else if (trace_kvm_tdp_mmu_spte_changed_enabled())
		level = PG_LEVEL_4K;
	else
		level = PG_LEVEL_2M;
	for (; level <= root->role.level; level++) {
		if (!tdp_begin(&tdp, kvm, root, 0, -1ull, shared))
			return;
		tdp.tree.no_flush = true;
		KVM_BUG_ON(kpt_zap(&tdp_port, &tdp.it, kpt_level(level)), kvm);
		tdp_end(&tdp);
	}
}

void kvm_tdp_mmu_zap_all(struct kvm *kvm)
{
	struct kvm_mmu_page *root = NULL;

	/* A mirror does not map memory of the mm that is going away. */
	lockdep_assert_held_write(&kvm->mmu_lock);
	while ((root = tdp_next_root(kvm, root, -1, KVM_DIRECT_ROOTS | KVM_INVALID_ROOTS)))
		tdp_zap_root(kvm, root, false);
}

void kvm_tdp_mmu_zap_invalidated_roots(struct kvm *kvm, bool shared)
{
	struct kvm_mmu_page *root = NULL;

	tdp_lock(kvm, shared);
	while ((root = tdp_next_root(kvm, root, -1, KVM_ALL_ROOTS))) {
		if (!root->tdp_mmu_scheduled_root_to_zap)
			continue;

		root->tdp_mmu_scheduled_root_to_zap = false;
		KVM_BUG_ON(!root->role.invalid, kvm);
		tdp_zap_root(kvm, root, shared);

		/* Drop the list's reference, which kvm_tdp_mmu_invalidate_roots() kept. */
		kvm_tdp_mmu_put_root(kvm, root);
	}
	tdp_unlock(kvm, shared);
}

void kvm_tdp_mmu_invalidate_roots(struct kvm *kvm, enum kvm_tdp_mmu_root_types root_types)
{
	struct kvm_mmu_page *root;

	if (WARN_ON_ONCE(root_types & KVM_INVALID_ROOTS))
		root_types &= ~KVM_INVALID_ROOTS;

	/* The lock is not needed if the VM is being destroyed or never had a vCPU. */
	if (IS_ENABLED(CONFIG_PROVE_LOCKING) &&
	    refcount_read(&kvm->users_count) && kvm->created_vcpus)
		lockdep_assert_held_write(&kvm->mmu_lock);

	list_for_each_entry(root, &kvm->arch.tdp_mmu_roots, link) {
		if (!tdp_root_match(root, -1, root_types))
			continue;
		root->tdp_mmu_scheduled_root_to_zap = true;
		root->role.invalid = true;
	}
}

/* Faults */

/*
 * Link a table for the fault; if there is a huge page, the table maps the same
 * memory.  This fails only if another task changed the entry first, in which case
 * the guest retries the access.
 */
static int tdp_link_sp(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault,
		       struct tdp_iter *tdp)
{
	struct kvm_mmu_page *sp = tdp_alloc_sp(vcpu);
	struct kpt_iter *it = &tdp->it;
	struct kvm *kvm = vcpu->kvm;
	int r;

	sp->nx_huge_page_disallowed = fault->huge_page_disallowed;
	if (is_mirror_sp(tdp->root)) {
		/* TDX does not map huge pages. */
		KVM_BUG_ON(is_shadow_present_pte(it->pte), kvm);
		kvm_mmu_alloc_external_spt(vcpu, sp);
	}

	tdp->spare = sp;
	r = tdp_port.split_entry(it, true);
	if (r) {
		tdp_free_sp(sp);
		return r;
	}

	if (fault->huge_page_disallowed && fault->req_level >= tdp_level(it->level)) {
		spin_lock(&kvm->arch.tdp_mmu_pages_lock);
		if (sp->nx_huge_page_disallowed)
			track_possible_nx_huge_page(kvm, sp, KVM_TDP_MMU);
		spin_unlock(&kvm->arch.tdp_mmu_pages_lock);
	}
	return 0;
}

static enum kpt_class tdp_fault_change(u64 old_spte, u64 new_spte, int level)
{
	if (!is_shadow_present_pte(old_spte))
		return is_shadow_present_pte(new_spte) ? KPT_MAP : KPT_ANNOTATE;
	if (!is_last_spte(old_spte, level))
		return KPT_COLLAPSE;
	if (!is_shadow_present_pte(new_spte))
		return KPT_UNMAP;
	return leaf_spte_change_needs_tlb_flush(old_spte, new_spte) ? KPT_PROTECT : KPT_RELAX;
}

/* Only the engine may freeze entries. */
static __always_inline int tdp_commit(struct kpt_iter *it, u64 new_spte, enum kpt_class change)
{
	KVM_MMU_WARN_ON(is_frozen_spte(new_spte));
	return kpt_commit(&tdp_port, it, new_spte, change);
}

/* Replace a present entry, or install a value that is not present. */
static noinline int tdp_reinstall(struct kvm *kvm, struct kpt_iter *it, u64 new_spte)
{
	enum kpt_class change = tdp_fault_change(it->pte, new_spte, tdp_level(it->level));

	/* If a page is migrated, an MMU notifier unmaps it first. */
	if (KVM_BUG_ON((change == KPT_PROTECT || change == KPT_RELAX) &&
		       spte_to_pfn(it->pte) != spte_to_pfn(new_spte), kvm))
		return -EIO;

	/* Faults only add permissions. */
	WARN_ON_ONCE(change == KPT_PROTECT || change == KPT_UNMAP);

	/* Only MMIO caching replaces a non-present value by another one. */
	if (change == KPT_ANNOTATE)
		WARN_ONCE(!is_mmio_spte(kvm, it->pte) && !is_mmio_spte(kvm, new_spte),
			  "non-present SPTE %llx would replace non-present %llx", new_spte,
			  it->pte);
	else if (is_shadow_present_pte(new_spte))
		check_spte_writable_invariants(new_spte);

	KVM_MMU_WARN_ON(is_frozen_spte(new_spte));
	return tdp_port.commit(it, new_spte, change, false);
}

static int tdp_install(struct kvm *kvm, struct kpt_iter *it, u64 new_spte)
{
	if (is_shadow_present_pte(it->pte) || !is_shadow_present_pte(new_spte))
		return tdp_reinstall(kvm, it, new_spte);

	check_spte_writable_invariants(new_spte);
	return tdp_commit(it, new_spte, KPT_MAP);
}

/* Install the leaf or the MMIO value for the fault. */
static int tdp_map_goal(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault,
			struct kpt_iter *it)
{
	u64 *sptep = rcu_dereference(it->ptep);
	struct kvm_mmu_page *sp = sptep_to_sp(sptep);
	gfn_t gfn = gpa_to_gfn(it->ia);
	int ret = RET_PF_FIXED;
	bool wrprot = false;
	u64 new_spte;

	if (WARN_ON_ONCE(sp->role.level != fault->goal_level))
		return RET_PF_RETRY;

	if (is_shadow_present_pte(it->pte) && is_last_spte(it->pte, fault->goal_level) &&
	    (fault->prefetch || !spte_permission_fault(vcpu->arch.mmu, it->pte, fault))) {
		WARN_ON_ONCE(fault->pfn != spte_to_pfn(it->pte));
		return RET_PF_SPURIOUS;
	}

	if (unlikely(!fault->slot))
		new_spte = make_mmio_spte(vcpu, gfn, sp->role.access);
	else
		wrprot = make_spte(vcpu, sp, fault->slot, sp->role.access, gfn, fault->pfn,
				   it->pte, fault->prefetch, false, fault->map_writable, &new_spte);

	if (new_spte == it->pte)
		ret = RET_PF_SPURIOUS;
	else if (tdp_install(vcpu->kvm, it, new_spte))
		return RET_PF_RETRY;

	/* Emulate the write, it would only fault again. */
	if (wrprot && fault->write)
		ret = RET_PF_WRITE_PROTECTED;

	if (unlikely(is_mmio_spte(vcpu->kvm, new_spte))) {
		vcpu->stat.pf_mmio_spte_created++;
		trace_mark_mmio_spte(sptep, gfn, new_spte);
		return RET_PF_EMULATE;
	}

	trace_kvm_mmu_set_spte(fault->goal_level, gfn, sptep);
	return ret;
}

int kvm_tdp_mmu_map(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	struct kvm_mmu_page *root = tdp_mmu_get_root_for_fault(vcpu, fault);
	gpa_t gpa = gfn_to_gpa(fault->gfn);
	int ret = RET_PF_RETRY;
	struct tdp_iter tdp __uninitialized;
	struct kpt_iter *it = &tdp.it;

	KVM_MMU_WARN_ON(!root || root->role.invalid);

	kvm_mmu_hugepage_adjust(vcpu, fault);
	trace_kvm_mmu_spte_requested(fault, root->role.access);

	/* A guest with fewer levels has a root that ends before the highest valid GFN. */
	tdp_init(&tdp, vcpu->kvm, root);
	if (kpt_begin(&tdp_port, it, &tdp.tree, gpa, gpa + PAGE_SIZE, true))
		return RET_PF_EMULATE;

	kpt_enter_root(&tdp_port, it, gpa);
	for (;;) {
		if (fault->nx_huge_page_workaround_enabled)
			disallowed_hugepage_adjust(fault, it->pte, tdp_level(it->level));

		/* The entry is being removed, so do not allocate a table in vain. */
		if (is_frozen_spte(it->pte))
			break;

		if (tdp_level(it->level) == fault->goal_level) {
			ret = tdp_map_goal(vcpu, fault, it);
			break;
		}

		if (!kpt_is_table(&kpt_x86, it->pte, it->level) &&
		    tdp_link_sp(vcpu, fault, &tdp))
			break;

		kpt_enter_table(&tdp_port, it, gpa);
	}
	kpt_end(&tdp_port, it);
	return ret;
}

/* Zapping leaves */

/*
 * If @flush is set, the caller has a pending flush for an unknown range, which is
 * done here before the lock is dropped.  Return true if a flush is pending.
 */
static bool tdp_zap_leafs(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t start, gfn_t end,
			  bool may_yield, bool flush)
{
	struct tdp_iter tdp __uninitialized;

	lockdep_assert_held_write(&kvm->mmu_lock);

	if (!tdp_begin(&tdp, kvm, root, start, end, false))
		return flush;

	if (flush)
		kpt_need_flush_all(&tdp.it);
	KVM_BUG_ON(kpt_unmap(&tdp_port, &tdp.it, may_yield ? KPT_YIELDS : 0), kvm);
	return kpt_end_noflush(&tdp_port, &tdp.it).scope;
}

bool kvm_tdp_mmu_zap_leafs(struct kvm *kvm, gfn_t start, gfn_t end, bool flush)
{
	struct kvm_mmu_page *root = NULL;

	lockdep_assert_held_write(&kvm->mmu_lock);
	while ((root = tdp_next_root(kvm, root, -1, KVM_VALID_ROOTS)))
		flush = tdp_zap_leafs(kvm, root, start, end, true, flush);

	return flush;
}

bool kvm_tdp_mmu_unmap_gfn_range(struct kvm *kvm, struct kvm_gfn_range *range, bool flush)
{
	enum kvm_tdp_mmu_root_types types =
		kvm_gfn_range_filter_to_root_types(kvm, range->attr_filter) | KVM_INVALID_ROOTS;
	struct kvm_mmu_page *root = NULL;

	while ((root = tdp_next_root(kvm, root, range->slot->as_id, types)))
		flush = tdp_zap_leafs(kvm, root, range->start, range->end, range->may_block, flush);

	return flush;
}

static bool tdp_refers_to(const struct kpt_iter *it, struct kvm_mmu_page *sp)
{
	return kpt_is_table(&kpt_x86, it->pte, it->level) && spte_to_child_sp(it->pte) == sp;
}

/*
 * The caller must flush for all pages that it zapped, if any returned true, before
 * it leaves the RCU read-side section.
 */
bool kvm_tdp_mmu_zap_possible_nx_huge_page(struct kvm *kvm, struct kvm_mmu_page *sp)
{
	struct kpt_flush flush;
	struct tdp_iter tdp __uninitialized;
	struct kpt_iter *it = &tdp.it;
	bool zapped = false;

	lockdep_assert_held_read(&kvm->mmu_lock);

	/* Roots have no parent entry, and are never on the list. */
	if (WARN_ON_ONCE(!is_tdp_mmu_page(sp) || !sp->ptep))
		return false;

	/* The page serves as the root, so addresses of this tree start at 0. */
	if (!tdp_begin(&tdp, kvm, sp, 0, 1, true))
		return false;

	it->ia = gfn_to_gpa(sp->gfn);
	it->ptep = sp->ptep;
	it->pte = kpt_read(sp->ptep);
	it->level = kpt_level(sp->role.level + 1);

	/*
	 * The entry may have become a huge page or another table.  If it still points
	 * to this table, it can only be removed or replaced concurrently.
	 */
	if (tdp_refers_to(it, sp)) {
		zapped = !tdp_port.commit(it, SHADOW_NONPRESENT_VALUE, KPT_DETACH, false);
		WARN_ON_ONCE(!zapped && tdp_refers_to(it, sp));
	}

	flush = kpt_gather_take_flush(&it->gather);
	tdp_end(&tdp);
	return zapped && flush.scope;
}

/* Ageing */

static bool tdp_age(struct kvm *kvm, struct kvm_gfn_range *range, bool test_only)
{
	enum kvm_tdp_mmu_root_types types =
		kvm_gfn_range_filter_to_root_types(kvm, range->attr_filter);
	struct kvm_mmu_page *root;
	struct tdp_iter tdp __uninitialized;
	bool young = false;

	WARN_ON_ONCE(types & ~KVM_VALID_ROOTS);

	guard(rcu)();
	list_for_each_entry_rcu(root, &kvm->arch.tdp_mmu_roots, link) {
		if (!tdp_root_match(root, range->slot->as_id, types))
			continue;

		/* KVM cannot clear accessed bits in external tables. */
		if (WARN_ON_ONCE(is_mirror_sp(root) && !test_only))
			continue;

		if (!tdp_begin(&tdp, kvm, root, range->start, range->end, true))
			continue;
		if (TDP_PROVES)
			tdp.lockless = true;
		young |= kpt_age(&tdp_port, &tdp.it, shadow_accessed_mask, test_only);
		kpt_end(&tdp_port, &tdp.it);
		if (young && test_only)
			break;
	}
	return young;
}

bool kvm_tdp_mmu_age_gfn_range(struct kvm *kvm, struct kvm_gfn_range *range)
{
	return tdp_age(kvm, range, false);
}

bool kvm_tdp_mmu_test_age_gfn(struct kvm *kvm, struct kvm_gfn_range *range)
{
	return tdp_age(kvm, range, true);
}

/*
 * Dirty logging, which mirror roots do not support.  KVM flushes whenever it enables
 * logging and whenever it passes dirty pages to user space, whether or not an entry
 * was changed.
 */

bool kvm_tdp_mmu_wrprot_slot(struct kvm *kvm, const struct kvm_memory_slot *slot, int min_level)
{
	struct kvm_mmu_page *root = NULL;
	struct tdp_iter tdp __uninitialized;
	bool flush = false;

	lockdep_assert_held_read(&kvm->mmu_lock);

	if (KVM_BUG_ON(min_level > KVM_MAX_HUGEPAGE_LEVEL, kvm))
		return false;

	while ((root = tdp_next_root(kvm, root, slot->as_id, KVM_DIRECT_ROOTS))) {
		if (!tdp_begin_slot(&tdp, kvm, root, slot))
			continue;
		KVM_BUG_ON(kpt_wrprot(&tdp_port, &tdp.it, kpt_level(min_level), KPT_YIELDS), kvm);
		flush |= tdp_end_noflush(&tdp);
	}
	return flush;
}

static u64 tdp_dirty_bit(struct kvm *kvm, struct kvm_mmu_page *root)
{
	if (!kvm_ad_enabled || kvm_mmu_page_ad_need_write_protect(kvm, root))
		return PT_WRITABLE_MASK;

	return shadow_dirty_mask;
}

void kvm_tdp_mmu_clear_dirty_slot(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	struct kvm_mmu_page *root = NULL;
	struct tdp_iter tdp __uninitialized;

	lockdep_assert_held_read(&kvm->mmu_lock);

	while ((root = tdp_next_root(kvm, root, slot->as_id, KVM_DIRECT_ROOTS))) {
		if (!tdp_begin_slot(&tdp, kvm, root, slot))
			continue;
		KVM_BUG_ON(kpt_clear_dirty(&tdp_port, &tdp.it, tdp_dirty_bit(kvm, root),
					   KPT_YIELDS), kvm);
		tdp_end_noflush(&tdp);
	}
}

/* The root may end before the last page of @mask. */
static u64 tdp_reachable(const struct kpt_iter *it, u64 mask)
{
	return mask & GENMASK_ULL(gpa_to_gfn(it->end - it->start) - 1, 0);
}

void kvm_tdp_mmu_clear_dirty_pt_masked(struct kvm *kvm, struct kvm_memory_slot *slot,
				       gfn_t gfn, unsigned long mask, bool wrprot)
{
	struct kvm_mmu_page *root;
	struct tdp_iter tdp __uninitialized;
	u64 bit, pages;

	lockdep_assert_held_write(&kvm->mmu_lock);

	list_for_each_entry(root, &kvm->arch.tdp_mmu_roots, link) {
		if (!tdp_root_match(root, slot->as_id, KVM_DIRECT_ROOTS) || !mask ||
		    !tdp_begin(&tdp, kvm, root, gfn, gfn + __fls(mask) + 1, false))
			continue;
		bit = wrprot ? PT_WRITABLE_MASK : tdp_dirty_bit(kvm, root);
		pages = tdp_reachable(&tdp.it, mask);
		KVM_BUG_ON(kpt_clear_dirty_mask(&tdp_port, &tdp.it, &pages, bit), kvm);
		tdp_end_noflush(&tdp);
	}
}

/* For shadow paging, which must intercept writes to the guest's page tables. */
bool kvm_tdp_mmu_write_protect_gfn(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t gfn,
				   int min_level)
{
	struct kvm_mmu_page *root;
	struct tdp_iter tdp __uninitialized;
	bool flush = false;

	lockdep_assert_held_write(&kvm->mmu_lock);

	if (KVM_BUG_ON(min_level > KVM_MAX_HUGEPAGE_LEVEL, kvm))
		return false;

	list_for_each_entry(root, &kvm->arch.tdp_mmu_roots, link) {
		if (!tdp_root_match(root, slot->as_id, KVM_DIRECT_ROOTS) ||
		    !tdp_begin(&tdp, kvm, root, gfn, gfn + 1, false))
			continue;
		KVM_BUG_ON(kpt_protect(&tdp_port, &tdp.it, kpt_level(min_level),
				       PT_WRITABLE_MASK | shadow_mmu_writable_mask, 0), kvm);
		flush |= tdp_end_noflush(&tdp);
	}
	return flush;
}

/* Huge pages */

static int tdp_split_root(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t start, gfn_t end,
			  int target_level, bool shared)
{
	struct kvm_mmu_page *spare = NULL;
	struct tdp_iter tdp __uninitialized;
	int r;

	while (tdp_begin(&tdp, kvm, root, start, end, shared)) {
		tdp.spare = spare;
		r = kpt_split(&tdp_port, &tdp.it, kpt_level(target_level));
		start = gpa_to_gfn(kpt_done(&tdp.it));
		tdp_end(&tdp);
		spare = tdp.spare;
		if (r != -ENOMEM)
			break;

		/* Allocate only one table each time the lock is dropped. */
		tdp_unlock(kvm, shared);
		spare = tdp_alloc_sp_for_split();
		tdp_lock(kvm, shared);
		if (!spare) {
			tdp.huge_spte = tdp.it.pte;
			tdp_trace_split(&tdp, r);
			return r;
		}
	}

	/* A concurrent fault may have split the last huge page. */
	if (spare)
		tdp_free_sp(spare);
	return 0;
}

void kvm_tdp_mmu_try_split_huge_pages(struct kvm *kvm, const struct kvm_memory_slot *slot,
				      gfn_t start, gfn_t end, int target_level, bool shared)
{
	struct kvm_mmu_page *root = NULL;

	tdp_assert_locked(kvm, shared);
	while ((root = tdp_next_root(kvm, root, slot->as_id, KVM_VALID_ROOTS))) {
		if (tdp_split_root(kvm, root, start, end, target_level, shared)) {
			kvm_tdp_mmu_put_root(kvm, root);
			break;
		}
	}
}

static u64 tdp_huge_spte(struct tdp_iter *tdp, const struct kpt_iter *table)
{
	int level;
	u64 spte = kpt_first_leaf(&tdp_port, &tdp->tree, table->pte, table->level, &level);

	if (spte == SHADOW_NONPRESENT_VALUE)
		return 0;

	spte = make_huge_spte(tdp->kvm, spte, tdp_level(table->level));
	check_spte_writable_invariants(spte);
	return spte;
}

/* Return the huge SPTE that the slot and the host's mapping allow, or 0. */
static u64 tdp_recoverable(struct kpt_iter *it)
{
	struct tdp_iter *tdp = to_tdp(it->tree);
	int level = tdp_level(it->level);

	if (level > KVM_MAX_HUGEPAGE_LEVEL ||
	    kvm_mmu_max_mapping_level(tdp->kvm, NULL, tdp->slot, gpa_to_gfn(it->ia)) < level)
		return 0;

	return tdp_huge_spte(tdp, it);
}

void kvm_tdp_mmu_recover_huge_pages(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	struct kvm_mmu_page *root = NULL;
	/* tdp_begin() initializes it, and clearing it is too slow for most slots. */
	struct tdp_iter tdp __uninitialized;

	lockdep_assert_held_read(&kvm->mmu_lock);

	if (WARN_ON_ONCE(kvm_slot_dirty_track_enabled(slot)))
		return;

	/* A mirror has no huge pages. */
	while ((root = tdp_next_root(kvm, root, slot->as_id, KVM_DIRECT_ROOTS))) {
		if (!tdp_begin_slot(&tdp, kvm, root, slot))
			continue;
		tdp.slot = slot;
		KVM_BUG_ON(kpt_collapse(&tdp_port, &tdp.it, 1, tdp_recoverable), kvm);
		tdp_end(&tdp);
	}
}

/* Lookups, between kvm_tdp_mmu_walk_lockless_{begin,end}() */

int kvm_tdp_mmu_get_walk(struct kvm_vcpu *vcpu, u64 addr, u64 *sptes, int *root_level)
{
	struct kvm_mmu_page *root = root_to_sp(vcpu->arch.mmu->root.hpa);
	struct tdp_iter tdp __uninitialized;

	*root_level = vcpu->arch.mmu->root_role.level;
	/* A dummy root has no tables. */
	if (WARN_ON_ONCE(!root))
		return -1;

	tdp_init(&tdp, vcpu->kvm, root);
	addr &= ~tdp.tree.ia_base;
	if (addr >= kpt_tree_end(&tdp.tree))
		return -1;

	return tdp_level(kpt_lookup(&tdp_port, &tdp.tree, addr, sptes + PG_LEVEL_4K));
}

/*
 * The caller updates the SPTE atomically, and only adds permissions to a leaf
 * whose software bits allow that; doing so in an unlinked table is harmless.
 */
u64 *kvm_tdp_mmu_fast_pf_get_last_sptep(struct kvm_vcpu *vcpu, gfn_t gfn, u64 *spte)
{
	/* Hardware does not use mirror SPTEs, so there is nothing to fix. */
	struct kvm_mmu_page *root = tdp_mmu_get_root(vcpu, KVM_DIRECT_ROOTS);
	struct tdp_iter tdp __uninitialized;

	if (WARN_ON_ONCE(!root))
		return NULL;

	/* Beyond the end of the root nothing is mapped, so there is nothing to fix. */
	tdp_init(&tdp, vcpu->kvm, root);
	if (gfn_to_gpa(gfn) >= kpt_tree_end(&tdp.tree)) {
		*spte = SHADOW_NONPRESENT_VALUE;
		return root->spt;
	}

	tdp_port.find(&tdp.it, gfn_to_gpa(gfn), 0);
	*spte = tdp.it.pte;
	return rcu_dereference(tdp.it.ptep);
}

/* debugfs: dump the page tables of a running VM */

/*
 * Each read of the file continues at the position of the previous one, with the
 * current tables.  A position is the number of a root and either 0, for the header
 * of the root, or a GFN plus 1.
 */
#define TDP_DUMP_ROOT	BIT_ULL(48)

struct tdp_dump {
	struct kpt_range range;
	union kvm_mmu_page_role role;
};

static bool tdp_dump_range(struct kvm *kvm, struct tdp_dump *d, struct kvm_mmu_page *root,
			   gfn_t start)
{
	struct tdp_iter tdp __uninitialized;
	bool found;

	if (!tdp_begin(&tdp, kvm, root, start, -1ull, true))
		return false;

	found = kpt_dump_next(&tdp_port, &tdp.it, tdp_format(), &d->range);
	tdp_end(&tdp);
	return found;
}

/* Find the first record at or after @pos; it is printed without the lock. */
static void *tdp_dump_find(struct kvm *kvm, struct tdp_dump *d, loff_t *pos)
{
	struct kvm_mmu_page *root = NULL;
	u64 nr = 0, offset = 0;

	guard(read_lock)(&kvm->mmu_lock);
	while ((root = tdp_next_root(kvm, root, -1, KVM_VALID_ROOTS))) {
		if (nr++ < *pos / TDP_DUMP_ROOT)
			continue;

		offset = *pos % TDP_DUMP_ROOT;
		d->role = root->role;
		if (!offset || tdp_dump_range(kvm, d, root, offset - 1)) {
			kvm_tdp_mmu_put_root(kvm, root);
			return d;
		}
		*pos = nr * TDP_DUMP_ROOT;
	}
	kfree(d);
	return NULL;
}

static void *tdp_dump_start(struct seq_file *m, loff_t *pos)
{
	struct tdp_dump *d = kmalloc_obj(*d);

	return d ? tdp_dump_find(m->private, d, pos) : ERR_PTR(-ENOMEM);
}

static void *tdp_dump_next(struct seq_file *m, void *record, loff_t *pos)
{
	struct tdp_dump *d = record;
	u64 root = ALIGN_DOWN((u64)*pos, TDP_DUMP_ROOT);

	*pos = root + 1 + (*pos == root ? 0 : gpa_to_gfn(d->range.end));
	return tdp_dump_find(m->private, d, pos);
}

static void tdp_dump_stop(struct seq_file *m, void *record)
{
	if (!IS_ERR(record))
		kfree(record);
}

static int tdp_dump_show(struct seq_file *m, void *record)
{
	struct tdp_dump *d = record;

	if (m->index % TDP_DUMP_ROOT) {
		kpt_dump_print(m, &d->range);
		return 0;
	}

	seq_printf(m, "%s, %d levels, address space %d%s\n",
		   tdp_format()->name, d->role.level,
		   kvm_mmu_role_as_id(d->role), d->role.is_mirror ? ", mirror" : "");
	return 0;
}

static const struct seq_operations tdp_dump_sops = {
	.start	= tdp_dump_start,
	.next	= tdp_dump_next,
	.stop	= tdp_dump_stop,
	.show	= tdp_dump_show,
};
DEFINE_SEQ_ATTRIBUTE(tdp_dump);

void kvm_tdp_mmu_create_debugfs(struct kvm *kvm)
{
	if (tdp_mmu_enabled)
		debugfs_create_file("page_tables", 0400, kvm->debugfs_dentry, kvm, &tdp_dump_fops);
}
