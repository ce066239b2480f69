// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM/arm64's clients of the page-table engine: stage 2 of guests and of pKVM's
 * host, and stage 1 of the hypervisor.
 *
 * Built twice: for the kernel, and for nVHE's EL2, where there is no RCU, memory
 * comes only from the mm_ops, and a WARN is fatal.
 *
 * The compile-time format is that of the page size with 52-bit addresses.  It also
 * works without LPA2: table entries are 0 in the position of the high address bits,
 * and leaves that are re-encoded for another level keep these bits.  New leaves are
 * encoded at run time.
 *
 * Arm counts levels from the root, and the last one is 3; the engine counts from
 * the last one, which is 0.  Use arm_level() and kpt_level() to convert.
 */
#include <linux/bitfield.h>
#include <linux/kvm_host.h>
#include <asm/kvm_mmu.h>
#include <asm/kvm_pgtable.h>
#include <asm/stage2_pgtable.h>

#include <kvm/pgtable.h>
#include <fmt/arm64_hyp.h>
#include <fmt/arm64_s2.h>

#define AT_EL2	__is_defined(__KVM_NVHE_HYPERVISOR__)

#if PAGE_SHIFT == 12
#define S2_FORMAT	kpt_s2_4k_lpa2
#elif PAGE_SHIFT == 14
#define S2_FORMAT	kpt_s2_16k_lpa2
#else
#define S2_FORMAT	kpt_s2_64k_lpa
#endif

static_assert(KPT_ARM64_VALID == KVM_PTE_VALID);
static_assert(KPT_ARM64_AF == KVM_PTE_LEAF_ATTR_LO_S2_AF);
static_assert(KPT_ARM64_SOFT == KVM_PTE_LEAF_ATTR_HI_SW);
static_assert(KPT_ARM64_FROZEN ==
	      FIELD_PREP_CONST(KVM_INVALID_PTE_TYPE_MASK, KVM_INVALID_PTE_TYPE_LOCKED));
static_assert((KPT_S2_READ | KPT_S2_WRITE | KPT_S2_XN) == KVM_PTE_LEAF_ATTR_S2_PERMS);

/* Clean caches in runs of adjacent pages. */
#define CLEAN_RUNS	32

struct clean_list {
	unsigned int nr;
	struct {
		void *start;
		size_t size;
	} runs[CLEAN_RUNS];
};

/* What blocks may replace tables. */
struct s2_recovery {
	kvm_pgtable_host_prot_t host_prot;
	void *arg;
};

/* An operation on one tree. */
struct pgt_op {
	struct kpt_tree tree;
	struct kpt_iter it;
	struct kvm_pgtable_mm_ops *mm_ops;
	struct kvm_s2_mmu *mmu;
	union {
		void *memcache;			/* to map and split */
		struct clean_list *cleans;	/* to unmap */
		struct s2_recovery *recovery;
	};
	u8 cacheable;				/* memory attributes */
	bool hyp;				/* stage 1 of the hypervisor */
	bool keeps_reserve;
	bool skips_maintenance;
};

static __always_inline struct pgt_op *to_op(const struct kpt_tree *tree)
{
	return container_of((struct kpt_tree *)tree, struct pgt_op, tree);
}

static __always_inline s8 arm_level(int kpt_level)
{
	return KVM_PGTABLE_LAST_LEVEL - kpt_level;
}

static __always_inline int kpt_level(s8 arm_level)
{
	return KVM_PGTABLE_LAST_LEVEL - arm_level;
}

/* Attributes */

static unsigned int kpt_prot(enum kvm_pgtable_prot prot)
{
	return (prot & KVM_PGTABLE_PROT_R ? KPT_R : 0) |
	       (prot & KVM_PGTABLE_PROT_W ? KPT_W : 0) |
	       (prot & KVM_PGTABLE_PROT_PX ? KPT_X : 0) |
	       (prot & KVM_PGTABLE_PROT_UX ? KPT_UX : 0) |
	       (prot & KVM_PGTABLE_PROT_DEVICE ? KPT_DEVICE : 0) |
	       (prot & KVM_PGTABLE_PROT_NORMAL_NC ? KPT_NC : 0);
}

static enum kvm_pgtable_prot prot_of(kvm_pte_t pte, unsigned int perms)
{
	return (pte & KVM_PTE_LEAF_ATTR_HI_SW) |
	       (perms & KPT_R ? KVM_PGTABLE_PROT_R : 0) |
	       (perms & KPT_W ? KVM_PGTABLE_PROT_W : 0) |
	       (perms & KPT_X ? KVM_PGTABLE_PROT_PX : 0) |
	       (perms & KPT_UX ? KVM_PGTABLE_PROT_UX : 0);
}

enum kvm_pgtable_prot kvm_pgtable_stage2_pte_prot(kvm_pte_t pte)
{
	return prot_of(pte, kvm_pte_valid(pte) ? kpt_s2_perms(pte) : 0);
}

enum kvm_pgtable_prot kvm_pgtable_hyp_pte_prot(kvm_pte_t pte)
{
	if (!kvm_pte_valid(pte))
		return prot_of(pte, 0);
	if (cpus_have_final_cap(ARM64_KVM_HVHE))
		return prot_of(pte, kpt_hvhe_perms(pte));

	/* The single execute permission is reported as the privileged one. */
	return prot_of(pte, kpt_hyp_perms(pte) & ~KPT_UX);
}

/* With LPA2, a register holds the shareability of all memory. */
static kvm_pte_t shareability(void)
{
	return kvm_lpa2_is_enabled() ? 0 : KPT_ARM64_SH_INNER;
}

static int hyp_attrs(enum kvm_pgtable_prot prot, kvm_pte_t *attrs)
{
	bool device = prot & KVM_PGTABLE_PROT_DEVICE;
	bool hvhe = cpus_have_final_cap(ARM64_KVM_HVHE);
	unsigned int kpt;

	if (!hvhe)
		prot &= ~KVM_PGTABLE_PROT_UX;

	if (!(prot & KVM_PGTABLE_PROT_R) ||
	    (prot & KVM_PGTABLE_PROT_X && (prot & KVM_PGTABLE_PROT_W || device)))
		return -EINVAL;

	kpt = kpt_prot(prot & ~KVM_PGTABLE_PROT_NORMAL_NC);
	*attrs = hvhe ? kpt_hvhe_attrs_lpa2(kpt, 0) : kpt_hyp_attrs_lpa2(kpt, 0);
	*attrs |= shareability() | (prot & KVM_PTE_LEAF_ATTR_HI_SW);
	if (prot & KVM_PGTABLE_PROT_X && system_supports_bti_kernel())
		*attrs |= KVM_PTE_LEAF_ATTR_HI_S1_GP;
	return 0;
}

