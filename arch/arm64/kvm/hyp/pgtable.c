// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM/arm64's page tables: stage 2 of guests and of pKVM's host, and stage 1 of
 * the hypervisor, as clients of the page-table engine.
 *
 * Built twice: for the kernel, and for nVHE's EL2, where there is no RCU, no
 * memory but what the memory operations give, and a WARN is fatal.
 *
 * What the loops fold is the layout of the page size with 52-bit addresses.  For
 * tables it is right without LPA2, too, as their entries have 0 where it has high
 * address bits; leaves that only move keep what they have there.  New leaves
 * are encoded at run time.
 *
 * Levels: Arm counts from the root to 3, the engine from 0; arm_level() and
 * kpt_level() are where one becomes the other.
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
#define HYP_FORMAT	kpt_hyp_4k_lpa2
#elif PAGE_SHIFT == 14
#define S2_FORMAT	kpt_s2_16k_lpa2
#define HYP_FORMAT	kpt_hyp_16k_lpa2
#else
#define S2_FORMAT	kpt_s2_64k_lpa
#define HYP_FORMAT	kpt_hyp_64k_lpa
#endif

static_assert(KPT_ARM64_VALID == KVM_PTE_VALID);
static_assert(KPT_ARM64_AF == KVM_PTE_LEAF_ATTR_LO_S2_AF);
static_assert(KPT_ARM64_SOFT == KVM_PTE_LEAF_ATTR_HI_SW);
static_assert(KPT_ARM64_FROZEN ==
	      FIELD_PREP_CONST(KVM_INVALID_PTE_TYPE_MASK, KVM_INVALID_PTE_TYPE_LOCKED));
static_assert((KPT_S2_READ | KPT_S2_WRITE | KPT_S2_XN) == KVM_PTE_LEAF_ATTR_S2_PERMS);

/* Memory that the guest used uncached is cleaned in runs of adjacent pages. */
#define CLEAN_RUNS	32

struct clean_list {
	unsigned int nr;
	struct {
		void *start;
		size_t size;
	} runs[CLEAN_RUNS];
};

/* An operation on one tree. */
struct pgt_op {
	struct kpt_tree tree;
	struct kpt_walk walk;
	struct kvm_pgtable_mm_ops *mm_ops;
	struct kvm_s2_mmu *mmu;
	kvm_pte_t cacheable;
	void *memcache;
	kvm_pgtable_host_prot_t host_prot;
	void *arg;
	s8 level;
	bool keeps_reserve;
	bool skips_maintenance;
	struct clean_list *cleans;
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

	/* One execute permission, which is called the privileged one. */
	return prot_of(pte, kpt_hyp_perms(pte) & ~KPT_UX);
}

