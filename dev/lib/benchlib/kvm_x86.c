// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM/x86's TDP MMU with EPT, called as the rest of KVM calls it.  Linked once to the unmodified
 * kernel's tdp_mmu.o and tdp_iter.o, and once to the ported kernel's tdp_mmu.o; spte.o, which
 * makes and reads entries, is the same in both.
 */
#include <linux/kvm_host.h>
#include <linux/mm.h>
#include <asm/e820/api.h>
#include <asm/vmx.h>

#include <mmu.h>
#include <mmu/mmu_internal.h>
#include <mmu/spte.h>
#include <mmu/tdp_mmu.h>

#include "surroundings.h"

/* What the code under measurement calls: memory */

static struct kvm_mmu_page headers[2048];
static unsigned int headers_used;

/* The array's size is what is kept for each page of tables. */
#ifdef TDP_MMU_PAGE_SIZE
struct kmem_cache *tdp_mmu_page_header_cache;
char bench_metadata[TDP_MMU_PAGE_SIZE];
#else
struct kmem_cache *mmu_page_header_cache;
char bench_metadata[sizeof(struct kvm_mmu_page)];
#endif

static void *take_header(void)
{
	bench_demand(headers_used < ARRAY_SIZE(headers), "there are no more headers");
	return &headers[headers_used++];
}

static void clear_headers(void)
{
	memset(headers, 0, headers_used * sizeof(*headers));
	headers_used = 0;
}

void *kmem_cache_alloc_noprof(struct kmem_cache *cache, gfp_t gfp)
{
	return take_header();
}

/* Headers are cleared when a new tree begins. */
void kmem_cache_free(struct kmem_cache *cache, void *header)
{
}

unsigned long get_free_pages_noprof(gfp_t gfp, unsigned int order)
{
	return (unsigned long)bench_take();
}

void free_pages(unsigned long table, unsigned int order)
{
	if (table)
		bench_give((void *)table);
}

static struct kvm_vcpu vcpus[BENCH_VCPUS];
static struct kvm_vcpu *const vcpu = vcpus;

void *kvm_mmu_memory_cache_alloc(struct kvm_mmu_memory_cache *cache)
{
	return cache == &vcpu->arch.mmu_shadow_page_cache ? bench_take() : take_header();
}

static long table_pages;

void mod_node_page_state(struct pglist_data *node, enum node_stat_item item, long delta)
{
	table_pages += delta;
}

/* What it calls: the rest of KVM */

struct kvm_host_values kvm_host = { .maxphyaddr = 52 };
struct cpuinfo_x86 boot_cpu_data = { .x86_phys_bits = 52 };
bool tdp_enabled = true;
bool tdp_mmu_enabled = true;
int nx_huge_pages;

void kvm_flush_remote_tlbs(struct kvm *kvm)
{
}

void kvm_flush_remote_tlbs_range(struct kvm *kvm, gfn_t gfn, u64 pages)
{
}

void kvm_flush_remote_tlbs_memslot(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
}

void kvm_mmu_hugepage_adjust(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
}

int kvm_mmu_max_mapping_level(struct kvm *kvm, struct kvm_page_fault *fault,
			      const struct kvm_memory_slot *slot, gfn_t gfn)
{
	return PG_LEVEL_2M;
}

int mmu_try_to_unsync_pages(struct kvm *kvm, const struct kvm_memory_slot *slot, gfn_t gfn,
			    bool synchronizing, bool prefetch)
{
	return 0;
}

u8 write_back(struct kvm_vcpu *vcpu, gfn_t gfn, bool is_mmio) asm("__SCT__kvm_x86_get_mt_mask");
u8 write_back(struct kvm_vcpu *vcpu, gfn_t gfn, bool is_mmio)
{
	return 6 << VMX_EPT_MT_EPTE_SHIFT | VMX_EPT_IPAT_BIT;
}

struct kvm_x86_ops kvm_x86_ops = { .get_mt_mask = write_back };

/* The guest's memory is RAM without a struct page. */
struct mem_section **mem_section;

bool e820__mapped_raw_any(u64 start, u64 end, enum e820_type type)
{
	return true;
}

/* What calls it */

static struct kvm kvm;
static struct kvm_memory_slot slot;