static unsigned int s2_features(void)
{
	return (cpus_have_final_cap(ARM64_HAS_STAGE2_FWB) ? KPT_FEAT_FWB : 0) |
	       (cpus_have_final_cap(ARM64_HAS_XNX) ? KPT_FEAT_XNX : 0);
}

static int s2_attrs(struct kvm_pgtable *pgt, enum kvm_pgtable_prot prot, kvm_pte_t *attrs)
{
	bool device = prot & KVM_PGTABLE_PROT_DEVICE;
	bool uncached = prot & KVM_PGTABLE_PROT_NORMAL_NC;
	bool px = prot & KVM_PGTABLE_PROT_PX;
	bool ux = prot & KVM_PGTABLE_PROT_UX;
	unsigned int kpt = kpt_prot(prot);

	if ((device && uncached) || ((device || uncached) && (px || ux)) ||
	    (px != ux && !cpus_have_final_cap(ARM64_HAS_XNX)))
		return -EINVAL;

	*attrs = kpt_s2_attrs_lpa2(kpt, s2_features());
	if (pgt->flags & KVM_PGTABLE_S2_AS_S1)
		*attrs = (*attrs & ~KPT_S2_MEMATTR) | PAGE_S2_MEMATTR(AS_S1);

	*attrs |= shareability() | (prot & KVM_PTE_LEAF_ATTR_HI_SW);
	return 0;
}

static kvm_pte_t s2_cacheable(struct kvm_pgtable *pgt)
{
	return pgt->flags & KVM_PGTABLE_S2_AS_S1 ? PAGE_S2_MEMATTR(AS_S1) : PAGE_S2_MEMATTR(NORMAL);
}

static bool s2_is_executable(kvm_pte_t pte)
{
	return kvm_pte_valid(pte) && kpt_s2_perms(pte) & (KPT_X | KPT_UX);
}

static kvm_pte_t leaf_pte(u64 phys, kvm_pte_t attrs, int level)
{
	return kvm_phys_to_pte(phys) | attrs | kpt_level_bits(&S2_FORMAT, level);
}

static void *leaf_va(struct pgt_op *op, kvm_pte_t pte)
{
	return op->mm_ops->phys_to_virt(kvm_pte_to_phys(pte));
}

/* Engine callbacks for both kinds of trees */

static __always_inline kpt_pte_t *pgt_table_va(const struct kpt_tree *tree, u64 pa)
{
	return to_op(tree)->mm_ops->phys_to_virt(pa);
}

static __always_inline kpt_pte_t pgt_make_table(struct kpt_tree *tree, kpt_pte_t *table)
{
	return kpt_table(&S2_FORMAT, to_op(tree)->mm_ops->virt_to_phys(table));
}

static __always_inline void pgt_free(struct kpt_tree *tree, kpt_pte_t *table)
{
	to_op(tree)->mm_ops->put_page(table);
}

/* Faults may have installed entries already, and have got references for these. */
static __always_inline void
pgt_linked(struct kpt_tree *tree, kpt_pte_t *table, int level, bool full)
{
	for (unsigned int i = 0; full && i < PTRS_PER_PTE; i++)
		to_op(tree)->mm_ops->get_page(table);
}

/*
 * Drop all references to a page at once; a root may consist of several pages.  EL2
 * counts references without atomics, so it may as well drop them one by one.
 */
static void pgt_drop_references(struct kpt_tree *tree, kpt_pte_t *first, unsigned int nr)
{
	struct kvm_pgtable_mm_ops *mm_ops = to_op(tree)->mm_ops;
	kpt_pte_t *end = first + nr, *next;

	for (; first < end; first = next) {
		if (!mm_ops->put_pages) {
			next = first + 1;
			mm_ops->put_page(first);
			continue;
		}
		next = min(end, PTR_ALIGN_DOWN(first, PAGE_SIZE) + PTRS_PER_PTE);
		mm_ops->put_pages(first, next - first);
	}
}

/* A table's page has one reference for itself, and one per non-zero entry. */
static __always_inline void
pgt_changed(struct kpt_tree *tree, kpt_ptep_t ptep, u64 ia, int level, kpt_pte_t old, kpt_pte_t new)
{
	struct kvm_pgtable_mm_ops *mm_ops = to_op(tree)->mm_ops;

	if (!old && new)
		mm_ops->get_page(kpt_raw(ptep));
	else if (old && !new)
		mm_ops->put_page(kpt_raw(ptep));
}

/* Do not clear op->it, kpt_begin() initializes it. */
static __always_inline void
pgt_op_init_tree(struct pgt_op *op, struct kvm_pgtable_mm_ops *mm_ops, struct kpt_tree tree)
{
	op->tree = tree;
	op->mm_ops = mm_ops;
	op->mmu = NULL;
	op->hyp = false;
	op->cacheable = 0;
	op->memcache = NULL;
	op->keeps_reserve = false;
	op->skips_maintenance = tree.no_flush;
}

/* For an operation on a complete tree, see pgt_begin(). */
static void pgt_op_init(struct pgt_op *op, struct kvm_pgtable *pgt, bool no_rcu)
{
	pgt_op_init_tree(op, pgt->mm_ops, (struct kpt_tree) {
		.root = pgt->pgd,
		.ia_bits = pgt->ia_bits,
		.top = kpt_level(pgt->start_level),
		.no_rcu = no_rcu,
		.no_break = system_supports_bbml3(),
	});
	op->mmu = pgt->mmu;
}