static int hyp_attrs(enum kvm_pgtable_prot prot, kvm_pte_t *attrs)
{
	bool device = prot & KVM_PGTABLE_PROT_DEVICE;
	bool hvhe = cpus_have_final_cap(ARM64_KVM_HVHE);
	bool lpa2 = kvm_lpa2_is_enabled();
	unsigned int kpt;

	if (!hvhe)
		prot &= ~KVM_PGTABLE_PROT_UX;

	if (!(prot & KVM_PGTABLE_PROT_R) ||
	    (prot & KVM_PGTABLE_PROT_X && (prot & KVM_PGTABLE_PROT_W || device)))
		return -EINVAL;

	kpt = kpt_prot(prot & ~KVM_PGTABLE_PROT_NORMAL_NC);
	if (hvhe)
		*attrs = lpa2 ? kpt_hvhe_attrs_lpa2(kpt, 0) : kpt_hvhe_attrs(kpt, 0);
	else
		*attrs = lpa2 ? kpt_hyp_attrs_lpa2(kpt, 0) : kpt_hyp_attrs(kpt, 0);

	*attrs |= prot & KVM_PTE_LEAF_ATTR_HI_SW;
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

	*attrs = kvm_lpa2_is_enabled() ? kpt_s2_attrs_lpa2(kpt, s2_features()) :
					 kpt_s2_attrs(kpt, s2_features());
	if (pgt->flags & KVM_PGTABLE_S2_AS_S1)
		*attrs = (*attrs & ~KPT_S2_MEMATTR) | PAGE_S2_MEMATTR(AS_S1);

	*attrs |= prot & KVM_PTE_LEAF_ATTR_HI_SW;
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

/* The port: what the engine asks of both kinds of tree */

static __always_inline kpt_pte_t *pgt_table_va(const struct kpt_tree *tree, u64 pa)
{
	return to_op(tree)->mm_ops->phys_to_virt(pa);
}

static __always_inline u64 pgt_table_pa(const struct kpt_tree *tree, kpt_pte_t *table)
{
	return to_op(tree)->mm_ops->virt_to_phys(table);
}

static __always_inline void pgt_free(struct kpt_tree *tree, kpt_pte_t *table)
{
	to_op(tree)->mm_ops->put_page(table);
}

/* A new table is empty, or it is full as it replaces a block. */
static __always_inline void pgt_attached(struct kpt_tree *tree, kpt_pte_t *table, int level)
{
	if (!*table)
		return;

	for (unsigned int i = 0; i < PTRS_PER_PTE; i++)
		to_op(tree)->mm_ops->get_page(table);
}

/*
 * At once for each page, of which a root may have several.  EL2 counts references without
 * locked instructions, so one by one will do there.
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

/* The references to a table's page count its entries that are not 0, and itself. */
static __always_inline void
pgt_changed(struct kpt_tree *tree, const struct kpt_visit *v, kpt_pte_t new)
{
	struct kvm_pgtable_mm_ops *mm_ops = to_op(tree)->mm_ops;

	if (!v->pte && new)
		mm_ops->get_page(kpt_raw(v->ptep));
	else if (v->pte && !new)
		mm_ops->put_page(kpt_raw(v->ptep));
}

static __always_inline void pgt_begin_rcu(struct kpt_tree *tree)
{
	if (!AT_EL2 && !tree->unprotected)
		kpt_rcu_begin(tree);
}

static __always_inline void pgt_end_rcu(struct kpt_tree *tree)
{
	if (!AT_EL2 && !tree->unprotected)
		kpt_rcu_end(tree);
}

/* KVM/arm64 gives the lock away between operations, not within. */
static __always_inline bool pgt_want_yield(struct kpt_tree *tree)
{
	return false;
}

static __always_inline void pgt_yield(struct kpt_tree *tree, bool shared)
{
}

#define PGT_ENV						\
	.table_va	= pgt_table_va,			\
	.table_pa	= pgt_table_pa,			\
	.free		= pgt_free,			\
	.attached	= pgt_attached,			\
	.changed	= pgt_changed,			\
	.emptied	= pgt_drop_references,		\
	.begin		= pgt_begin_rcu,		\
	.end		= pgt_end_rcu,			\
	.want_yield	= pgt_want_yield,		\
	.yield		= pgt_yield

/* Field by field, as what a walk needs is kpt_begin()'s to set. */
static __always_inline void
pgt_op_init_tree(struct pgt_op *op, struct kvm_pgtable_mm_ops *mm_ops, struct kpt_tree tree)
{
	op->tree = tree;
	op->mm_ops = mm_ops;
	op->mmu = NULL;
	op->cacheable = 0;
	op->memcache = NULL;
	op->keeps_reserve = false;
	op->skips_maintenance = tree.retired;
	op->cleans = NULL;
}

/* An operation on all of a tree's tables: begun by pgt_begin(). */
static void pgt_op_init(struct pgt_op *op, struct kvm_pgtable *pgt, bool unprotected)
{
	pgt_op_init_tree(op, pgt->mm_ops, (struct kpt_tree) {
		.root = pgt->pgd,
		.ia_bits = pgt->ia_bits,
		.top = kpt_level(pgt->start_level),
		.unprotected = AT_EL2 || unprotected,
	});
	op->mmu = pgt->mmu;
}

/* An operation on an unlinked table and all below it; no CPU knows of it. */
static void pgt_op_init_unlinked(struct pgt_op *op, struct kvm_pgtable_mm_ops *mm_ops,
				 void *table, s8 level)
{
	pgt_op_init_tree(op, mm_ops, (struct kpt_tree) {
		.root = (kpt_ptep_t)table,
		.ia_bits = kvm_granule_shift(level),
		.top = kpt_level(level) - 1,
		.retired = true,
		.unprotected = true,
	});
}

/* 0 if the caller may walk the pages of its range, 1 if there are none, or an error. */
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

static __always_inline int
pgt_begin(const struct kpt_port *port, struct pgt_op *op, struct kvm_pgtable *pgt,
	  u64 addr, u64 size, bool shared)
{
	u64 end;
	int r = pgt_check_range(pgt, &addr, &end, size);

	return r ?: kpt_begin(port, &op->walk, &op->tree, addr, end, shared);
}

/* To the next entry that is not 0: where memory is used here and there, most are. */
static __always_inline int pgt_pass_empty(const struct kpt_port *port, struct kpt_visit *v)
{
	if (v->level)
		return KPT_NEXT;

	do {
		kpt_visit_next(port, v, 0);
	} while (v->ia < v->stop && !kpt_read(v->ptep));
	return KPT_MOVED;
}

/* For visitors of tables whose entries they have unmapped. */
static __always_inline int
pgt_unlink_empty(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v)
{
	kpt_pte_t *table = kpt_raw(kpt_child_table(port, w->tree, v->pte));

	if (to_op(w->tree)->mm_ops->page_count(table) != 1)
		return KPT_NEXT;

	return kpt_commit(port, w, v, 0, KPT_DETACH);
}

/* Stage 2: the port */

static void s2_clean(struct pgt_op *op)
{
	struct clean_list *list = op->cleans;

	for (unsigned int i = 0; i < list->nr; i++)
		op->mm_ops->dcache_clean_inval_poc(list->runs[i].start, list->runs[i].size);
	list->nr = 0;
}

static kpt_pte_t *s2_alloc(struct kpt_tree *tree, const struct kpt_visit *parent)
{
	struct pgt_op *op = to_op(tree);

	/* The caller of a split refills its cache without the lock, and comes again. */
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
 * Without FEAT_TLBIRANGE each page of a range takes an instruction that is broadcast, about
 * 1.5 us.  One for all of the VM costs each vCPU the walks of stage 2 for all that its TLB
 * held: 1280 entries on a Neoverse N1, some 40 ns each.
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

/*
 * To invalidate one address costs all stage-1 translations of the VM, as its stage 2 is
 * cached combined with them: from two on, they are lost once for the range.
 */
static void s2_invalidate(struct kpt_tree *tree, const struct kpt_debt *debt)
{
	struct kvm_s2_mmu *mmu = to_op(tree)->mmu;
	u64 size = debt->end - debt->start;
	int level = __ffs(debt->levels);
	bool one = debt->levels == BIT(level) && size == kpt_span(&S2_FORMAT, level);

	if (debt->owes & KPT_OWES_WALK)
		s2_count(mmu, table);

	if (debt->owes == KPT_OWES_LOCAL) {
		kvm_call_hyp(__kvm_tlb_flush_vmid_ipa_nsh, mmu, debt->start,
			     one ? arm_level(level) : TLBI_TTL_UNKNOWN);
		s2_count(mmu, local);
	} else if (one && !(debt->owes & KPT_OWES_WALK)) {
		kvm_call_hyp(__kvm_tlb_flush_vmid_ipa, mmu, debt->start, arm_level(level));
		s2_count(mmu, page);
	} else {
		kvm_tlb_flush_vmid_range(mmu, debt->start, size);
	}
}

/*
 * In the kernel the table outlives the RCU section of this walk, and so the
 * invalidation that the walk owes.  At EL2 it is gone when this returns.
 */
static __always_inline void
s2_take_over(const struct kpt_port *port, struct kpt_walk *w, kpt_pte_t *table, int level)
{
	struct kvm_pgtable_mm_ops *mm_ops = to_op(w->tree)->mm_ops;

	if (AT_EL2)
		kpt_pay(port, w->tree, &w->gather.debt);
	if (AT_EL2 && !mm_ops->free_unlinked_table)
		kvm_pgtable_stage2_free_unlinked(mm_ops, table, arm_level(level + 1));
	else
		mm_ops->free_unlinked_table(table, arm_level(level + 1));
}

static __always_inline bool s2_needs_break(struct kpt_tree *tree)
{
	return !system_supports_bbml3();
}

static bool s2_is_other_memory(kvm_pte_t old, kvm_pte_t new)
{
	u64 same = KVM_PTE_LEAF_ATTR_S2_PERMS | KPT_ARM64_AF | KPT_ARM64_SOFT;

	return !kvm_pte_valid(old) || (old ^ new) & ~same;
}

/* Without FWB a guest may write past the caches. */
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

static bool s2_prepares(struct kpt_tree *tree, kvm_pte_t old, kvm_pte_t new, int level)
{
	struct pgt_op *op = to_op(tree);

	return !op->skips_maintenance && kpt_is_leaf(&S2_FORMAT, new, level) &&
	       (s2_cleans_data(op, old, new) || s2_cleans_code(op, old, new));
}

static void s2_prepare(struct kpt_tree *tree, kvm_pte_t old, kvm_pte_t new, int level)
{
	struct pgt_op *op = to_op(tree);
	void *memory = leaf_va(op, new);

	if (s2_cleans_data(op, old, new))
		op->mm_ops->dcache_clean_inval_poc(memory, kpt_span(&S2_FORMAT, level));
	if (s2_cleans_code(op, old, new))
		op->mm_ops->icache_inval_pou(memory, kpt_span(&S2_FORMAT, level));
}

static const struct kpt_env s2_env = {
	PGT_ENV,
	.alloc		= s2_alloc,
	.invalidate	= s2_invalidate,
	.take_over	= s2_take_over,
	.needs_break	= s2_needs_break,
	.prepares	= s2_prepares,
	.prepare	= s2_prepare,
};

DEFINE_KPT_PORT(s2, S2_FORMAT, s2_env);

/* Walking: for callers that bring their own visitor */

struct walk_by_caller {
	struct kvm_pgtable_walker *walker;
	int result;
};

static enum kvm_pgtable_walk_flags visit_kind(const struct kpt_visit *v)
{
	if (v->emptied)
		return KVM_PGTABLE_WALK_TABLE_POST;
	if (kpt_is_table(&S2_FORMAT, v->pte, v->level))
		return KVM_PGTABLE_WALK_TABLE_PRE;
	return KVM_PGTABLE_WALK_LEAF;
}

static __always_inline int
caller_visitor(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v, void *arg)
{
	struct walk_by_caller *by = arg;
	struct kvm_pgtable_visit_ctx ctx = {
		.ptep	= kpt_raw(v->ptep),
		.old	= v->pte,
		.arg	= by->walker->arg,
		.mm_ops	= to_op(w->tree)->mm_ops,
		.start	= w->start,
		.addr	= max(v->ia, w->start),
		.end	= w->end,
		.level	= arm_level(v->level),
		.flags	= by->walker->flags,
	};

	WARN_ON_ONCE(kvm_pgtable_walk_shared(&ctx) && !kvm_pgtable_walk_lock_held());
	by->result = by->walker->cb(&ctx, visit_kind(v));

	/* A race that was lost ends a fault, not a walk over a range. */
	if (by->result == -EAGAIN && ctx.flags & KVM_PGTABLE_WALK_IGNORE_EAGAIN)
		by->result = 0;

	/* The visitor may have put a table here, to be walked next. */
	v->pte = kpt_read(v->ptep);
	return by->result ? KPT_STOP : KPT_NEXT;
}

int kvm_pgtable_walk(struct kvm_pgtable *pgt, u64 addr, u64 size,
		     struct kvm_pgtable_walker *walker)
{
	struct walk_by_caller by = { .walker = walker };
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
		what |= KPT_EMPTIED;

	pgt_op_init(&op, pgt, !shared);
	r = pgt_begin(&s2_port, &op, pgt, addr, size, shared);
	if (r)
		return min(r, 0);

	kpt_walk_range(&s2_port, &op.walk, 0, what, caller_visitor, &by);
	kpt_end(&s2_port, &op.walk);
	return by.result;
}

int kvm_pgtable_get_leaf(struct kvm_pgtable *pgt, u64 addr, kvm_pte_t *ptep, s8 *level)
{
	struct kpt_visit v;
	struct pgt_op op __uninitialized;
	u64 end;
	int r = pgt_check_range(pgt, &addr, &end, PAGE_SIZE);

	if (r)
		return r;

	pgt_op_init(&op, pgt, true);
	kpt_find(&s2_port, &op.tree, addr, 0, &v);
	if (ptep)
		*ptep = v.pte;
	if (level)
		*level = arm_level(v.level);
	return 0;
}

/* Stage 1 of the hypervisor */

static void hyp_invalidate(struct kpt_tree *tree, const struct kpt_debt *debt)
{
	dsb(ishst);
	if (debt->owes & KPT_OWES_WALK)
		__tlbi_level(vae2is, debt->start, TLBI_TTL_UNKNOWN);
	else
		__tlbi_level(vale2is, debt->start, arm_level(__ffs(debt->levels)));
	__tlbi_sync_s1ish_hyp();
	isb();
}

static __always_inline void
hyp_take_over(const struct kpt_port *port, struct kpt_walk *w, kpt_pte_t *table, int level)
{
	kpt_pay(port, w->tree, &w->gather.debt);
	to_op(w->tree)->mm_ops->put_page(table);
}

static const struct kpt_env hyp_env = {
	PGT_ENV,
	.invalidate	= hyp_invalidate,
	.take_over	= hyp_take_over,
};

DEFINE_KPT_PORT(hyp, HYP_FORMAT, hyp_env);

/* Memory, or an annotation, that a range is to have. */
struct mapping {
	u64 start;
	u64 phys;
	kvm_pte_t attrs;
	kvm_pte_t annotation;
	bool annotates;
	bool force_pte;
	bool ignores_races;
};

static __always_inline bool
mapping_fits(const struct kpt_format *fmt, const struct kpt_walk *w, const struct mapping *m,
	     const struct kpt_visit *v)
{
	u64 span = kpt_span(fmt, v->level);

	if (!v->level)
		return true;

	return !m->force_pte && kvm_level_supports_block_mapping(arm_level(v->level)) &&
	       v->ia >= w->start && v->ia + span <= w->end &&
	       IS_ALIGNED(m->phys + (v->ia - m->start), span);
}

static __always_inline kvm_pte_t mapping_pte(const struct mapping *m, const struct kpt_visit *v)
{
	if (m->annotates)
		return m->annotation;

	return leaf_pte(m->phys + (v->ia - m->start), m->attrs, v->level);
}

static __always_inline int
hyp_map_visitor(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v, void *arg)
{
	const struct mapping *m = arg;
	enum kpt_class change;
	kvm_pte_t *table, new;
	int r;

	/* A table stays, also where a block would fit. */
	if (kpt_is_table(port->format, v->pte, v->level))
		return KPT_NEXT;

	if (!mapping_fits(port->format, w, m, v)) {
		if (WARN_ON(v->pte))
			return -EINVAL;
		table = to_op(w->tree)->mm_ops->zalloc_page(NULL);
		return table ? kpt_link(port, w, v, table) : -ENOMEM;
	}

	new = mapping_pte(m, v);
	change = kpt_classify(port->format, v->pte, new, v->level);
	if (change == KPT_NONE)
		return KPT_SKIP;

	/* What is mapped stays mapped, to the same memory. */
	if (WARN_ON(change != KPT_MAP && change != KPT_SOFT))
		return -EINVAL;

	r = kpt_commit(port, w, v, new, change);
	return r ?: KPT_SKIP;
}

int kvm_pgtable_hyp_map(struct kvm_pgtable *pgt, u64 addr, u64 size, u64 phys,
			enum kvm_pgtable_prot prot)
{
	struct mapping m = {
		.start = ALIGN_DOWN(addr, PAGE_SIZE),
		.phys = ALIGN_DOWN(phys, PAGE_SIZE),
	};
	struct pgt_op op __uninitialized;
	int r;

	r = hyp_attrs(prot, &m.attrs);
	if (r)
		return r;

	pgt_op_init(&op, pgt, true);
	r = pgt_begin(&hyp_port, &op, pgt, addr, size, false);
	if (r)
		return min(r, 0);

	r = kpt_walk_range(&hyp_port, &op.walk, 0, KPT_LEAVES | KPT_TABLES | KPT_ABSENT,
			   hyp_map_visitor, &m);
	kpt_end(&hyp_port, &op.walk);
	dsb(ishst);
	isb();
	return r;
}

static __always_inline int
hyp_unmap_visitor(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v, void *arg)
{
	u64 left = w->end - max(v->ia, w->start);
	u64 *unmapped = arg;
	int r;

	if (v->emptied)
		return pgt_unlink_empty(port, w, v);

	if (!kvm_pte_valid(v->pte) || left < kpt_span(port->format, v->level))
		return -EINVAL;

	r = kpt_commit(port, w, v, 0, KPT_UNMAP);
	if (r)
		return r;

	port->settle(w->tree, &w->gather);
	*unmapped += kpt_span(port->format, v->level);
	return KPT_NEXT;
}

u64 kvm_pgtable_hyp_unmap(struct kvm_pgtable *pgt, u64 addr, u64 size)
{
	struct pgt_op op __uninitialized;
	u64 unmapped = 0;

	if (!pgt->mm_ops->page_count)
		return 0;

	pgt_op_init(&op, pgt, true);
	if (pgt_begin(&hyp_port, &op, pgt, addr, size, false))
		return 0;

	kpt_walk_range(&hyp_port, &op.walk, 0, KPT_ENTRIES | KPT_EMPTIED, hyp_unmap_visitor,
		       &unmapped);
	kpt_end(&hyp_port, &op.walk);
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

/* From the entry at @v to the last before another table, one that is 0, or the end. */
static __always_inline int
free_entries(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v)
{
	kpt_ptep_t first = v->ptep;

	do {
		kpt_visit_next(port, v, v->level);
	} while (v->ia < v->stop && (v->pte = kpt_read(v->ptep)) &&
		 !kpt_is_table(port->format, v->pte, v->level));
	pgt_drop_references(w->tree, kpt_raw(first), v->ptep - first);
	return KPT_MOVED;
}

/* Freeing what no CPU uses any more: a leaf is visited once and stays set. */
static __always_inline int
free_visitor(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v, void *arg)
{
	struct kvm_pgtable_mm_ops *mm_ops = to_op(w->tree)->mm_ops;

	if (v->emptied) {
		kpt_pte_t *table = kpt_raw(kpt_child_table(port, w->tree, v->pte));

		/* The kernel's part of the hypervisor's tables is freed as a whole. */
		if (mm_ops->page_count && mm_ops->page_count(table) != 1)
			return KPT_NEXT;
		mm_ops->put_page(table);
		kpt_store(v->ptep, 0);
		mm_ops->put_page(kpt_raw(v->ptep));
		return KPT_NEXT;
	}
	return v->pte ? free_entries(port, w, v) : pgt_pass_empty(port, v);
}

static int free_tables(struct pgt_op *op)
{
	return kpt_walk_range(&s2_port, &op->walk, 0, KPT_ENTRIES | KPT_EMPTIED, free_visitor,
			      NULL);
}

static void free_range(struct kvm_pgtable *pgt, u64 addr, u64 size)
{
	struct pgt_op op __uninitialized;

	pgt_op_init(&op, pgt, true);
	if (WARN_ON(pgt_begin(&s2_port, &op, pgt, addr, size, false) < 0))
		return;
	WARN_ON(free_tables(&op));
	kpt_end(&s2_port, &op.walk);
}

void kvm_pgtable_hyp_destroy(struct kvm_pgtable *pgt)
{
	free_range(pgt, 0, BIT(pgt->ia_bits));
	pgt->mm_ops->put_page(kvm_dereference_pteref_raw(pgt->pgd));
	pgt->pgd = NULL;
}

/* Stage 2: the life of a tree */

u64 kvm_get_vtcr(u64 mmfr0, u64 mmfr1, u32 phys_shift)
{
	/* Two levels at least, or the host's PMD blocks could not be mapped. */
	s8 levels = max(stage2_pgtable_levels(phys_shift), 2);
	u64 vtcr = VTCR_EL2_FLAGS | VTCR_EL2_LVLS_TO_SL0(levels) |
		   FIELD_PREP(VTCR_EL2_PS, kvm_get_parange(mmfr0)) |
		   FIELD_PREP(VTCR_EL2_T0SZ, 64 - phys_shift);

	/* RES0 on CPUs without hardware management of the access flag, hence harmless. */
	if (IS_ENABLED(CONFIG_ARM64_HW_AFDBM) &&
	    !cpus_have_final_cap(ARM64_WORKAROUND_AMPERE_AC03_CPU_38))
		vtcr |= VTCR_EL2_HA;

	/* The root is always concatenated, so LPA2's fifth level is not needed, nor SL2. */
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

	/* The hardware walker sees a root that is empty, not what was there before. */
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

	/* A table whose entries were unmapped one by one need not be searched for more. */
	if (mm_ops->page_count(pgtable) == 1) {
		mm_ops->put_page(pgtable);
		return;
	}

	pgt_op_init_unlinked(&op, mm_ops, pgtable, level);
	WARN_ON(kpt_begin(&s2_port, &op.walk, &op.tree, 0, kvm_granule_size(level), false));
	WARN_ON(free_tables(&op));
	kpt_end(&s2_port, &op.walk);
	WARN_ON(mm_ops->page_count(pgtable) != 1);
	mm_ops->put_page(pgtable);
}

/* Stage 2: mapping */

static int s2_begin(struct pgt_op *op, struct kvm_pgtable *pgt, u64 addr, u64 size, bool shared)
{
	if (AT_EL2 && shared)
		return -EPERM;

	pgt_op_init(op, pgt, false);
	op->cacheable = s2_cacheable(pgt);
	return pgt_begin(&s2_port, op, pgt, addr, size, shared);
}

/*
 * A table for a part of the range.  Of a block, the rest is left to be mapped by
 * faults; as that is no longer what the block mapped, no CPU is spared the break.
 */
static __always_inline int
s2_link_empty(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v)
{
	kpt_pte_t *table = port->env->alloc(w->tree, v);
	kvm_pte_t new;
	int r;

	if (!table)
		return -ENOMEM;

	new = kpt_make_table(port, w->tree, table);
	r = kvm_pte_valid(v->pte) ? kpt_commit_slowly(port, w, v, new, KPT_SPLIT) :
				    kpt_commit(port, w, v, new, KPT_MAP);
	if (r)
		port->env->free(w->tree, table);
	else
		v->pte = new;
	return r;
}

static __always_inline int
s2_map_entry(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v, kvm_pte_t new)
{
	enum kpt_class change = kpt_classify(port->format, v->pte, new, v->level);

	switch (change) {
	case KPT_NONE:
		return 0;
	case KPT_MAP:
	case KPT_SOFT:
	case KPT_ANNOTATE:
	case KPT_UNMAP:
		return kpt_commit(port, w, v, new, change);
	case KPT_COLLAPSE:
		/* The table need not have mapped what the block does. */
		return kpt_commit_slowly(port, w, v, new, change);
	default:
		return kpt_commit(port, w, v, new, KPT_REMAP);
	}
}

static __always_inline int
s2_map_one(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v,
	   const struct mapping *m)
{
	kvm_pte_t new;
	int r;

	if (kpt_frozen(port->format, v->pte))
		return -EAGAIN;

	if (!mapping_fits(port->format, w, m, v)) {
		if (kpt_is_table(port->format, v->pte, v->level))
			return KPT_NEXT;
		return s2_link_empty(port, w, v);
	}

	/*
	 * Another vCPU mapped the same.  If it is not allowed enough, the next fault
	 * is one of permissions, and relaxes them.
	 */
	new = mapping_pte(m, v);
	if (kvm_pte_valid(v->pte) && kvm_pte_valid(new) &&
	    !((v->pte ^ new) & ~KVM_PTE_LEAF_ATTR_S2_PERMS))
		return -EAGAIN;

	r = s2_map_entry(port, w, v, new);
	return r ?: KPT_SKIP;
}

/* A race that was lost ends a fault, which happens again, but not a walk over a range. */
static __always_inline int
s2_map_visitor(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v, void *arg)
{
	const struct mapping *m = arg;
	int r = s2_map_one(port, w, v, m);

	return r == -EAGAIN && m->ignores_races ? KPT_NEXT : r;
}

static int s2_map_range(struct pgt_op *op, struct mapping *m)
{
	return kpt_walk_range(&s2_port, &op->walk, 0,
			      KPT_ENTRIES | KPT_TABLES, s2_map_visitor, m);
}

int kvm_pgtable_stage2_map(struct kvm_pgtable *pgt, u64 addr, u64 size, u64 phys,
			   enum kvm_pgtable_prot prot, void *mc, enum kvm_pgtable_walk_flags flags)
{
	struct mapping m = {
		.start = ALIGN_DOWN(addr, PAGE_SIZE),
		.phys = ALIGN_DOWN(phys, PAGE_SIZE),
		.force_pte = pgt->force_pte_cb && pgt->force_pte_cb(addr, addr + size, prot),
		.ignores_races = flags & KVM_PGTABLE_WALK_IGNORE_EAGAIN,
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
	op.tree.retired = flags & KVM_PGTABLE_WALK_SKIP_BBM_TLBI;
	r = s2_map_range(&op, &m);
	kpt_end(&s2_port, &op.walk);
	dsb(ishst);
	return r;
}

int kvm_pgtable_stage2_annotate(struct kvm_pgtable *pgt, u64 addr, u64 size, void *mc,
				enum kvm_invalid_pte_type type, kvm_pte_t annotation)
{
	struct mapping m = {
		.annotation = annotation | FIELD_PREP(KVM_INVALID_PTE_TYPE_MASK, type),
		.annotates = true,
		.force_pte = true,
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
	r = s2_map_range(&op, &m);
	kpt_end(&s2_port, &op.walk);
	return r;
}

kvm_pte_t *kvm_pgtable_stage2_create_unlinked(struct kvm_pgtable *pgt, u64 phys, s8 level,
					      enum kvm_pgtable_prot prot, void *mc, bool force_pte)
{
	struct kvm_pgtable_mm_ops *mm_ops = pgt->mm_ops;
	struct mapping m = { .phys = phys, .force_pte = force_pte };
	struct pgt_op op __uninitialized;
	void *table;
	int r;

	r = IS_ALIGNED(phys, kvm_granule_size(level)) ? s2_attrs(pgt, prot, &m.attrs) : -EINVAL;
	if (r)
		return ERR_PTR(r);

	table = mm_ops->zalloc_page(mc);
	if (!table)
		return ERR_PTR(-ENOMEM);

	pgt_op_init_unlinked(&op, mm_ops, table, level);
	op.memcache = mc;
	r = kpt_begin(&s2_port, &op.walk, &op.tree, 0, kvm_granule_size(level), false);
	if (!r) {
		r = s2_map_range(&op, &m);
		kpt_end(&s2_port, &op.walk);
	}
	if (r) {
		kvm_pgtable_stage2_free_unlinked(mm_ops, table, level);
		return ERR_PTR(r);
	}
	return table;
}

/* Stage 2: unmapping */

/* What the caches hold of memory that the guest wrote past them is stale. */
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

	/* The guest must not write any more when the caches are cleaned. */
	if (list->nr == CLEAN_RUNS) {
		kpt_pay(&s2_port, &op->tree, &op->walk.gather.debt);
		s2_clean(op);
	}
	list->runs[list->nr].start = start;
	list->runs[list->nr++].size = size;
}

static __always_inline int
s2_unmap_visitor(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v, void *arg)
{
	struct pgt_op *op = to_op(w->tree);

	if (v->emptied)
		return pgt_unlink_empty(port, w, v);

	if (!v->pte)
		return pgt_pass_empty(port, v);
	if (!kvm_pte_valid(v->pte))
		return kpt_commit(port, w, v, 0, KPT_ANNOTATE);

	if (s2_needs_cleaning(op))
		s2_clean_later(op, v->pte, kpt_span(port->format, v->level));
	else if (v->level == 0)
		return kpt_empty_range(port, w, v, v->stop, 0);
	else if (v->level == 1)
		return kpt_empty_range(port, w, v, v->stop, 1);
	return kpt_commit(port, w, v, 0, KPT_UNMAP);
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
	r = kpt_walk_range(&s2_port, &op.walk, 0, KPT_ENTRIES | KPT_EMPTIED, s2_unmap_visitor,
			   NULL);
	kpt_end(&s2_port, &op.walk);
	s2_clean(&op);
	return r;
}

/* Stage 2: permissions, ageing, caches */

int kvm_pgtable_stage2_wrprotect(struct kvm_pgtable *pgt, u64 addr, u64 size)
{
	struct pgt_op op __uninitialized;
	int r;

	r = s2_begin(&op, pgt, addr, size, false);
	if (r)
		return min(r, 0);

	/* Nothing is owed here: the caller invalidates once for all that it protects. */
	op.tree.retired = true;
	r = kpt_wrprot(&s2_port, &op.walk, 0, 0);
	kpt_end(&s2_port, &op.walk);
	return r;
}

void kvm_pgtable_stage2_mkyoung(struct kvm_pgtable *pgt, u64 addr,
				enum kvm_pgtable_walk_flags flags)
{
	struct kpt_visit v;
	struct pgt_op op __uninitialized;
	int r;

	if (s2_begin(&op, pgt, addr, 1, flags & KVM_PGTABLE_WALK_SHARED))
		return;

	kpt_find(&s2_port, &op.tree, op.walk.start, 0, &v);
	if (kvm_pte_valid(v.pte) && !(v.pte & KPT_ARM64_AF)) {
		r = kpt_commit(&s2_port, &op.walk, &v, v.pte | KPT_ARM64_AF, KPT_YOUNG);
		if (!r)
			dsb(ishst);
	}
	kpt_end(&s2_port, &op.walk);
}

bool kvm_pgtable_stage2_test_clear_young(struct kvm_pgtable *pgt, u64 addr, u64 size, bool mkold)
{
	struct pgt_op op __uninitialized;
	bool young;
	int r;

	pgt_op_init(&op, pgt, false);
	r = pgt_begin(&s2_port, &op, pgt, addr, size, true);
	if (WARN_ON(r < 0) || r)
		return false;

	young = kpt_age(&s2_port, &op.walk, KPT_ARM64_AF, !mkold);
	kpt_end(&s2_port, &op.walk);
	return young;
}

/*
 * No other CPU is told: one that knows of less faults, and comes here as well.  The
 * CPU that faulted forgets what it knew, even if another was faster.
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

	r = kpt_relax(&s2_port, &op.walk, kpt_prot(prot), s2_features(), &level);
	if (r == -ENOENT)
		r = -EAGAIN;
	if (r == -EAGAIN)
		kpt_owe_range(&s2_port, &op.walk, KPT_RELAX, op.walk.start, op.walk.end, ~0);
	kpt_end(&s2_port, &op.walk);
	return r;
}

static __always_inline int
s2_flush_visitor(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v, void *arg)
{
	struct pgt_op *op = to_op(w->tree);

	if ((v->pte & KPT_S2_MEMATTR) == op->cacheable)
		op->mm_ops->dcache_clean_inval_poc(leaf_va(op, v->pte),
						   kpt_span(port->format, v->level));
	return KPT_NEXT;
}

int kvm_pgtable_stage2_flush(struct kvm_pgtable *pgt, u64 addr, u64 size)
{
	struct pgt_op op __uninitialized;
	int r;

	if (cpus_have_final_cap(ARM64_HAS_STAGE2_FWB) || !pgt->mm_ops->dcache_clean_inval_poc)
		return 0;

	r = s2_begin(&op, pgt, addr, size, false);
	if (r)
		return min(r, 0);

	r = kpt_walk_range(&s2_port, &op.walk, 0, KPT_LEAVES, s2_flush_visitor, NULL);
	kpt_end(&s2_port, &op.walk);
	return r;
}

/* Stage 2: huge pages */

int kvm_pgtable_stage2_split(struct kvm_pgtable *pgt, u64 addr, u64 size,
			     struct kvm_mmu_memory_cache *mc)
{
	unsigned int budget = UINT_MAX;
	struct pgt_op op __uninitialized;
	int r;

	r = s2_begin(&op, pgt, addr, size, false);
	if (r)
		return min(r, 0);

	op.memcache = mc;
	op.keeps_reserve = true;
	r = kpt_split(&s2_port, &op.walk, 0, &budget);
	kpt_end(&s2_port, &op.walk);
	dsb(ishst);
	return r;
}

/*
 * The block for a table of this pass's level.  Other faults only allow more meanwhile;
 * whoever unmaps or protects waits for the lock.
 */
static u64 s2_recoverable(struct kpt_walk *w, struct kpt_visit *v)
{
	struct pgt_op *op = to_op(w->tree);
	u64 size = kpt_span(&S2_FORMAT, v->level);
	enum kvm_pgtable_prot prot;
	kvm_pte_t block;

	if (arm_level(v->level) != op->level || v->ia < w->start || v->ia + size > w->end)
		return 0;

	block = kpt_uniform_block(&s2_port, w->tree, v, KPT_S2_WRITE);
	if (!block)
		return 0;

	prot = op->host_prot(v->ia, kvm_pte_to_phys(block), size, op->arg);
	if (!(prot & KVM_PGTABLE_PROT_R))
		return 0;

	return prot & KVM_PGTABLE_PROT_W ? block | KPT_S2_WRITE : block & ~KPT_S2_WRITE;
}

static noinline_for_stack int
s2_recover_level(struct kvm_pgtable *pgt, u64 addr, u64 size, s8 level,
		 kvm_pgtable_host_prot_t host_prot, void *arg)
{
	struct pgt_op op __uninitialized;
	int r;

	r = s2_begin(&op, pgt, addr, size, true);
	if (r)
		return min(r, 0);

	op.host_prot = host_prot;
	op.arg = arg;
	op.level = level;
	/* The same memory as before, which the guest has used already. */
	op.skips_maintenance = true;
	r = kpt_collapse(&s2_port, &op.walk, kpt_level(level), s2_recoverable);
	kpt_end(&s2_port, &op.walk);
	return r;
}

int kvm_pgtable_stage2_recover(struct kvm_pgtable *pgt, u64 addr, u64 size,
			       kvm_pgtable_host_prot_t host_prot, void *arg)
{
	int r = 0;

	/* From small blocks to large ones, which are made of them. */
	for (s8 level = KVM_PGTABLE_LAST_LEVEL - 1; level >= KVM_PGTABLE_MIN_BLOCK_LEVEL &&
	     kvm_granule_size(level) <= size && !r; level--)
		r = s2_recover_level(pgt, addr, size, level, host_prot, arg);
	dsb(ishst);
	return r;
}
