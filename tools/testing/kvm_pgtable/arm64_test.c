// SPDX-License-Identifier: GPL-2.0-only
/* Tests of KVM/arm64's page tables, through the interface that KVM uses. */
#include <kunit/test.h>

#include "arm64.h"

#define PAGE	SZ_4K
#define BLOCK	SZ_2M
#define IA	SZ_1G
#define OA	(4ul * SZ_1G)
#define IA_BITS	40

bool cpu_has[CPU_FEATURES];

/* One test at a time uses it. */
static struct {
	struct kunit *test;
	struct kvm_pgtable pgt;
	struct kvm_s2_mmu mmu;
	unsigned int hypercalls;
	unsigned int vmid;
	unsigned int frozen;
	unsigned int reads;
	unsigned int fault_at;
	unsigned int icache;
	unsigned int executable;
	long tables;
	void *unlinked[8];
	s8 unlinked_level[8];
	unsigned int nr_unlinked;
} s;

static kvm_pte_t entry_at(u64 ia)
{
	kvm_pte_t pte = 0;

	KUNIT_EXPECT_EQ(s.test, kvm_pgtable_get_leaf(&s.pgt, ia, &pte, NULL), 0);
	return pte;
}

static bool frozen_at(u64 ia)
{
	return FIELD_GET(KVM_INVALID_PTE_TYPE_MASK, entry_at(ia)) == KVM_INVALID_PTE_TYPE_LOCKED &&
	       !kvm_pte_valid(entry_at(ia));
}

void record_hypercall(const char *hypercall)
{
	s.hypercalls++;
	s.vmid += !strcmp(hypercall, "__kvm_tlb_flush_vmid");
	s.frozen += frozen_at(IA);
}

static void fault(u64 ia);

/* At an access of the client, another CPU faults. */
void count_reads(void)
{
	s.reads++;
	if (s.reads == s.fault_at)
		fault(IA);
}

/* Memory: the reference count of a page is in its private data. */

static void *zalloc_page(void *cache)
{
	struct page *page = alloc_pages(GFP_KERNEL, 0);

	set_page_private(page, 1);
	s.tables++;
	return page_address(page);
}

static void *zalloc_root(size_t size)
{
	struct page *page = alloc_pages(GFP_KERNEL, get_order(size));

	for (unsigned int i = 0; i < size / PAGE_SIZE; i++)
		set_page_private(page + i, 1);
	return page_address(page);
}

static void free_root(void *root, size_t size)
{
	__free_pages(virt_to_page(root), get_order(size));
}

static void get_page(void *table)
{
	virt_to_page(table)->private++;
}

static void put_page(void *table)
{
	struct page *page = virt_to_page(table);

	if (--page->private)
		return;
	s.tables--;
	__free_pages(page, 0);
}

static int page_count(void *table)
{
	return page_private(virt_to_page(table));
}

static void free_unlinked_table(void *table, s8 level)
{
	s.unlinked[s.nr_unlinked] = table;
	s.unlinked_level[s.nr_unlinked++] = level;
}

static struct kvm_pgtable_mm_ops mm_ops;

static void grace_period(void)
{
	while (s.nr_unlinked) {
		s.nr_unlinked--;
		kvm_pgtable_stage2_free_unlinked(&mm_ops, s.unlinked[s.nr_unlinked],
						 s.unlinked_level[s.nr_unlinked]);
	}
}

static void *to_va(phys_addr_t pa)
{
	return __va(pa);
}

static phys_addr_t to_pa(void *va)
{
	return __pa(va);
}

static void clean(void *memory, size_t size)
{
}

/* While a page is made executable, other CPUs may go on using it. */
static void invalidate_icache(void *memory, size_t size)
{
	s.icache++;
	s.executable += kvm_pgtable_stage2_pte_prot(entry_at(IA)) & KVM_PGTABLE_PROT_X;
	s.frozen += frozen_at(IA);
}