/* For an operation on an unlinked subtree, which is not visible to any CPU. */
static void pgt_op_init_unlinked(struct pgt_op *op, struct kvm_pgtable_mm_ops *mm_ops,
				 void *table, s8 level)
{
	pgt_op_init_tree(op, mm_ops, (struct kpt_tree) {
		.root = (kpt_ptep_t)table,
		.ia_bits = kvm_granule_shift(level),
		.top = kpt_level(level) - 1,
		.no_flush = true,
		.no_rcu = true,
	});
}

/* Return 0 if the range is valid, 1 if it is empty, or an error. */
static int pgt_check_range(struct kvm_pgtable *pgt, u64 *addr, u64 *end, u64 size)
{
	u64 limit = BIT(pgt->ia_bits);

	*addr = ALIGN_DOWN(*addr, PAGE_SIZE);
	*end = PAGE_ALIGN(*addr + size);
	if (*addr > limit || *end > limit)
		return -ERANGE;
	if (!pgt->pgd)
		return -EINVAL;
	return *addr >= *end;
}

/* An empty table's page has only the reference for itself. */
static bool pgt_is_empty(struct kpt_iter *it)
{
	struct kvm_pgtable_mm_ops *mm_ops = to_op(it->tree)->mm_ops;

	return mm_ops->page_count(mm_ops->phys_to_virt(kvm_pte_to_phys(it->pte))) == 1;
}

/* Stage 2: the port */

static void s2_clean(struct pgt_op *op)
{
	struct clean_list *list = op->cleans;

	for (unsigned int i = 0; i < list->nr; i++)
		op->mm_ops->dcache_clean_inval_poc(list->runs[i].start, list->runs[i].size);
	list->nr = 0;
}

static kpt_pte_t *pgt_alloc(struct kpt_tree *tree, const struct kpt_iter *parent)
{
	struct pgt_op *op = to_op(tree);

	if (op->hyp)
		return op->mm_ops->zalloc_page(NULL);

	/* When splitting, the caller refills its cache without the lock, and retries. */
	if (!op->memcache ||
	    (op->keeps_reserve && !((struct kvm_mmu_memory_cache *)op->memcache)->nobjs))
		return NULL;

	return op->mm_ops->zalloc_page(op->memcache);
}

/* EL2 has no statistics. */
#define s2_count(mmu, kind)						\
do {									\
	if (!AT_EL2)							\
		kvm_count_tlbi(kvm_s2_mmu_to_kvm(mmu), kind);		\
} while (0)

/*
 * Without FEAT_TLBIRANGE, a flush takes one broadcast TLBI per page, at about
 * 1.5 us.  A flush by VMID costs each vCPU the stage-2 walks to refill its TLB:
 * 1280 entries on a Neoverse N1, at about 40 ns each.
 */
#define MAX_PAGES_ONE_BY_ONE	32

static unsigned long max_range_pages(void)
{
	return system_supports_tlb_range() ? MAX_TLBI_RANGE_PAGES : MAX_PAGES_ONE_BY_ONE;
}

void kvm_tlb_flush_vmid_range(struct kvm_s2_mmu *mmu, phys_addr_t addr, size_t size)
{
	unsigned long pages = size >> PAGE_SHIFT;

	if (pages > max_range_pages()) {
		kvm_call_hyp(__kvm_tlb_flush_vmid, mmu);
		s2_count(mmu, vmid);
		return;
	}

	kvm_call_hyp(__kvm_tlb_flush_vmid_range, mmu, addr, pages);
	s2_count(mmu, range);
}

static void hyp_flush(const struct kpt_flush *flush)
{
	dsb(ishst);
	if (flush->scope & KPT_FLUSH_WALK)
		__tlbi_level(vae2is, flush->start, TLBI_TTL_UNKNOWN);
	else
		__tlbi_level(vale2is, flush->start, arm_level(__ffs(flush->levels)));
	__tlbi_sync_s1ish_hyp();
	isb();
}

/*
 * Flushing a single IPA also flushes all stage-1 translations of the VM, because
 * TLBs may combine them with stage 2.  For more than one entry, use a flush by
 * range, so that they are lost only once.
 */
static void pgt_flush(struct kpt_tree *tree, const struct kpt_flush *flush)
{
	struct kvm_s2_mmu *mmu = to_op(tree)->mmu;
	u64 size = flush->end - flush->start;
	int level = __ffs(flush->levels);
	bool one = flush->levels == BIT(level) && size == kpt_span(&S2_FORMAT, level);

	if (to_op(tree)->hyp) {
		hyp_flush(flush);
		return;
	}

	if (flush->scope & KPT_FLUSH_WALK)
		s2_count(mmu, table);

	if (flush->scope == KPT_FLUSH_LOCAL) {
		kvm_call_hyp(__kvm_tlb_flush_vmid_ipa_nsh, mmu, flush->start,
			     one ? arm_level(level) : TLBI_TTL_UNKNOWN);
		s2_count(mmu, local);
	} else if (one && !(flush->scope & KPT_FLUSH_WALK)) {
		kvm_call_hyp(__kvm_tlb_flush_vmid_ipa, mmu, flush->start, arm_level(level));
		s2_count(mmu, page);
	} else {
		kvm_tlb_flush_vmid_range(mmu, flush->start, size);
	}
}

static void pgt_free_subtree(struct kpt_tree *tree, kpt_pte_t *table, int level)
{
	struct kvm_pgtable_mm_ops *mm_ops = to_op(tree)->mm_ops;

	if (to_op(tree)->hyp)
		mm_ops->put_page(table);
	else if (AT_EL2 && !mm_ops->free_unlinked_table)
		kvm_pgtable_stage2_free_unlinked(mm_ops, table, arm_level(level + 1));
	else
		mm_ops->free_unlinked_table(table, arm_level(level + 1));
}

static bool s2_is_other_memory(kvm_pte_t old, kvm_pte_t new)
{
	u64 same = KVM_PTE_LEAF_ATTR_S2_PERMS | KPT_ARM64_AF | KPT_ARM64_SOFT;

	return !kvm_pte_valid(old) || (old ^ new) & ~same;
}

/* Without FWB, a guest may write with caches disabled. */
static bool s2_needs_cleaning(const struct pgt_op *op)
{
	return !cpus_have_final_cap(ARM64_HAS_STAGE2_FWB) && op->mm_ops->dcache_clean_inval_poc;
}

