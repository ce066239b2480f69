/* SPDX-License-Identifier: GPL-2.0-only */
/* One piece of memory, whose first byte has the physical address 0. */
#ifndef __KVM_PGTABLE_LINUX_MM_H
#define __KVM_PGTABLE_LINUX_MM_H

#include <linux/align.h>
#include <linux/bits.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/sizes.h>

#undef PAGE_SIZE
#define PAGE_SHIFT	12
#define PAGE_SIZE	BIT(PAGE_SHIFT)

#define KPT_MEMORY	SZ_1G
#define KPT_PAGES	(KPT_MEMORY >> PAGE_SHIFT)

struct page {
	unsigned long private;
	struct page *next;
	struct list_head lru;
};

extern char *kpt_memory;
extern struct page kpt_pages[KPT_PAGES];

#define __va(pa)		((void *)(kpt_memory + (pa)))
#define __pa(va)		((unsigned long)((char *)(va) - kpt_memory))
#define PHYS_PFN(pa)		((pa) >> PAGE_SHIFT)
#define pfn_valid(pfn)		((pfn) < KPT_PAGES)
#define phys_to_page(pa)	(&kpt_pages[PHYS_PFN(pa)])
#define virt_to_page(va)	phys_to_page(__pa(va))
#define page_address(page)	__va(((page) - kpt_pages) << PAGE_SHIFT)
#define offset_in_page(va)	((unsigned long)(va) & (PAGE_SIZE - 1))
#define get_order(size)		((size) <= PAGE_SIZE ? 0 : ilog2((size) - 1) + 1 - PAGE_SHIFT)

#define page_private(page)		((page)->private)
#define set_page_private(page, value)	((void)((page)->private = (value)))

/* All zero, whatever was asked for. */
struct page *alloc_pages(gfp_t gfp, unsigned int order);
void __free_pages(struct page *page, unsigned int order);

#endif