static struct kvm_pgtable_mm_ops mm_ops = {
	.zalloc_page		= zalloc_page,
	.zalloc_pages_exact	= zalloc_root,
	.free_pages_exact	= free_root,
	.free_unlinked_table	= free_unlinked_table,
	.get_page		= get_page,
	.put_page		= put_page,
	.page_count		= page_count,
	.phys_to_virt		= to_va,
	.virt_to_phys		= to_pa,
	.dcache_clean_inval_poc	= clean,
	.icache_inval_pou	= invalidate_icache,
};

static bool forces_pages(u64 addr, u64 end, enum kvm_pgtable_prot prot)
{
	return true;
}

static void start(struct kunit *test)
{
	memset(&s, 0, sizeof(s));
	memset(cpu_has, 0, sizeof(cpu_has));
	s.test = test;
	s.mmu.pgt = &s.pgt;
	s.mmu.split_page_cache.nobjs = INT_MAX;
	s.mmu.vtcr = FIELD_PREP(VTCR_EL2_T0SZ, 64 - IA_BITS) |
		     VTCR_EL2_LVLS_TO_SL0(stage2_pgtable_levels(IA_BITS));
	KUNIT_ASSERT_EQ(test, __kvm_pgtable_stage2_init(&s.pgt, &s.mmu, &mm_ops, 0, NULL), 0);
}

static void finish(struct kunit *test)
{
	grace_period();
	kvm_pgtable_stage2_destroy_range(&s.pgt, 0, BIT(IA_BITS));
	kvm_pgtable_stage2_destroy_pgd(&s.pgt);
	KUNIT_EXPECT_EQ(test, s.tables, 0);
}

static int map(u64 ia, u64 size, enum kvm_pgtable_prot prot, enum kvm_pgtable_walk_flags flags)
{
	return kvm_pgtable_stage2_map(&s.pgt, ia, size, OA + ia - IA, prot,
				      &s.mmu.split_page_cache, flags);
}

static enum kvm_pgtable_prot prot_at(u64 ia)
{
	return kvm_pgtable_stage2_pte_prot(entry_at(ia));
}

/* With FEAT_XNX, execution at EL1 and at EL0 are separate permissions. */
static void relaxes_to_both(struct kunit *test)
{
	for (unsigned int had = 0; had < BIT(4); had++) {
		for (unsigned int asked = 0; asked < BIT(4); asked++) {
			start(test);
			cpu_has[ARM64_HAS_XNX] = true;
			KUNIT_EXPECT_EQ(test, map(IA, PAGE, had, 0), 0);
			KUNIT_EXPECT_EQ_MSG(test, kvm_pgtable_stage2_relax_perms(&s.pgt, IA, asked,
										 0),
					    0, "%#x relaxed by %#x", had, asked);
			KUNIT_EXPECT_EQ_MSG(test, prot_at(IA), had | asked, "%#x relaxed by %#x",
					    had, asked);
			finish(test);
		}
	}
}

/* The entry stays valid for other CPUs during cache maintenance. */
static void relaxes_a_live_leaf(struct kunit *test)
{
	for (int shared = 0; shared < 2; shared++) {
		start(test);
		KUNIT_EXPECT_EQ(test, map(IA, BLOCK, KVM_PGTABLE_PROT_RW, 0), 0);
		s.frozen = 0;
		KUNIT_EXPECT_EQ(test, kvm_pgtable_stage2_relax_perms(&s.pgt, IA,
								     KVM_PGTABLE_PROT_X,
								     shared *
								     KVM_PGTABLE_WALK_SHARED), 0);
		KUNIT_EXPECT_EQ(test, s.icache, 1);
		KUNIT_EXPECT_EQ(test, s.frozen, 0);
		KUNIT_EXPECT_EQ(test, s.executable, 0);
		KUNIT_EXPECT_EQ(test, prot_at(IA), KVM_PGTABLE_PROT_RWX);
		finish(test);
	}
}