static bool s2_cleans_data(struct pgt_op *op, kvm_pte_t old, kvm_pte_t new)
{
	return s2_needs_cleaning(op) && (new & KPT_S2_MEMATTR) == op->cacheable &&
	       s2_is_other_memory(old, new);
}

static bool s2_cleans_code(struct pgt_op *op, kvm_pte_t old, kvm_pte_t new)
{
	return !cpus_have_final_cap(ARM64_HAS_CACHE_DIC) && op->mm_ops->icache_inval_pou &&
	       s2_is_executable(new) && (s2_is_other_memory(old, new) || !s2_is_executable(old));
}

static bool s2_cmo(struct kpt_tree *tree, kvm_pte_t old, kvm_pte_t new, int level, bool now)
{
	struct pgt_op *op = to_op(tree);
	bool data, code;

	if (op->skips_maintenance || !kpt_is_leaf(&S2_FORMAT, new, level))
		return false;

	data = s2_cleans_data(op, old, new);
	code = s2_cleans_code(op, old, new);
	if (data && now)
		op->mm_ops->dcache_clean_inval_poc(leaf_va(op, new), kpt_span(&S2_FORMAT, level));
	if (code && now)
		op->mm_ops->icache_inval_pou(leaf_va(op, new), kpt_span(&S2_FORMAT, level));
	return data || code;
}

/* Also used for stage 1, whose entries have the same layout and the same rules. */
static const struct kpt_ops pgt_ops = {
	.table_va	= pgt_table_va,
	.make_table	= pgt_make_table,
	.alloc		= pgt_alloc,
	.free		= pgt_free,
	.linked		= pgt_linked,
	.changed	= pgt_changed,
	.flush		= pgt_flush,
	.free_subtree	= pgt_free_subtree,
	.cmo		= s2_cmo,
	.bare		= AT_EL2,
};

DEFINE_KPT_PORT(pgt, S2_FORMAT, pgt_ops);

static int pgt_begin(struct pgt_op *op, struct kvm_pgtable *pgt, u64 addr, u64 size, bool shared)
{
	u64 end;
	int r = pgt_check_range(pgt, &addr, &end, size);

	return r ?: kpt_begin(&pgt_port, &op->it, &op->tree, addr, end, shared);
}

static noinline void pgt_end(struct pgt_op *op)
{
	kpt_end(&pgt_port, &op->it);
}

/* kvm_pgtable_walk(), for callers with a visitor of their own */

static enum kvm_pgtable_walk_flags visit_kind(const struct kpt_iter *it)
{
	if (it->post)
		return KVM_PGTABLE_WALK_TABLE_POST;
	if (kpt_is_table(&S2_FORMAT, it->pte, it->level))
		return KVM_PGTABLE_WALK_TABLE_PRE;
	return KVM_PGTABLE_WALK_LEAF;
}

static int visit_by_caller(struct kpt_iter *it, void *arg)
{
	struct kvm_pgtable_walker *walker = arg;
	struct kvm_pgtable_visit_ctx ctx = {
		.ptep	= kpt_raw(it->ptep),
		.old	= it->pte,
		.arg	= walker->arg,
		.mm_ops	= to_op(it->tree)->mm_ops,
		.start	= it->start,
		.addr	= max(it->ia, it->start),
		.end	= it->end,
		.level	= arm_level(it->level),
		.flags	= walker->flags,
	};
	int r;

	WARN_ON_ONCE(kvm_pgtable_walk_shared(&ctx) && !kvm_pgtable_walk_lock_held());
	r = walker->cb(&ctx, visit_kind(it));

	/* After a race, a fault is retried, but an operation on a range continues. */
	return r == -EAGAIN && walker->flags & KVM_PGTABLE_WALK_IGNORE_EAGAIN ? 0 : r;
}

int kvm_pgtable_walk(struct kvm_pgtable *pgt, u64 addr, u64 size,
		     struct kvm_pgtable_walker *walker)
{
	bool shared = walker->flags & KVM_PGTABLE_WALK_SHARED;
	unsigned int what = 0;
	struct pgt_op op __uninitialized;
	int r;

	if (AT_EL2 && shared)
		return -EPERM;

	if (walker->flags & KVM_PGTABLE_WALK_LEAF)
		what |= KPT_ENTRIES;
	if (walker->flags & KVM_PGTABLE_WALK_TABLE_PRE)
		what |= KPT_TABLES;
	if (walker->flags & KVM_PGTABLE_WALK_TABLE_POST)
		what |= KPT_POST;

	pgt_op_init(&op, pgt, !shared);
	r = pgt_begin(&op, pgt, addr, size, shared);
	if (r)
		return min(r, 0);

	r = pgt_port.walk(&op.it, 0, what, visit_by_caller, walker);
	pgt_end(&op);
	return r;
}

int kvm_pgtable_get_leaf(struct kvm_pgtable *pgt, u64 addr, kvm_pte_t *ptep, s8 *level)
{
	struct pgt_op op __uninitialized;
	u64 end;
	int r = pgt_check_range(pgt, &addr, &end, PAGE_SIZE);

	if (r)
		return r;

	pgt_op_init(&op, pgt, true);
	op.it.tree = &op.tree;
	pgt_port.find(&op.it, addr, 0);
	if (ptep)
		*ptep = op.it.pte;
	if (level)
		*level = arm_level(op.it.level);
	return 0;
}

/* Stage 1 of the hypervisor */

/* What to map in the hypervisor: contiguous memory. */
struct hyp_mapping {
	u64 start;
	u64 phys;
	kvm_pte_t attrs;
};

/* May the entry be a leaf, completely within the range? */
static bool hyp_fits(const struct hyp_mapping *m, const struct kpt_iter *it)
{
	u64 span = kpt_span(&S2_FORMAT, it->level);

	return !it->level ||
	       (kvm_level_supports_block_mapping(arm_level(it->level)) && it->ia >= it->start &&
		it->ia + span <= it->end && IS_ALIGNED(m->phys + (it->ia - m->start), span));
}

static int hyp_begin(struct pgt_op *op, struct kvm_pgtable *pgt, u64 addr, u64 size)
{
	pgt_op_init(op, pgt, true);
	op->hyp = true;
	op->skips_maintenance = true;
	return pgt_begin(op, pgt, addr, size, false);
}