static void create(void)
{
	clear_headers();
	kvm_mmu_reset_all_pte_masks();
	kvm_mmu_set_ept_masks(true);

	rwlock_init(&kvm.mmu_lock);
	kvm_mmu_init_tdp_mmu(&kvm);
	vcpu->kvm = &kvm;
	vcpu->arch.mmu = &vcpu->arch.root_mmu;
	vcpu->arch.mmu->root_role = (union kvm_mmu_page_role) {
		.level	= PT64_ROOT_4LEVEL,
		.direct	= true,
		.access	= ACC_ALL,
	};
	kvm_tdp_mmu_alloc_root(vcpu, false);
	for (unsigned int i = 1; i < BENCH_VCPUS; i++) {
		vcpus[i].kvm = &kvm;
		vcpus[i].arch.mmu = vcpu->arch.mmu;
	}
}

static struct kvm_mmu_page *root(void)
{
	return root_to_sp(vcpu->arch.mmu->root.hpa);
}

static struct kvm_memory_slot *slot_of(u64 ia, u64 size)
{
	slot.base_gfn = gpa_to_gfn(ia);
	slot.npages = size >> PAGE_SHIFT;
	return &slot;
}

static void zap_all(bool shared)
{
	read_lock(&kvm.mmu_lock);
	kvm_tdp_mmu_put_root(&kvm, root());
	read_unlock(&kvm.mmu_lock);

	write_lock(&kvm.mmu_lock);
	kvm_tdp_mmu_invalidate_roots(&kvm, KVM_VALID_ROOTS);
	write_unlock(&kvm.mmu_lock);
	kvm_tdp_mmu_zap_invalidated_roots(&kvm, shared);
}

static void destroy(void)
{
	zap_all(false);
	bench_demand(list_empty(&kvm.arch.tdp_mmu_roots), "a root is left");
}

static void zap(void)
{
	zap_all(true);
	bench_demand(list_empty(&kvm.arch.tdp_mmu_roots), "a root is left");
}

static void map_page(struct kvm_vcpu *vcpu, u64 ia, u64 oa, int level)
{
	struct kvm_page_fault fault = {
		.addr		= ia,
		.error_code	= PFERR_WRITE_MASK,
		.write		= true,
		.is_tdp		= true,
		.max_level	= level,
		.req_level	= level,
		.goal_level	= level,
		.gfn		= gpa_to_gfn(ia),
		.slot		= &slot,
		.pfn		= oa >> PAGE_SHIFT,
		.map_writable	= true,
	};
	int ret;

	read_lock(&kvm.mmu_lock);
	ret = kvm_tdp_mmu_map(vcpu, &fault);
	read_unlock(&kvm.mmu_lock);
	bench_demand(ret == RET_PF_FIXED, "a page is not mapped");
}

static void fault(u64 ia, u64 oa)
{
	map_page(vcpu, ia, oa, PG_LEVEL_4K);
}

static void fault_of(unsigned int n, u64 ia, u64 oa)
{
	map_page(&vcpus[n], ia, oa, PG_LEVEL_4K);
}

static void populate(u64 ia, u64 oa, u64 size, u64 span)
{
	int level = span == BENCH_1G ? PG_LEVEL_1G : span == BENCH_2M ? PG_LEVEL_2M : PG_LEVEL_4K;

	for (u64 at = 0; at < size; at += span)
		map_page(vcpu, ia + at, oa + at, level);
}

static void unmap(u64 ia, u64 size)
{
	bool flush;

	write_lock(&kvm.mmu_lock);
	flush = kvm_tdp_mmu_zap_leafs(&kvm, gpa_to_gfn(ia), gpa_to_gfn(ia + size), false);
	write_unlock(&kvm.mmu_lock);
	bench_demand(flush, "nothing was unmapped");
}

static u64 lookup(u64 ia)
{
	u64 sptes[PT64_ROOT_MAX_LEVEL + 1];
	int level, root_level;

	kvm_tdp_mmu_walk_lockless_begin();
	level = kvm_tdp_mmu_get_walk(vcpu, ia, sptes, &root_level);
	kvm_tdp_mmu_walk_lockless_end();
	return pfn_to_hpa(spte_to_pfn(sptes[level]));
}

static void wrprot(u64 ia, u64 size)
{
	bool flush;

	read_lock(&kvm.mmu_lock);
	flush = kvm_tdp_mmu_wrprot_slot(&kvm, slot_of(ia, size), PG_LEVEL_4K);
	read_unlock(&kvm.mmu_lock);
	bench_demand(flush, "nothing was write-protected");
}