/* As pKVM maps host memory: existing mappings end a fault, but are skipped in a range. */
static void maps_around_what_is_mapped(struct kunit *test)
{
	start(test);
	KUNIT_EXPECT_EQ(test, map(IA + PAGE, PAGE, KVM_PGTABLE_PROT_RW, 0), 0);
	KUNIT_EXPECT_EQ(test, map(IA, 3 * PAGE, KVM_PGTABLE_PROT_RW, 0), -EAGAIN);
	KUNIT_EXPECT_FALSE(test, kvm_pte_valid(entry_at(IA + 2 * PAGE)));
	KUNIT_EXPECT_EQ(test, map(IA, 3 * PAGE, KVM_PGTABLE_PROT_RW,
				  KVM_PGTABLE_WALK_IGNORE_EAGAIN), 0);
	for (int i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, kvm_pte_to_phys(entry_at(IA + i * PAGE)), OA + i * PAGE);
	finish(test);
}

/* Flush single pages if there are few of them, and the whole range at once otherwise. */
static void invalidates_no_more_than_it_unmaps(struct kunit *test)
{
	static const unsigned int pages[] = { 1, 2, 32, 512 };

	for (int range = 0; range < 2; range++) {
		for (unsigned int i = 0; i < ARRAY_SIZE(pages); i++) {
			start(test);
			cpu_has[ARM64_HAS_STAGE2_FWB] = true;
			cpu_has[ARM64_HAS_TLB_RANGE] = range;
			s.pgt.force_pte_cb = forces_pages;
			KUNIT_EXPECT_EQ(test, map(IA, 2 * BLOCK, KVM_PGTABLE_PROT_RW, 0), 0);
			s.hypercalls = 0;
			KUNIT_EXPECT_EQ(test, kvm_pgtable_stage2_unmap(&s.pgt, IA, pages[i] * PAGE),
					0);
			KUNIT_EXPECT_LE_MSG(test, s.hypercalls, 2, "%u pages", pages[i]);
			KUNIT_EXPECT_EQ_MSG(test, s.vmid, !range && pages[i] > 32,
					    "%u pages without range", pages[i]);
			finish(test);
		}
	}
}

/* Tables that became empty page by page are freed later without iterating over them. */
static void frees_what_is_empty_without_a_search(struct kunit *test)
{
	start(test);
	cpu_has[ARM64_HAS_STAGE2_FWB] = true;
	s.pgt.force_pte_cb = forces_pages;
	KUNIT_EXPECT_EQ(test, map(IA, BLOCK, KVM_PGTABLE_PROT_RW, 0), 0);
	KUNIT_EXPECT_EQ(test, kvm_pgtable_stage2_unmap(&s.pgt, IA, BLOCK), 0);
	KUNIT_EXPECT_GE(test, s.nr_unlinked, 1);
	s.reads = 0;
	grace_period();
	KUNIT_EXPECT_EQ(test, s.reads, 0);
	finish(test);
}

/* Also if an MMU notifier unmaps just that page. */
static void frees_the_table_of_its_last_page(struct kunit *test)
{
	start(test);
	cpu_has[ARM64_HAS_STAGE2_FWB] = true;
	KUNIT_EXPECT_EQ(test, map(IA, 2 * PAGE, KVM_PGTABLE_PROT_RW, 0), 0);
	KUNIT_EXPECT_EQ(test, kvm_pgtable_stage2_unmap(&s.pgt, IA, PAGE), 0);
	KUNIT_EXPECT_EQ(test, s.nr_unlinked, 0);
	KUNIT_EXPECT_EQ(test, kvm_pgtable_stage2_unmap(&s.pgt, IA + PAGE, PAGE), 0);
	KUNIT_EXPECT_GE(test, s.nr_unlinked, 1);
	finish(test);
}

/* The guest repeats the access if another CPU was faster. */
static void fault(u64 ia)
{
	int ret;

	do {
		ret = map(ia, PAGE, KVM_PGTABLE_PROT_RW, KVM_PGTABLE_WALK_SHARED);
	} while (ret == -EAGAIN && !kvm_pte_valid(entry_at(ia)));
}