static int hyp_map_visitor(struct kpt_iter *it, void *arg)
{
	const struct hyp_mapping *m = arg;
	kvm_pte_t new;

	/* Keep tables, even if a block would fit. */
	if (kpt_is_table(&S2_FORMAT, it->pte, it->level))
		return 0;

	if (!hyp_fits(m, it)) {
		if (WARN_ON(it->pte))
			return -EINVAL;
		return pgt_port.split_entry(it, true);
	}

	new = leaf_pte(m->phys + (it->ia - m->start), m->attrs, it->level);
	if (new == it->pte)
		return 0;

	/* Of an existing mapping, only software bits may change. */
	if (WARN_ON(kvm_pte_valid(it->pte) && (it->pte ^ new) & ~KPT_ARM64_SOFT))
		return -EINVAL;

	return pgt_port.commit(it, new, kvm_pte_valid(it->pte) ? KPT_SOFT : KPT_MAP, false);
}

int kvm_pgtable_hyp_map(struct kvm_pgtable *pgt, u64 addr, u64 size, u64 phys,
			enum kvm_pgtable_prot prot)
{
	struct hyp_mapping m = {
		.start = ALIGN_DOWN(addr, PAGE_SIZE),
		.phys = ALIGN_DOWN(phys, PAGE_SIZE),
	};
	struct pgt_op op __uninitialized;
	int r;

	r = hyp_attrs(prot, &m.attrs);
	if (r)
		return r;

	r = hyp_begin(&op, pgt, addr, size);
	if (r)
		return min(r, 0);

	r = pgt_port.walk(&op.it, 0, KPT_LEAVES | KPT_TABLES | KPT_ABSENT, hyp_map_visitor, &m);
	pgt_end(&op);
	dsb(ishst);
	isb();
	return r;
}

static int hyp_unmap_visitor(struct kpt_iter *it, void *arg)
{
	u64 left = it->end - max(it->ia, it->start);
	u64 *unmapped = arg;
	int r;

	if (it->post)
		return pgt_is_empty(it) ? pgt_port.commit(it, 0, KPT_DETACH, false) : 0;

	if (!kvm_pte_valid(it->pte) || left < kpt_span(&S2_FORMAT, it->level))
		return -EINVAL;

	r = pgt_port.commit(it, 0, KPT_UNMAP, false);
	if (r)
		return r;

	pgt_port.flush_gather(it);
	*unmapped += kpt_span(&S2_FORMAT, it->level);
	return 0;
}

u64 kvm_pgtable_hyp_unmap(struct kvm_pgtable *pgt, u64 addr, u64 size)
{
	struct pgt_op op __uninitialized;
	u64 unmapped = 0;

	if (!pgt->mm_ops->page_count)
		return 0;

	if (hyp_begin(&op, pgt, addr, size))
		return 0;

	pgt_port.walk(&op.it, 0, KPT_ENTRIES | KPT_POST, hyp_unmap_visitor, &unmapped);
	pgt_end(&op);
	return unmapped;
}

int kvm_pgtable_hyp_init(struct kvm_pgtable *pgt, u32 va_bits, struct kvm_pgtable_mm_ops *mm_ops)
{
	s8 start_level = KVM_PGTABLE_LAST_LEVEL + 1 - ARM64_HW_PGTABLE_LEVELS(va_bits);
	void *pgd;

	if (start_level < KVM_PGTABLE_FIRST_LEVEL || start_level > KVM_PGTABLE_LAST_LEVEL)
		return -EINVAL;

	pgd = mm_ops->zalloc_page(NULL);
	if (!pgd)
		return -ENOMEM;

	*pgt = (struct kvm_pgtable) {
		.ia_bits	= va_bits,
		.start_level	= start_level,
		.pgd		= (kvm_pteref_t)pgd,
		.mm_ops		= mm_ops,
	};
	return 0;
}

/* Free a run of entries, up to the next table, zero entry, or end. */
static void free_entries(struct kpt_iter *it)
{
	kpt_ptep_t first = it->ptep;

	do {
		kpt_next(&pgt_port, it);
	} while (it->ia < it->stop && (it->pte = kpt_read(it->ptep)) &&
		 !kpt_is_table(&S2_FORMAT, it->pte, it->level));
	pgt_drop_references(it->tree, kpt_raw(first), it->ptep - first);
}

/* Without page_count(), the kernel frees all tables of the hypervisor. */
static void free_table(struct kpt_iter *it)
{
	struct kvm_pgtable_mm_ops *mm_ops = to_op(it->tree)->mm_ops;

	if (mm_ops->page_count && !pgt_is_empty(it))
		return;
	mm_ops->put_page(kpt_raw(kpt_child_table(&pgt_port, it->tree, it->pte)));
	kpt_store(it->ptep, 0);
	mm_ops->put_page(kpt_raw(it->ptep));
}

/* No CPU uses these tables any more, so drop references without clearing leaves. */
static void free_tables(struct kpt_iter *it)
{
	kpt_iterate(it, 0, KPT_POST | KPT_FROZEN);
	while (pgt_port.next_table(it)) {
		if (it->post) {
			free_table(it);
			continue;
		}
		while (kpt_at(&pgt_port, it, KPT_LEAVES | KPT_NOTES | KPT_FROZEN))
			free_entries(it);
	}
}

static void free_range(struct kvm_pgtable *pgt, u64 addr, u64 size)
{
	struct pgt_op op __uninitialized;

	pgt_op_init(&op, pgt, true);
	if (WARN_ON(pgt_begin(&op, pgt, addr, size, false) < 0))
		return;
	free_tables(&op.it);
	pgt_end(&op);
}

void kvm_pgtable_hyp_destroy(struct kvm_pgtable *pgt)
{
	free_range(pgt, 0, BIT(pgt->ia_bits));
	pgt->mm_ops->put_page(kvm_dereference_pteref_raw(pgt->pgd));
	pgt->pgd = NULL;
}

/* Stage 2: create and destroy */