static void clear_dirty(u64 ia, u64 size)
{
	read_lock(&kvm.mmu_lock);
	kvm_tdp_mmu_clear_dirty_slot(&kvm, slot_of(ia, size));
	read_unlock(&kvm.mmu_lock);
}

static void edit_mask(u64 ia, u64 mask, bool wrprot)
{
	write_lock(&kvm.mmu_lock);
	kvm_tdp_mmu_clear_dirty_pt_masked(&kvm, slot_of(ia, 64 * PAGE_SIZE), gpa_to_gfn(ia), mask,
					  wrprot);
	write_unlock(&kvm.mmu_lock);
}

static void wrprot_mask(u64 ia, u64 mask)
{
	edit_mask(ia, mask, true);
}

static void clear_dirty_mask(u64 ia, u64 mask)
{
	edit_mask(ia, mask, false);
}

static void age(u64 ia, u64 size)
{
	struct kvm_gfn_range range = {
		.slot		= slot_of(ia, size),
		.start		= gpa_to_gfn(ia),
		.end		= gpa_to_gfn(ia + size),
		.attr_filter	= KVM_FILTER_SHARED | KVM_FILTER_PRIVATE,
	};

	bench_demand(kvm_tdp_mmu_age_gfn_range(&kvm, &range), "nothing was young");
}

static void split(u64 ia, u64 size)
{
	read_lock(&kvm.mmu_lock);
	kvm_tdp_mmu_try_split_huge_pages(&kvm, slot_of(ia, size), gpa_to_gfn(ia),
					 gpa_to_gfn(ia + size), PG_LEVEL_4K, true);
	read_unlock(&kvm.mmu_lock);
}

static void collapse(u64 ia, u64 oa, u64 size)
{
	read_lock(&kvm.mmu_lock);
	kvm_tdp_mmu_recover_huge_pages(&kvm, slot_of(ia, size));
	read_unlock(&kvm.mmu_lock);
}

/* KVM removes a whole table beside others when it recovers from the NX huge page mitigation. */
static void teardown(u64 ia)
{
	u64 spte = root()->spt[SPTE_INDEX(ia, PT64_ROOT_4LEVEL)];
	struct kvm_mmu_page *sp = spte_to_child_sp(spte);

	sp = spte_to_child_sp(sp->spt[SPTE_INDEX(ia, PG_LEVEL_1G)]);
	read_lock(&kvm.mmu_lock);
	rcu_read_lock();
	bench_demand(kvm_tdp_mmu_zap_possible_nx_huge_page(&kvm, sp), "a table is not removed");
	rcu_read_unlock();
	read_unlock(&kvm.mmu_lock);
}

static struct bench_leaf look(u64 ia)
{
	u64 sptes[PT64_ROOT_MAX_LEVEL + 1];
	struct bench_leaf leaf = { };
	int level, root_level;
	u64 spte;

	level = kvm_tdp_mmu_get_walk(vcpu, ia, sptes, &root_level);
	spte = sptes[level];
	if (!is_shadow_present_pte(spte) || !is_last_spte(spte, level))
		return leaf;

	leaf.span = PAGE_SIZE << ((level - PG_LEVEL_4K) * SPTE_LEVEL_BITS);
	leaf.oa = pfn_to_hpa(spte_to_pfn(spte)) | (ia & (leaf.span - 1));
	leaf.bits = (is_writable_pte(spte) ? BENCH_WRITABLE : 0) |
		    (spte & shadow_dirty_mask ? BENCH_DIRTY : 0) |
		    (spte & shadow_accessed_mask ? BENCH_YOUNG : 0);
	return leaf;
}

static const struct bench_candidate ept = {
	.name		= "KVM/x86 ept",
	.empty		= SHADOW_NONPRESENT_VALUE,
	.create		= create,
	.destroy	= destroy,
	.populate	= populate,
	.fault		= fault,
	.fault_of	= fault_of,
	.unmap		= unmap,
	.lookup		= lookup,
	.wrprot		= wrprot,
	.clear_dirty	= clear_dirty,
	.wrprot_mask	= wrprot_mask,
	.clear_dirty_mask = clear_dirty_mask,
	.age		= age,
	.split		= split,
	.collapse	= collapse,
	.teardown	= teardown,
	.zap		= zap,
	.look		= look,
};

const struct bench_candidate *const bench_candidates[] = { &ept, NULL };
