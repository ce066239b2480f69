// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM/RISC-V's G-stage with Sv48x4, called as its mmu.c calls it.  Linked once to the unmodified
 * kernel's gstage.c and once to the ported kernel's.
 */
#include "riscv.h"
#include "surroundings.h"

#ifdef CONFIG_KVM_PGTABLE
#include <kvm/gstage.h>
#endif

#define LEVELS	4

/* What the code under measurement calls */

static struct kvm_mmu_memory_cache cache;

/* Filled well enough for each operation; the tables come from the pool. */
int kvm_mmu_memory_cache_nr_free_objects(struct kvm_mmu_memory_cache *cache)
{
	return INT_MAX;
}

static void *tables[1024];
static unsigned int tables_used;

void *kvm_mmu_memory_cache_alloc(struct kvm_mmu_memory_cache *cache)
{
	bench_demand(tables_used < ARRAY_SIZE(tables), "there are too many tables");
	return tables[tables_used++] = bench_take();
}

void free_pages(unsigned long table, unsigned int order)
{
	bench_give((void *)table);
}

void __folio_put(struct folio *folio)
{
	bench_give(folio_address(folio));
}

static long table_pages;

void mod_node_page_state(struct pglist_data *node, enum node_stat_item item, long delta)
{
	table_pages += delta;
}

int __cond_resched_rwlock_write(rwlock_t *lock)
{
	bench_demand(!need_resched() && !rwlock_needbreak(lock), "somebody wants the lock");
	return 0;
}

void kvm_flush_remote_tlbs_range(struct kvm *kvm, gfn_t gfn, u64 pages)
{
}

void kvm_riscv_local_hfence_gvma_all(void)
{
}

void kvm_riscv_local_hfence_gvma_vmid_gpa(unsigned long vmid, gpa_t gpa, gpa_t size,
					  unsigned long order)
{
}

void kvm_riscv_hfence_gvma_vmid_all(struct kvm *kvm, unsigned long base, unsigned long harts,
				    unsigned long vmid)
{
}

void kvm_riscv_hfence_gvma_vmid_gpa(struct kvm *kvm, unsigned long base, unsigned long harts,
				    gpa_t gpa, gpa_t size, unsigned long order,
				    unsigned long vmid)
{
}

/* What calls it */

static struct kvm kvm;
static u64 root[PTRS_PER_PTE << kvm_riscv_gstage_pgd_xbits] __aligned(4 * PAGE_SIZE);

static void create(void)
{
	memset(root, 0, sizeof(root));
	tables_used = 0;
	kvm.arch.pgd = (pgd_t *)root;
	kvm.arch.pgd_levels = LEVELS;
}

#ifdef CONFIG_KVM_PGTABLE

static unsigned int level_of(u64 span)
{
	return (__ffs(span) - PAGE_SHIFT) / kvm_riscv_gstage_index_bits;
}

static void install(u64 ia, u64 oa, u64 span)
{
	bench_demand(!kvm_riscv_gstage_map(&kvm, &cache, ia, oa, level_of(span), true, true),
		     "a page is not mapped");
}

static void unmap(u64 ia, u64 size)
{
	kvm_riscv_gstage_unmap(&kvm, gpa_to_gfn(ia), gpa_to_gfn(ia + size), true);
}

static void wrprot(u64 ia, u64 size)
{
	bench_demand(kvm_riscv_gstage_wrprot(&kvm, gpa_to_gfn(ia), gpa_to_gfn(ia + size), 0, true),
		     "nothing is write-protected");
}

static void wrprot_mask(u64 ia, u64 mask)
{
	kvm_riscv_gstage_clear_dirty(&kvm, gpa_to_gfn(ia), mask);
}

static void split(u64 ia, u64 size)
{
	gfn_t start = gpa_to_gfn(ia);

	bench_demand(!kvm_riscv_gstage_split(&kvm, &start, gpa_to_gfn(ia + size), false),
		     "blocks are left");
}

static void age(u64 ia, u64 size)
{
	bench_demand(kvm_riscv_gstage_age(&kvm, gpa_to_gfn(ia), gpa_to_gfn(ia + size), false),
		     "nothing was young");
}