u64 kvm_get_vtcr(u64 mmfr0, u64 mmfr1, u32 phys_shift)
{
	/* Use at least two levels, to be able to map the host's PMD blocks. */
	s8 levels = max(stage2_pgtable_levels(phys_shift), 2);
	u64 vtcr = VTCR_EL2_FLAGS | VTCR_EL2_LVLS_TO_SL0(levels) |
		   FIELD_PREP(VTCR_EL2_PS, kvm_get_parange(mmfr0)) |
		   FIELD_PREP(VTCR_EL2_T0SZ, 64 - phys_shift);

	/* RES0 on CPUs without hardware management of the access flag, so always set it. */
	if (IS_ENABLED(CONFIG_ARM64_HW_AFDBM) &&
	    !cpus_have_final_cap(ARM64_WORKAROUND_AMPERE_AC03_CPU_38))
		vtcr |= VTCR_EL2_HA;

	/* Roots are concatenated, so neither LPA2's fifth level nor SL2 is needed. */
	if (kvm_lpa2_is_enabled())
		vtcr |= VTCR_EL2_DS;

	if (get_vmid_bits(mmfr1) == 16)
		vtcr |= VTCR_EL2_VS;
	return vtcr;
}

static s8 s2_start_level(u64 vtcr)
{
	return VTCR_EL2_TGRAN_SL0_BASE - FIELD_GET(VTCR_EL2_SL0_MASK, vtcr);
}

static size_t s2_root_size(u32 ia_bits, s8 start_level)
{
	unsigned int shift = kvm_granule_shift(start_level) + PAGE_SHIFT - 3;

	return (((BIT(ia_bits) - 1) >> shift) + 1) * PAGE_SIZE;
}

size_t kvm_pgtable_stage2_pgd_size(u64 vtcr)
{
	return s2_root_size(VTCR_EL2_IPA(vtcr), s2_start_level(vtcr));
}

int __kvm_pgtable_stage2_init(struct kvm_pgtable *pgt, struct kvm_s2_mmu *mmu,
			      struct kvm_pgtable_mm_ops *mm_ops,
			      enum kvm_pgtable_stage2_flags flags,
			      kvm_pgtable_force_pte_cb_t force_pte_cb)
{
	void *pgd = mm_ops->zalloc_pages_exact(kvm_pgtable_stage2_pgd_size(mmu->vtcr));

	if (!pgd)
		return -ENOMEM;

	*pgt = (struct kvm_pgtable) {
		.ia_bits	= VTCR_EL2_IPA(mmu->vtcr),
		.start_level	= s2_start_level(mmu->vtcr),
		.pgd		= (kvm_pteref_t)pgd,
		.mm_ops		= mm_ops,
		.flags		= flags,
		.force_pte_cb	= force_pte_cb,
		.mmu		= mmu,
	};

	/* Make the zeroed root visible to the hardware walker. */
	dsb(ishst);
	return 0;
}

void kvm_pgtable_stage2_destroy(struct kvm_pgtable *pgt)
{
	kvm_pgtable_stage2_destroy_range(pgt, 0, BIT(pgt->ia_bits));
	kvm_pgtable_stage2_destroy_pgd(pgt);
}

void kvm_pgtable_stage2_destroy_range(struct kvm_pgtable *pgt, u64 addr, u64 size)
{
	free_range(pgt, addr, size);
}

void kvm_pgtable_stage2_destroy_pgd(struct kvm_pgtable *pgt)
{
	pgt->mm_ops->free_pages_exact(kvm_dereference_pteref_raw(pgt->pgd),
				      s2_root_size(pgt->ia_bits, pgt->start_level));
	pgt->pgd = NULL;
}

void kvm_pgtable_stage2_free_unlinked(struct kvm_pgtable_mm_ops *mm_ops, void *pgtable, s8 level)
{
	struct pgt_op op __uninitialized;

	/* All entries were unmapped already, so there is nothing to iterate over. */
	if (mm_ops->page_count(pgtable) == 1) {
		mm_ops->put_page(pgtable);
		return;
	}

	pgt_op_init_unlinked(&op, mm_ops, pgtable, level);
	WARN_ON(kpt_begin(&pgt_port, &op.it, &op.tree, 0, kvm_granule_size(level), false));
	free_tables(&op.it);
	pgt_end(&op);
	WARN_ON(mm_ops->page_count(pgtable) != 1);
	mm_ops->put_page(pgtable);
}

/* Stage 2: map */

static noinline int
s2_begin(struct pgt_op *op, struct kvm_pgtable *pgt, u64 addr, u64 size, bool shared)
{
	if (AT_EL2 && shared)
		return -EPERM;

	pgt_op_init(op, pgt, false);
	op->cacheable = s2_cacheable(pgt);
	return pgt_begin(op, pgt, addr, size, shared);
}

#define S2_MAX_LEVEL	(KVM_PGTABLE_LAST_LEVEL - KVM_PGTABLE_MIN_BLOCK_LEVEL)

/* The rest of a block that is replaced in part is mapped by later faults. */
#define S2_MAP_FLAGS	(KPT_MAP_FAULT | KPT_MAP_UNMAP_BLOCKS)

/* Once for all callers. */
static noinline int s2_install(struct pgt_op *op, const struct kpt_mapping *m)
{
	return kpt_install(&pgt_port, &op->it, m);
}

int kvm_pgtable_stage2_map(struct kvm_pgtable *pgt, u64 addr, u64 size, u64 phys,
			   enum kvm_pgtable_prot prot, void *mc, enum kvm_pgtable_walk_flags flags)
{
	bool force_pte = pgt->force_pte_cb && pgt->force_pte_cb(addr, addr + size, prot);
	struct kpt_mapping m = {
		.memory = true,
		.flags = S2_MAP_FLAGS |
			 (flags & KVM_PGTABLE_WALK_IGNORE_EAGAIN ? KPT_MAP_SKIP_RACES : 0),
		.max_level = force_pte ? 0 : S2_MAX_LEVEL,
		.base = ALIGN_DOWN(addr, PAGE_SIZE),
		.oa = ALIGN_DOWN(phys, PAGE_SIZE),
	};
	struct pgt_op op __uninitialized;
	int r;

	if (WARN_ON(pgt->flags & KVM_PGTABLE_S2_IDMAP && addr != phys))
		return -EINVAL;

