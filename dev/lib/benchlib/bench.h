/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the two halves of a benchmark know of each other: the program, which is
 * compiled for user space, and the page-table code under measurement with all that
 * it stands on, which are objects of a kernel.
 */
#ifndef __BENCH_H
#define __BENCH_H

#ifdef __KERNEL__
#include <linux/bits.h>
#include <linux/types.h>
#else
#include <stdbool.h>

#define BIT(n)		(1UL << (n))
#define BIT_ULL(n)	(1ULL << (n))
#define __noreturn	__attribute__((__noreturn__))
typedef unsigned long long u64;
#endif

#define BENCH_4K	BIT_ULL(12)
#define BENCH_2M	BIT_ULL(21)
#define BENCH_1G	BIT_ULL(30)

enum bench_bits {
	BENCH_WRITABLE	= BIT(0),
	BENCH_DIRTY	= BIT(1),
	BENCH_YOUNG	= BIT(2),
};

/**
 * struct bench_leaf - what an address is mapped to
 * @oa:		the address that the leaf maps it to
 * @span:	bytes that the leaf maps, 0 if there is none
 * @bits:	&enum bench_bits, those that the format has
 */
struct bench_leaf {
	u64 oa;
	u64 span;
	unsigned int bits;
};

/**
 * struct bench_candidate - page-table code that is measured
 * @name:	in the results
 * @empty:	what each entry of a new table holds
 * @create:	makes an empty tree
 * @destroy:	removes the tree with all that is in it, nobody else being there
 * @populate:	maps a range to contiguous memory by leaves of @span
 * @map:	the same, if the code has such an operation
 * @fault:	maps one page as a fault does, beside other faults
 * @fault_of:	the same by one of BENCH_VCPUS vCPUs, the others doing so at the same time, with the
 *		lock that the code's callers take
 * @unmap:	removes every leaf of a range
 * @lookup:	finds out what an address is mapped to, in the code's own way
 * @wrprot:	write-protects a range for dirty logging
 * @clear_dirty: makes the next write to each page of a range leave a trace
 * @wrprot_mask: write-protects those of 64 pages that a mask names
 * @clear_dirty_mask: clears the dirty bits of those
 * @age:	clears the accessed bits of a range
 * @split:	replaces the blocks of a range by 4K pages
 * @collapse:	replaces the 4K pages of a range by blocks of 2M, which map the same
 * @teardown:	removes 1G of the tree, others being at work in it
 * @zap:	removes all of the tree that vCPUs can load no longer, others being at work in it
 * @look:	what an address is mapped to, for checks
 *
 * What a candidate has no operation for is NULL.
 */
struct bench_candidate {
	const char *name;
	u64 empty;
	void (*create)(void);
	void (*destroy)(void);
	void (*populate)(u64 ia, u64 oa, u64 size, u64 span);
	void (*map)(u64 ia, u64 oa, u64 size, u64 span);
	void (*fault)(u64 ia, u64 oa);
	void (*fault_of)(unsigned int vcpu, u64 ia, u64 oa);
	void (*unmap)(u64 ia, u64 size);
	u64 (*lookup)(u64 ia);
	void (*wrprot)(u64 ia, u64 size);
	void (*clear_dirty)(u64 ia, u64 size);
	void (*wrprot_mask)(u64 ia, u64 mask);
	void (*clear_dirty_mask)(u64 ia, u64 mask);
	void (*age)(u64 ia, u64 size);
	void (*split)(u64 ia, u64 size);
	void (*collapse)(u64 ia, u64 oa, u64 size);
	void (*teardown)(u64 ia);
	void (*zap)(void);
	struct bench_leaf (*look)(u64 ia);
};

#define BENCH_VCPUS	2

/* A program's candidates, the last followed by NULL. */
extern const struct bench_candidate *const bench_candidates[];

/* The surroundings' part, called by the program. */
void bench_setup(void *pages, void *structs, unsigned long count);
void bench_refill(u64 empty);
unsigned long bench_taken(void);
void bench_grace_period(void);
void *bench_per_cpu_data(unsigned long *size);

/* The physical limit: what memory alone costs. */
void bench_set_entries(u64 first);
void bench_exchange_entries(u64 first);
u64 bench_read_entries(void);

/* The program's part, called by the surroundings. */
void __noreturn bench_die(const char *why);

#endif /* __BENCH_H */
