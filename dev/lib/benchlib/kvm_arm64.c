// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM/arm64's stage-2 page tables, called as the rest of KVM calls them.  Linked once to the
 * unmodified kernel's pgtable.c and once to the ported kernel's.
 */
#include "arm64.h"
#include "surroundings.h"

/* What the code under measurement calls */

void bench_invalidate(struct kvm_s2_mmu *mmu)
{
}

void __folio_put(struct folio *folio)
{
	bench_give(folio_address(folio));
}

static void *alloc_table(void)
{
	void *table = bench_take();

	set_page_count(virt_to_page(table), 1);
	return table;
}

static void *zalloc_table(void *cache)
{
	((struct kvm_mmu_memory_cache *)cache)->nobjs--;
	return alloc_table();
}

static void *zalloc_root(size_t size)
{
	bench_demand(size == PAGE_SIZE, "the root is no single table");
	return alloc_table();
}

static void free_root(void *table, size_t size)
{
	bench_give(table);
}

static struct kvm_pgtable_mm_ops mm_ops;

static void free_unlinked_table_rcu(struct rcu_head *head)
{
	struct page *page = container_of(head, struct page, rcu_head);

	kvm_pgtable_stage2_free_unlinked(&mm_ops, page_address(page), page_private(page));
}

static void free_unlinked_table(void *table, s8 level)
{
	struct page *page = virt_to_page(table);

	set_page_private(page, level);
	call_rcu(&page->rcu_head, free_unlinked_table_rcu);
}

static void take_reference(void *table)
{
	get_page(virt_to_page(table));
}

static void drop_reference(void *table)
{
	put_page(virt_to_page(table));
}

#ifdef CONFIG_KVM_PGTABLE
static void drop_references(void *table, unsigned int nr)
{
	page_ref_sub(virt_to_page(table), nr);
}
#endif

static int count_references(void *table)
{
	return page_count(virt_to_page(table));
}

static void *to_va(phys_addr_t pa)
{
	return __va(pa);
}

static phys_addr_t to_pa(void *va)
{
	return __pa(va);
}

/* With FEAT_S2FWB and CTR_EL0.DIC, KVM has nothing to do here. */
static void no_maintenance(void *memory, size_t size)
{
}

static struct kvm_pgtable_mm_ops mm_ops = {
	.zalloc_page		= zalloc_table,
	.zalloc_pages_exact	= zalloc_root,
	.free_pages_exact	= free_root,
	.free_unlinked_table	= free_unlinked_table,
	.get_page		= take_reference,
	.put_page		= drop_reference,
#ifdef CONFIG_KVM_PGTABLE
	.put_pages		= drop_references,
#endif
	.page_count		= count_references,
	.phys_to_virt		= to_va,
	.virt_to_phys		= to_pa,
	.dcache_clean_inval_poc	= no_maintenance,
	.icache_inval_pou	= no_maintenance,
};

/* What calls it */

#define IA_BITS	48

static struct kvm kvm;
static struct kvm_pgtable pgt;
static struct kvm_s2_mmu mmu = { .kvm = &kvm, .pgt = &pgt };
static struct kvm_mmu_memory_cache *const cache = &mmu.split_page_cache;

static bool forces_pages;

static bool force_pte(u64 addr, u64 end, enum kvm_pgtable_prot prot)
{
	return forces_pages;
}

static void create(void)
{
	mmu.vtcr = FIELD_PREP(VTCR_EL2_T0SZ, 64 - IA_BITS) | VTCR_EL2_LVLS_TO_SL0(4);
	bench_demand(!__kvm_pgtable_stage2_init(&pgt, &mmu, &mm_ops, 0, force_pte), "no tree");
	/* Filled well enough for each operation; the tables come from the pool. */
	cache->nobjs = INT_MAX;
}

static void destroy(void)
{
	kvm_pgtable_stage2_destroy_range(&pgt, 0, BIT(IA_BITS));
	kvm_pgtable_stage2_destroy_pgd(&pgt);
}

static void install(u64 ia, u64 oa, u64 size, bool pages, enum kvm_pgtable_walk_flags flags)
{
	forces_pages = pages;
	bench_demand(!kvm_pgtable_stage2_map(&pgt, ia, size, oa, KVM_PGTABLE_PROT_RWX, cache,
					     flags), "a range is not mapped");
}

static void map(u64 ia, u64 oa, u64 size, u64 span)
{
	install(ia, oa, size, span == BENCH_4K, 0);
}

static void fault(u64 ia, u64 oa)
{
	install(ia, oa, BENCH_4K, true, KVM_PGTABLE_WALK_SHARED);
}

static void unmap(u64 ia, u64 size)
{
	bench_demand(!kvm_pgtable_stage2_unmap(&pgt, ia, size), "a range is not unmapped");
}

/* A walk by one who holds the lock for write, as KVM looks up what it is about to change. */
static u64 lookup(u64 ia)
{
	kvm_pte_t pte;
	s8 level;

	bench_demand(!kvm_pgtable_get_leaf(&pgt, ia, &pte, &level), "nothing is found");
	return kvm_pte_to_phys(pte) | (ia & (kvm_granule_size(level) - 1));
}

static void wrprot(u64 ia, u64 size)
{
	bench_demand(!kvm_pgtable_stage2_wrprotect(&pgt, ia, size), "nothing is write-protected");
}

static void age(u64 ia, u64 size)
{
	bench_demand(kvm_pgtable_stage2_test_clear_young(&pgt, ia, size, true),
		     "nothing was young");
}

static void split(u64 ia, u64 size)
{
	bench_demand(!kvm_pgtable_stage2_split(&pgt, ia, size, cache), "blocks are left");
}

/* As faults on blocks do it. */
static void collapse(u64 ia, u64 oa, u64 size)
{
	for (u64 at = 0; at < size; at += BENCH_2M)
		install(ia + at, oa + at, BENCH_2M, false, KVM_PGTABLE_WALK_SHARED);
}

static struct bench_leaf look(u64 ia)
{
	struct bench_leaf leaf = { };
	enum kvm_pgtable_prot prot;
	kvm_pte_t pte;
	s8 level;

	if (kvm_pgtable_get_leaf(&pgt, ia, &pte, &level) || !kvm_pte_valid(pte))
		return leaf;

	prot = kvm_pgtable_stage2_pte_prot(pte);
	leaf.span = kvm_granule_size(level);
	leaf.oa = kvm_pte_to_phys(pte) | (ia & (leaf.span - 1));
	leaf.bits = (prot & KVM_PGTABLE_PROT_W ? BENCH_WRITABLE : 0) |
		    (pte & KVM_PTE_LEAF_ATTR_LO_S2_AF ? BENCH_YOUNG : 0);
	return leaf;
}

static const struct bench_candidate stage2 = {
	.name		= "KVM/arm64 stage2",
	.create		= create,
	.destroy	= destroy,
	.populate	= map,
	.map		= map,
	.fault		= fault,
	.unmap		= unmap,
	.lookup		= lookup,
	.wrprot		= wrprot,
	.age		= age,
	.split		= split,
	.collapse	= collapse,
	.look		= look,
};

const struct bench_candidate *const bench_candidates[] = { &stage2, NULL };