/* Two CPUs fault on pages of one table, which neither of them finds linked. */
static void counts_each_entry_of_a_new_table_once(struct kunit *test)
{
	unsigned int n = 0, accesses;

	do {
		start(test);
		s.fault_at = ++n;
		fault(IA + PAGE);
		accesses = s.reads;
		fault(IA);
		KUNIT_EXPECT_EQ(test, kvm_pgtable_stage2_unmap(&s.pgt, IA, 2 * PAGE), 0);
		KUNIT_EXPECT_GE_MSG(test, s.nr_unlinked, 1, "at access %u", n);
		finish(test);
	} while (n < accesses);
	KUNIT_EXPECT_GE(test, n, 8);
}

static enum kvm_pgtable_prot host_allows_all(u64 addr, u64 phys, u64 size, void *arg)
{
	return KVM_PGTABLE_PROT_RW;
}

/* FEAT_BBM level 3 allows only the size of a mapping to change. */
static void recovers_without_a_break_only_what_is_alike(struct kunit *test)
{
	for (int mixed = 0; mixed < 2; mixed++) {
		start(test);
		cpu_has[ARM64_HAS_STAGE2_FWB] = true;
		cpu_has[BBML3] = true;
		s.pgt.force_pte_cb = forces_pages;
		KUNIT_EXPECT_EQ(test, map(IA, BLOCK, KVM_PGTABLE_PROT_RW, 0), 0);
		if (mixed)
			KUNIT_EXPECT_EQ(test, kvm_pgtable_stage2_wrprotect(&s.pgt, IA + PAGE, PAGE),
					0);
		s.frozen = 0;
		KUNIT_EXPECT_EQ(test, kvm_pgtable_stage2_recover(&s.pgt, IA, BLOCK, host_allows_all,
								 NULL), 0);
		KUNIT_EXPECT_EQ(test, s.frozen, mixed);
		KUNIT_EXPECT_EQ(test, prot_at(IA + PAGE), KVM_PGTABLE_PROT_RW);
		finish(test);
	}
}

/* Hypervisor mappings: a range that is partly mapped, with pages although a block would fit. */
static void hyp_maps_over_a_table(struct kunit *test)
{
	struct kvm_pgtable pgt;

	memset(&s, 0, sizeof(s));
	KUNIT_ASSERT_EQ(test, kvm_pgtable_hyp_init(&pgt, 48, &mm_ops), 0);
	KUNIT_EXPECT_EQ(test, kvm_pgtable_hyp_map(&pgt, IA, 3 * PAGE, OA, PAGE_HYP), 0);
	KUNIT_EXPECT_EQ(test, kvm_pgtable_hyp_map(&pgt, IA, 2 * BLOCK, OA, PAGE_HYP), 0);
	for (u64 ia = IA; ia < IA + BLOCK; ia += PAGE) {
		kvm_pte_t pte = 0;
		s8 level = 0;

		KUNIT_ASSERT_EQ(test, kvm_pgtable_get_leaf(&pgt, ia, &pte, &level), 0);
		KUNIT_ASSERT_EQ(test, level, KVM_PGTABLE_LAST_LEVEL);
		KUNIT_ASSERT_EQ(test, kvm_pte_to_phys(pte), OA + ia - IA);
	}
	kvm_pgtable_hyp_destroy(&pgt);
	KUNIT_EXPECT_EQ(test, s.tables, 0);
}

static struct kunit_case arm64_cases[] = {
	KUNIT_CASE(relaxes_to_both),
	KUNIT_CASE(relaxes_a_live_leaf),
	KUNIT_CASE(maps_around_what_is_mapped),
	KUNIT_CASE(invalidates_no_more_than_it_unmaps),
	KUNIT_CASE(frees_what_is_empty_without_a_search),
	KUNIT_CASE(frees_the_table_of_its_last_page),
	KUNIT_CASE(counts_each_entry_of_a_new_table_once),
	KUNIT_CASE(recovers_without_a_break_only_what_is_alike),
	KUNIT_CASE(hyp_maps_over_a_table),
	{}
};

static struct kunit_suite arm64_suite = {
	.name = "kvm_pgtable_arm64",
	.test_cases = arm64_cases,
};

kunit_test_suite(arm64_suite);