static void destroy(void)
{
	kvm_riscv_gstage_zap(&kvm);
}

#else

static struct kvm_gstage *gstage(void)
{
	static struct kvm_gstage gstage;

	kvm_riscv_gstage_init(&gstage, &kvm);
	return &gstage;
}

static void install(u64 ia, u64 oa, u64 span)
{
	struct kvm_gstage_mapping map;

	bench_demand(!kvm_riscv_gstage_map_page(gstage(), &cache, ia, oa, span, false, true, &map),
		     "a page is not mapped");
}

static void unmap(u64 ia, u64 size)
{
	if (kvm_riscv_gstage_unmap_range(gstage(), ia, size, true))
		kvm_flush_remote_tlbs_range(&kvm, gpa_to_gfn(ia), gpa_to_gfn(size));
}

static void wrprot(u64 ia, u64 size)
{
	bench_demand(kvm_riscv_gstage_wp_range(gstage(), ia, ia + size),
		     "nothing is write-protected");
}

static void wrprot_mask(u64 ia, u64 mask)
{
	kvm_riscv_gstage_wp_pt_masked(gstage(), gpa_to_gfn(ia), mask);
}

static void split(u64 ia, u64 size)
{
	for (u64 at = 0; at < size; at += BENCH_2M)
		kvm_riscv_gstage_split_huge(gstage(), &cache, ia + at, 0, false);
}

/* Like kvm_age_gfn(), but for each page of a range, where that looks at the first one only. */
static void age(u64 ia, u64 size)
{
	bool young = false;
	pte_t *ptep;
	u32 level;

	for (u64 at = 0; at < size; at += BENCH_4K) {
		bench_demand(kvm_riscv_gstage_get_leaf(gstage(), ia + at, &ptep, &level),
			     "nothing is mapped");
		young |= test_and_clear_bit(_PAGE_ACCESSED_OFFSET, (unsigned long *)ptep);
	}
	bench_demand(young, "nothing was young");
}

/* Tables below the root are lost.  Find them when the clock stands still. */
static void find_tables(struct rcu_head *head)
{
	while (tables_used)
		bench_give(tables[--tables_used]);
}

static void destroy(void)
{
	static struct rcu_head head;

	kvm_riscv_gstage_unmap_range(gstage(), 0, kvm_riscv_gstage_gpa_size(LEVELS), false);
	call_rcu(&head, find_tables);
}

#endif

static void map(u64 ia, u64 oa, u64 size, u64 span)
{
	for (u64 at = 0; at < size; at += span)
		install(ia + at, oa + at, span);
}

static void fault(u64 ia, u64 oa)
{
	install(ia, oa, BENCH_4K);
}

static struct bench_leaf look(u64 ia)
{
	struct bench_leaf leaf = { };
	u64 *table = root, pte;
	unsigned int shift;

	for (int level = LEVELS - 1; level >= 0; level--) {
		shift = PAGE_SHIFT + level * kvm_riscv_gstage_index_bits;
		pte = table[ia >> shift & (level == LEVELS - 1 ? ARRAY_SIZE(root) - 1 :
					   PTRS_PER_PTE - 1)];
		if (!(pte & _PAGE_PRESENT))
			break;
		if (pte & (_PAGE_READ | _PAGE_WRITE | _PAGE_EXEC)) {
			leaf.span = BIT_ULL(shift);
			leaf.oa = PFN_PHYS(__page_val_to_pfn(pte)) | (ia & (leaf.span - 1));
			leaf.bits = (pte & _PAGE_WRITE ? BENCH_WRITABLE : 0) |
				    (pte & _PAGE_ACCESSED ? BENCH_YOUNG : 0);
			break;
		}
		table = __va(PFN_PHYS(__page_val_to_pfn(pte)));
	}
	return leaf;
}

static const struct bench_candidate riscv = {
	.name		= "KVM/RISC-V G-stage",
	.create		= create,
	.destroy	= destroy,
	.populate	= map,
	.fault		= fault,
	.unmap		= unmap,
	.wrprot		= wrprot,
	.wrprot_mask	= wrprot_mask,
	.age		= age,
	.split		= split,
	.look		= look,
};

const struct bench_candidate *const bench_candidates[] = { &riscv, NULL };