	r = s2_attrs(pgt, prot, &m.attrs);
	if (r)
		return r;

	r = s2_begin(&op, pgt, addr, size, flags & KVM_PGTABLE_WALK_SHARED);
	if (r)
		return min(r, 0);

	op.memcache = mc;
	op.skips_maintenance = flags & KVM_PGTABLE_WALK_SKIP_CMO;
	op.tree.no_flush = flags & KVM_PGTABLE_WALK_SKIP_BBM_TLBI;
	r = s2_install(&op, &m);
	pgt_end(&op);
	dsb(ishst);
	return r;
}

int kvm_pgtable_stage2_annotate(struct kvm_pgtable *pgt, u64 addr, u64 size, void *mc,
				enum kvm_invalid_pte_type type, kvm_pte_t annotation)
{
	struct kpt_mapping m = {
		.flags = S2_MAP_FLAGS,
		.annotation = annotation | FIELD_PREP(KVM_INVALID_PTE_TYPE_MASK, type),
	};
	struct pgt_op op __uninitialized;
	int r;

	if (annotation & ~KVM_INVALID_PTE_ANNOT_MASK || !type ||
	    type == KVM_INVALID_PTE_TYPE_LOCKED)
		return -EINVAL;

	r = s2_begin(&op, pgt, addr, size, false);
	if (r)
		return min(r, 0);

	op.memcache = mc;
	r = s2_install(&op, &m);
	pgt_end(&op);
	return r;
}

/* Stage 2: unmap */

/* The guest may have written with caches disabled, so cache lines may be stale. */
static void s2_clean_later(struct pgt_op *op, kvm_pte_t pte, u64 size)
{
	struct clean_list *list = op->cleans;
	void *start;

	if ((pte & KPT_S2_MEMATTR) != op->cacheable)
		return;

	start = leaf_va(op, pte);
	if (list->nr && list->runs[list->nr - 1].start + list->runs[list->nr - 1].size == start) {
		list->runs[list->nr - 1].size += size;
		return;
	}

	/* Flush first, so that the guest cannot write after the cache maintenance. */
	if (list->nr == CLEAN_RUNS) {
		kpt_flush_tlb(&pgt_port, &op->tree, &op->it.gather.flush);
		s2_clean(op);
	}
	list->runs[list->nr].start = start;
	list->runs[list->nr++].size = size;
}

static int s2_unmap_entry(struct kpt_iter *it)
{
	if (!kvm_pte_valid(it->pte))
		return pgt_port.commit(it, 0, KPT_ANNOTATE, false);

	s2_clean_later(to_op(it->tree), it->pte, kpt_span(&S2_FORMAT, it->level));
	return pgt_port.commit(it, 0, KPT_UNMAP, false);
}

/* Unmap a run of adjacent leaves. */
static void s2_unmap_leaves(struct kpt_iter *it)
{
	struct kpt_iter c = *it;

	do {
		kpt_store(c.ptep, 0);
		kpt_next(&pgt_port, &c);
	} while (c.ia < c.stop && kpt_is_leaf(&S2_FORMAT, kpt_read(c.ptep), c.level));

	pgt_drop_references(it->tree, kpt_raw(it->ptep), c.ptep - it->ptep);
	kpt_need_flush_range(&pgt_port, it, KPT_UNMAP, it->ia, c.ia, BIT(it->level));
	kpt_resume(it, &c);
}

/* Most MMU notifiers unmap a single page, and its table has others. */
static bool s2_unmap_page(struct kpt_iter *it)
{
	pgt_port.find(it, it->start, 0);
	if (it->level || !kvm_pte_valid(it->pte) ||
	    to_op(it->tree)->mm_ops->page_count(kpt_raw(it->ptep)) == 2)
		return false;

	kpt_look_next(&pgt_port, it);
	s2_unmap_leaves(it);
	return true;
}

/* Tables that are empty afterwards go; if one does not, those above it are not empty, either. */
static int s2_unmap_range(struct kpt_iter *it)
{
	bool cleans = s2_needs_cleaning(to_op(it->tree));
	int r = 0;

	if (!cleans && it->end - it->start == PAGE_SIZE && s2_unmap_page(it))
		return 0;

	kpt_iterate(it, 0, KPT_POST);
	while (!r && pgt_port.next_table(it)) {
		if (it->post) {
			if (pgt_is_empty(it))
				r = pgt_port.commit(it, 0, KPT_DETACH, false);
			else if (it->stop >= it->end)
				break;
			continue;
		}
		while (!r && kpt_at(&pgt_port, it, KPT_LEAVES | KPT_NOTES)) {
			if (kvm_pte_valid(it->pte) && !cleans) {
				s2_unmap_leaves(it);
				continue;
			}
			r = s2_unmap_entry(it);
			kpt_next(&pgt_port, it);
		}
	}
	return r;
}

int kvm_pgtable_stage2_unmap(struct kvm_pgtable *pgt, u64 addr, u64 size)
{
	struct clean_list cleans __uninitialized;
	struct pgt_op op __uninitialized;
	int r;

	r = s2_begin(&op, pgt, addr, size, false);
	if (r)
		return min(r, 0);

	cleans.nr = 0;
	op.cleans = &cleans;
	r = s2_unmap_range(&op.it);
	pgt_end(&op);
	s2_clean(&op);
	return r;
}

/* Stage 2: permissions, ageing, cache maintenance */

int kvm_pgtable_stage2_wrprotect(struct kvm_pgtable *pgt, u64 addr, u64 size)
{
	struct pgt_op op __uninitialized;
	int r;

	r = s2_begin(&op, pgt, addr, size, false);
	if (r)
		return min(r, 0);

	/* The caller flushes once for everything that it write-protects. */
	op.tree.no_flush = true;
	r = kpt_wrprot(&pgt_port, &op.it, 0, 0);
	pgt_end(&op);
	return r;
}

void kvm_pgtable_stage2_mkyoung(struct kvm_pgtable *pgt, u64 addr,
				enum kvm_pgtable_walk_flags flags)
{
	struct pgt_op op __uninitialized;
	struct kpt_iter *it = &op.it;
	int r;

	if (s2_begin(&op, pgt, addr, 1, flags & KVM_PGTABLE_WALK_SHARED))
		return;

