// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's generic_pt, called as iommu_map() and iommu_unmap() call it for a driver
 * whose invalidation does nothing.  It knows neither RCU nor other walkers.
 */
#include <linux/generic_pt/iommu.h>
#include <linux/iommu.h>
#include <linux/mm.h>

#include <iommu-pages.h>

#include "surroundings.h"

/* What the code under measurement calls */

void *iommu_alloc_pages_node_sz(int nid, gfp_t gfp, size_t size)
{
	bench_demand(size <= PAGE_SIZE, "a table is larger than a page");
	return bench_take();
}

void iommu_free_pages(void *table)
{
	bench_give(table);
}

void iommu_put_pages_list(struct iommu_pages_list *list)
{
	struct ioptdesc *desc, *next;

	list_for_each_entry_safe(desc, next, &list->pages, iopt_freelist_elm)
		bench_give(folio_address(ioptdesc_folio(desc)));
}

static const char incoherent[] = "caches are to be flushed";

int iommu_pages_start_incoherent(void *table, struct device *dev)
{
	bench_die(incoherent);
}

void clflush_cache_range(void *start, unsigned int size)
{
	bench_die(incoherent);
}

/* What calls it */

static union {
	struct iommu_domain domain;
	struct pt_iommu pt;
	struct pt_iommu_x86_64 x86_64;
	struct pt_iommu_riscv_64 riscv64;
} table;

static void iotlb_sync(struct iommu_domain *domain, struct iommu_iotlb_gather *gather)
{
	iommu_put_pages_list(&gather->freelist);
}

static const struct iommu_domain_ops x86_64_ops = {
	IOMMU_PT_DOMAIN_OPS(x86_64),
	.iotlb_sync	= iotlb_sync,
};

static const struct iommu_domain_ops riscv64_ops = {
	IOMMU_PT_DOMAIN_OPS(riscv_64),
	.iotlb_sync	= iotlb_sync,
};

static const struct pt_iommu_x86_64_cfg x86_64_cfg = {
	.common.hw_max_vasz_lg2	= 47,
	.common.hw_max_oasz_lg2	= 52,
	.top_level		= 3,
};

static const struct pt_iommu_riscv_64_cfg riscv64_cfg = {
	.common.features	= BIT(PT_FEAT_DETAILED_GATHER),
	.common.hw_max_vasz_lg2	= 48,
	.common.hw_max_oasz_lg2	= 56,
};

static u64 all_sizes;

static void x86_64_create(void)
{
	table.domain.ops = &x86_64_ops;
	table.pt.nid = NUMA_NO_NODE;
	bench_demand(!pt_iommu_x86_64_init(&table.x86_64, &x86_64_cfg, GFP_KERNEL),
		     "no x86_64 table");
	all_sizes = table.domain.pgsize_bitmap;
}

static void riscv64_create(void)
{
	table.domain.ops = &riscv64_ops;
	table.pt.nid = NUMA_NO_NODE;
	bench_demand(!pt_iommu_riscv_64_init(&table.riscv64, &riscv64_cfg, GFP_KERNEL),
		     "no riscv64 table");
	all_sizes = table.domain.pgsize_bitmap;
}

static void destroy(void)
{
	pt_iommu_deinit(&table.pt);
}

static void map(u64 ia, u64 oa, u64 size, u64 span)
{
	size_t mapped = 0;
	int err;

	table.domain.pgsize_bitmap = all_sizes & (span | (span - 1));
	err = table.pt.ops->map_range(&table.pt, ia, oa, size, IOMMU_READ | IOMMU_WRITE,
				      GFP_KERNEL, &mapped);
	bench_demand(!err && mapped == size, "a range is not mapped");
}

static void fault(u64 ia, u64 oa)
{
	map(ia, oa, BENCH_4K, BENCH_4K);
}

static void unmap(u64 ia, u64 size)
{
	struct iommu_iotlb_gather gather;

	iommu_iotlb_gather_init(&gather);
	bench_demand(table.pt.ops->unmap_range(&table.pt, ia, size, &gather) == size,
		     "a range is not unmapped");
	iommu_iotlb_sync(&table.domain, &gather);
}

static u64 lookup(u64 ia)
{
	return table.domain.ops->iova_to_phys(&table.domain, ia);
}

static struct bench_leaf look(u64 ia)
{
	struct bench_leaf leaf = { .oa = lookup(ia) };

	/* Its interface tells no more than the address. */
	leaf.span = leaf.oa ? BENCH_4K : 0;
	leaf.bits = leaf.oa ? BENCH_WRITABLE : 0;
	return leaf;
}

static const struct bench_candidate x86_64 = {
	.name		= "generic_pt x86_64",
	.create		= x86_64_create,
	.destroy	= destroy,
	.populate	= map,
	.map		= map,
	.fault		= fault,
	.unmap		= unmap,
	.lookup		= lookup,
	.look		= look,
};

static const struct bench_candidate riscv64 = {
	.name		= "generic_pt riscv64",
	.create		= riscv64_create,
	.destroy	= destroy,
	.populate	= map,
	.map		= map,
	.fault		= fault,
	.unmap		= unmap,
	.lookup		= lookup,
	.look		= look,
};

const struct bench_candidate *const bench_candidates[] = { &x86_64, &riscv64, NULL };