	pgt_port.find(it, it->start, 0);
	if (kvm_pte_valid(it->pte) && !(it->pte & KPT_ARM64_AF)) {
		r = pgt_port.commit(it, it->pte | KPT_ARM64_AF, KPT_YOUNG, false);
		if (!r)
			dsb(ishst);
	}
	pgt_end(&op);
}

bool kvm_pgtable_stage2_test_clear_young(struct kvm_pgtable *pgt, u64 addr, u64 size, bool mkold)
{
	struct pgt_op op __uninitialized;
	bool young;
	int r;

	pgt_op_init(&op, pgt, false);
	r = pgt_begin(&op, pgt, addr, size, !AT_EL2);
	if (WARN_ON(r < 0) || r)
		return false;

	young = kpt_age(&pgt_port, &op.it, KPT_ARM64_AF, !mkold);
	pgt_end(&op);
	return young;
}

/*
 * Flush only the CPU that faulted, even if another CPU has relaxed the permissions
 * first.  Other CPUs with a stale TLB entry fault and flush it here themselves.
 */
int kvm_pgtable_stage2_relax_perms(struct kvm_pgtable *pgt, u64 addr, enum kvm_pgtable_prot prot,
				   enum kvm_pgtable_walk_flags flags)
{
	bool px = prot & KVM_PGTABLE_PROT_PX, ux = prot & KVM_PGTABLE_PROT_UX;
	struct pgt_op op __uninitialized;
	int level, r;

	if (prot & KVM_PTE_LEAF_ATTR_HI_SW ||
	    (px != ux && !cpus_have_final_cap(ARM64_HAS_XNX)))
		return -EINVAL;

	r = s2_begin(&op, pgt, addr, 1, flags & KVM_PGTABLE_WALK_SHARED);
	if (r)
		return min(r, 0);

	r = kpt_relax(&pgt_port, &op.it, kpt_prot(prot), s2_features(), &level);
	if (r == -ENOENT)
		r = -EAGAIN;
	if (r == -EAGAIN)
		kpt_need_flush_range(&pgt_port, &op.it, KPT_RELAX, op.it.start, op.it.end, ~0);
	pgt_end(&op);
	return r;
}

static int s2_flush_visitor(struct kpt_iter *it, void *arg)
{
	struct pgt_op *op = to_op(it->tree);

	if ((it->pte & KPT_S2_MEMATTR) == op->cacheable)
		op->mm_ops->dcache_clean_inval_poc(leaf_va(op, it->pte),
						   kpt_span(&S2_FORMAT, it->level));
	return 0;
}

int kvm_pgtable_stage2_flush(struct kvm_pgtable *pgt, u64 addr, u64 size)
{
	struct pgt_op op __uninitialized;
	int r;

	if (AT_EL2)
		return -EOPNOTSUPP;

	if (cpus_have_final_cap(ARM64_HAS_STAGE2_FWB) || !pgt->mm_ops->dcache_clean_inval_poc)
		return 0;

	r = s2_begin(&op, pgt, addr, size, false);
	if (r)
		return min(r, 0);

	r = pgt_port.walk(&op.it, 0, KPT_LEAVES, s2_flush_visitor, NULL);
	pgt_end(&op);
	return r;
}

/* Stage 2: huge pages */

int kvm_pgtable_stage2_split(struct kvm_pgtable *pgt, u64 addr, u64 size,
			     struct kvm_mmu_memory_cache *mc)
{
	struct pgt_op op __uninitialized;
	int r;

	/* EL2 does not log dirty pages. */
	if (AT_EL2)
		return -EOPNOTSUPP;

	r = s2_begin(&op, pgt, addr, size, false);
	if (r)
		return min(r, 0);

	op.memcache = mc;
	op.keeps_reserve = true;
	r = kpt_split(&pgt_port, &op.it, 0);
	pgt_end(&op);
	dsb(ishst);
	return r;
}

/*
 * Return the block for a table at the level of this pass.  The lock is held for
 * read: concurrent faults only add permissions, unmapping and protecting take the
 * lock for write.
 */
static u64 s2_recoverable(struct kpt_iter *it)
{
	struct s2_recovery *r = to_op(it->tree)->recovery;
	u64 size = kpt_span(&S2_FORMAT, it->level);
	enum kvm_pgtable_prot prot;
	kvm_pte_t block;

	if (it->level != it->floor)
		return 0;

	block = kpt_uniform_block(&pgt_port, it, KPT_S2_WRITE);
	if (!block)
		return 0;

	prot = r->host_prot(it->ia, kvm_pte_to_phys(block), size, r->arg);
	if (!(prot & KVM_PGTABLE_PROT_R))
		return 0;

	return prot & KVM_PGTABLE_PROT_W ? block | KPT_S2_WRITE : block & ~KPT_S2_WRITE;
}

static noinline_for_stack int
s2_recover_level(struct kvm_pgtable *pgt, u64 addr, u64 size, s8 level,
		 struct s2_recovery *recovery)
{
	struct pgt_op op __uninitialized;
	int r;

	r = s2_begin(&op, pgt, addr, size, true);
	if (r)
		return min(r, 0);

	op.recovery = recovery;
	/* The guest has used the same memory before, so no cache maintenance is needed. */
	op.skips_maintenance = true;
	r = kpt_collapse(&pgt_port, &op.it, kpt_level(level), s2_recoverable);
	pgt_end(&op);
	return r;
}

int kvm_pgtable_stage2_recover(struct kvm_pgtable *pgt, u64 addr, u64 size,
			       kvm_pgtable_host_prot_t host_prot, void *arg)
{
	struct s2_recovery recovery = { .host_prot = host_prot, .arg = arg };
	int r = 0;

	if (AT_EL2)
		return -EOPNOTSUPP;

	/* Start with the smallest blocks, the larger ones are built from them. */
	for (s8 level = KVM_PGTABLE_LAST_LEVEL - 1; level >= KVM_PGTABLE_MIN_BLOCK_LEVEL &&
	     kvm_granule_size(level) <= size && !r; level--)
		r = s2_recover_level(pgt, addr, size, level, &recovery);
	dsb(ishst);
	return r;
}
