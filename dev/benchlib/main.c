// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench CANDIDATES... : measures the page-table code that is linked to it.
 *
 *	bench ns SECONDS	prints nanoseconds, as long for each row and candidate
 *	bench count		runs each row once, for Callgrind to count its instructions
 *
 * One line for each candidate and row: names, what the row's figures are divided
 * by, and with `ns` a pair of figures for each run: until the operation returned, and until
 * everything had been done that it left for later.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <valgrind/callgrind.h>

#include "bench.h"

#define PAGES		8192
#define PAGES_AT	((void *)0x100000000000)
#define STRUCTS_AT	((void *)0x200000000000)
#define STRUCT_SIZE	64

/* The guest's memory: where it is for the guest, and where in truth. Never touched. */
#define IA		BENCH_1G
#define OA		(64 * BENCH_1G)

#define PAGES_1G	(BENCH_1G / BENCH_4K)
#define PAGES_2M	(BENCH_2M / BENCH_4K)
#define SOME		256
#define TABLES		64
#define LOOKUPS		4096
#define SPARSE_MASK	0x0001000100010001ULL

#define MIN_RUNS	5
#define MAX_RUNS	1000

/* Kernel objects do not align the stack. */
__attribute__((force_align_arg_pointer)) void bench_die(const char *why)
{
	fprintf(stderr, "error: %s\n", why);
	exit(1);
}

typedef const struct bench_candidate *candidate_t;

/* States that a row starts from, and what they should look like after it */

static void empty(candidate_t c)
{
}

static void full(candidate_t c)
{
	c->map(IA, OA, BENCH_1G, BENCH_4K);
}

static void blocks(candidate_t c)
{
	c->map(IA, OA, BENCH_1G, BENCH_1G);
}

/* Tables are there, with one page each. */
static void tables(candidate_t c)
{
	for (u64 at = BENCH_2M; at <= BENCH_1G; at += BENCH_2M)
		c->map(IA + at - BENCH_4K, OA + at - BENCH_4K, BENCH_4K, BENCH_4K);
}

static void block_tables(candidate_t c)
{
	for (u64 at = BENCH_1G; at <= 8 * BENCH_1G; at += BENCH_1G)
		c->map(IA + at - BENCH_2M, OA + at - BENCH_2M, BENCH_2M, BENCH_2M);
}

static void map_each(candidate_t c);
static void map_some(candidate_t c);
static void map_some_blocks(candidate_t c);

static void mapped_each(candidate_t c)
{
	tables(c);
	map_each(c);
}

static void mapped_some(candidate_t c)
{
	tables(c);
	map_some(c);
}

static void mapped_some_blocks(candidate_t c)
{
	block_tables(c);
	map_some_blocks(c);
}

static void expect(candidate_t c, u64 ia, u64 span, unsigned int bits, unsigned int of)
{
	struct bench_leaf leaf = c->look(IA + ia);

	if ((leaf.span && leaf.oa == OA + ia && leaf.span >= span && (leaf.bits & of) == bits) ||
	    (!leaf.span && !span))
		return;

	fprintf(stderr, "%s: %#llx is mapped to %#llx, %#llx bytes, bits %#x\n",
		c->name, IA + ia, leaf.oa, leaf.span, leaf.bits);
	bench_die("an operation has not done what it should");
}

static void expect_all(candidate_t c, u64 span, unsigned int bits, unsigned int of)
{
	for (u64 ia = 0; ia < BENCH_1G; ia += BENCH_4K)
		expect(c, ia, span, bits, of);
}

/* Rows */

static void map_each(candidate_t c)
{
	for (u64 ia = 0; ia < SOME * BENCH_4K; ia += BENCH_4K)
		c->map(IA + ia, OA + ia, BENCH_4K, BENCH_4K);
}

static void check_each(candidate_t c)
{
	for (u64 ia = 0; ia < BENCH_2M; ia += BENCH_4K)
		expect(c, ia, ia < SOME * BENCH_4K || ia == BENCH_2M - BENCH_4K ? BENCH_4K : 0, 0, 0);
}

static void unmap_each(candidate_t c)
{
	for (u64 ia = 0; ia < SOME * BENCH_4K; ia += BENCH_4K)
		c->unmap(IA + ia, BENCH_4K);
}

static void check_tables(candidate_t c)
{
	for (u64 ia = 0; ia < BENCH_1G; ia += BENCH_4K)
		expect(c, ia, (ia + BENCH_4K) % BENCH_2M ? 0 : BENCH_4K, 0, 0);
}

static void map_some(candidate_t c)
{
	for (u64 ia = 0; ia < TABLES * BENCH_2M; ia += BENCH_2M)
		c->map(IA + ia, OA + ia, SOME * BENCH_4K, BENCH_4K);
}

static void check_some(candidate_t c)
{
	for (u64 ia = 0; ia < TABLES * BENCH_2M; ia += BENCH_4K)
		expect(c, ia, ia % BENCH_2M < SOME * BENCH_4K ||
		       !((ia + BENCH_4K) % BENCH_2M) ? BENCH_4K : 0, 0, 0);
}

static void unmap_some(candidate_t c)
{
	for (u64 ia = 0; ia < TABLES * BENCH_2M; ia += BENCH_2M)
		c->unmap(IA + ia, SOME * BENCH_4K);
}

static void map_some_blocks(candidate_t c)
{
	for (u64 ia = 0; ia < 8 * BENCH_1G; ia += BENCH_1G)
		c->map(IA + ia, OA + ia, SOME * BENCH_2M, BENCH_2M);
}

static void check_some_blocks(candidate_t c)
{
	for (u64 ia = 0; ia < 8 * BENCH_1G; ia += BENCH_2M)
		expect(c, ia, ia % BENCH_1G < SOME * BENCH_2M ||
		       !((ia + BENCH_2M) % BENCH_1G) ? BENCH_4K : 0, 0, 0);
}

static void unmap_some_blocks(candidate_t c)
{
	for (u64 ia = 0; ia < 8 * BENCH_1G; ia += BENCH_1G)
		c->unmap(IA + ia, SOME * BENCH_2M);
}

static void check_block_tables(candidate_t c)
{
	for (u64 ia = 0; ia < 8 * BENCH_1G; ia += BENCH_2M)
		expect(c, ia, (ia + BENCH_2M) % BENCH_1G ? 0 : BENCH_4K, 0, 0);
}

static void check_full(candidate_t c)
{
	expect_all(c, BENCH_4K, BENCH_WRITABLE, BENCH_WRITABLE);
}

static void unmap_full(candidate_t c)
{
	c->unmap(IA, BENCH_1G);
}

static void check_empty(candidate_t c)
{
	expect_all(c, 0, 0, 0);
}

static u64 found;

/* In an order that no prefetcher knows. */
static void look_up(candidate_t c)
{
	for (u64 i = 0; i < LOOKUPS; i++)
		found += c->lookup(IA + i * 40503 % PAGES_1G * BENCH_4K) - OA;
}

static void check_lookup(candidate_t c)
{
	u64 expected = 0;

	for (u64 i = 0; i < LOOKUPS; i++)
		expected += i * 40503 % PAGES_1G * BENCH_4K;
	if (found != expected)
		bench_die("a lookup finds something else");
}

static void fault_pages(candidate_t c)
{
	for (u64 ia = 0; ia < TABLES * BENCH_2M; ia += BENCH_2M)
		for (u64 page = 0; page < SOME * BENCH_4K; page += BENCH_4K)
			c->fault(IA + ia + page, OA + ia + page);
}

static void fault_tables(candidate_t c)
{
	for (u64 ia = 0; ia < BENCH_1G; ia += BENCH_2M)
		c->fault(IA + ia, OA + ia);
}

static void check_fault_tables(candidate_t c)
{
	for (u64 ia = 0; ia < BENCH_1G; ia += BENCH_4K)
		expect(c, ia, ia % BENCH_2M ? 0 : BENCH_4K, 0, 0);
}

static void wrprot(candidate_t c)
{
	c->wrprot(IA, BENCH_1G);
}

static void check_wrprot(candidate_t c)
{
	expect_all(c, BENCH_4K, 0, BENCH_WRITABLE);
}

static void clear_dirty(candidate_t c)
{
	c->clear_dirty(IA, BENCH_1G);
}

static void check_clean(candidate_t c)
{
	expect_all(c, BENCH_4K, 0, c->dirty);
}

static void clear_masks(candidate_t c, u64 mask)
{
	for (u64 ia = 0; ia < BENCH_1G; ia += 64 * BENCH_4K)
		c->clear_mask(IA + ia, mask);
}

static void clear_sparse(candidate_t c)
{
	clear_masks(c, SPARSE_MASK);
}

static void check_sparse(candidate_t c)
{
	for (u64 page = 0; page < PAGES_1G; page++)
		expect(c, page * BENCH_4K, BENCH_4K,
		       SPARSE_MASK >> page % 64 & 1 ? 0 : BENCH_WRITABLE, BENCH_WRITABLE);
}

static void clear_dense(candidate_t c)
{
	clear_masks(c, ~0ULL);
}

static void age(candidate_t c)
{
	c->age(IA, BENCH_1G);
}

static void check_old(candidate_t c)
{
	expect_all(c, BENCH_4K, 0, BENCH_YOUNG);
}

static void split(candidate_t c)
{
	c->split(IA, BENCH_1G);
}

static void collapse(candidate_t c)
{
	c->collapse(IA, BENCH_1G);
}

static void check_blocks(candidate_t c)
{
	expect_all(c, BENCH_2M, BENCH_WRITABLE, BENCH_WRITABLE);
}

static void destroy(candidate_t c)
{
	c->destroy();
}

static void teardown(candidate_t c)
{
	c->teardown(IA);
}

static void zap(candidate_t c)
{
	c->zap();
}

static void check_destroyed(candidate_t c)
{
	if (bench_taken())
		bench_die("tables are left");
}

static void set_limit(candidate_t c)
{
	bench_set_entries(OA);
}

static void read_limit(candidate_t c)
{
	found += bench_read_entries();
}

static void check_limit(candidate_t c)
{
	u64 expected = 0;

	bench_set_entries(OA);
	for (u64 i = 0; i < PAGES_1G; i++)
		expected += OA + i / PAGES_2M;
	if (bench_read_entries() != expected)
		bench_die("the entries are not what was written");
}

#define NEEDS(op)	offsetof(struct bench_candidate, op)

/**
 * struct row - something to measure
 * @name:	in the results
 * @needs:	the candidate's operation, 0: none
 * @per:	what the figures are divided by: entries or calls
 * @prepare:	brings an empty tree to where the row starts
 * @run:	what is measured
 * @check:	ends the program if that did not do its work
 * @gone:	the tree has been destroyed
 */
struct row {
	const char *name;
	size_t needs;
	unsigned int per;
	void (*prepare)(candidate_t c);
	void (*run)(candidate_t c);
	void (*check)(candidate_t c);
	bool gone;
};

static const struct row rows[] = {
	{ "memset64 of 1G's entries", 0, PAGES_1G, empty, set_limit, check_limit },
	{ "read of 1G's entries", 0, PAGES_1G, empty, read_limit, check_limit },
	{ "map 4K, one by one", NEEDS(map), SOME, tables, map_each, check_each },
	{ "unmap 4K, one by one", NEEDS(unmap), SOME, mapped_each, unmap_each, check_tables },
	{ "map 256x4K", NEEDS(map), TABLES * SOME, tables, map_some, check_some },
	{ "unmap 256x4K", NEEDS(unmap), TABLES * SOME, mapped_some, unmap_some, check_tables },
	{ "map 256x2M", NEEDS(map), 8 * SOME, block_tables, map_some_blocks, check_some_blocks },
	{ "unmap 256x2M", NEEDS(unmap), 8 * SOME, mapped_some_blocks, unmap_some_blocks,
	  check_block_tables },
	{ "map 1G of 4K", NEEDS(map), PAGES_1G, empty, full, check_full },
	{ "unmap 1G of 4K", NEEDS(unmap), PAGES_1G, full, unmap_full, check_empty },
	{ "lookup", NEEDS(lookup), LOOKUPS, full, look_up, check_lookup },
	{ "fault, table there", NEEDS(fault), TABLES * SOME, tables, fault_pages, check_some },
	{ "fault, new table", NEEDS(fault), PAGES_2M, empty, fault_tables, check_fault_tables },
	{ "write-protect 1G", NEEDS(wrprot), PAGES_1G, full, wrprot, check_wrprot },
	{ "clear dirty 1G", NEEDS(clear_dirty), PAGES_1G, full, clear_dirty, check_clean },
	{ "write-protect 4 of 64", NEEDS(clear_mask), PAGES_1G / 16, full, clear_sparse,
	  check_sparse },
	{ "write-protect 64 of 64", NEEDS(clear_mask), PAGES_1G, full, clear_dense, check_wrprot },
	{ "age 1G", NEEDS(age), PAGES_1G, full, age, check_old },
	{ "split 1G", NEEDS(split), PAGES_1G, blocks, split, check_full },
	{ "collapse 1G", NEEDS(collapse), PAGES_1G, full, collapse, check_blocks },
	{ "destroy 1G", NEEDS(destroy), PAGES_1G, full, destroy, check_destroyed, true },
	{ "tear down 1G, shared", NEEDS(teardown), PAGES_1G, full, teardown, check_empty },
	{ "zap 1G, shared", NEEDS(zap), PAGES_1G, full, zap, check_destroyed, true },
};

static bool applies(const struct row *row, candidate_t c)
{
	return *(void *const *)((const char *)c + row->needs);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void begin(const struct row *row, candidate_t c)
{
	bench_refill(c->empty);
	c->create();
	row->prepare(c);
	bench_grace_period();
	found = 0;
}

static void end(const struct row *row, candidate_t c)
{
	if (!row->gone)
		c->destroy();
	bench_grace_period();
	if (bench_taken())
		bench_die("tables are lost");
}

static void time_row(const struct row *row, candidate_t c, double seconds)
{
	double until = now() + seconds * 1e9;

	for (int run = 0; run < MAX_RUNS && (run < MIN_RUNS || now() < until); run++) {
		double start, returned, done;

		begin(row, c);
		start = now();
		row->run(c);
		returned = now();
		bench_grace_period();
		done = now();
		if (!run)
			row->check(c);
		else
			printf(" %.0f/%.0f", returned - start, done - start);
		end(row, c);
	}
}

static void count_row(const struct row *row, candidate_t c)
{
	begin(row, c);
	CALLGRIND_START_INSTRUMENTATION;
	CALLGRIND_ZERO_STATS;
	row->run(c);
	CALLGRIND_DUMP_STATS_AT("returned");
	bench_grace_period();
	CALLGRIND_DUMP_STATS_AT("done");
	CALLGRIND_STOP_INSTRUMENTATION;
	row->check(c);
	end(row, c);
}

int main(int argc, char **argv)
{
	bool timing = argc == 3 && !strcmp(argv[1], "ns");
	bool counting = argc == 2 && !strcmp(argv[1], "count");
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_POPULATE;
	const int access = PROT_READ | PROT_WRITE;

	if (!timing && !counting)
		bench_die("usage: bench ns SECONDS | bench count");
	if (mmap(PAGES_AT, PAGES * BENCH_4K, access, flags, -1, 0) != PAGES_AT ||
	    mmap(STRUCTS_AT, PAGES * STRUCT_SIZE, access, flags, -1, 0) != STRUCTS_AT)
		bench_die("no memory for tables");
	bench_setup(PAGES_AT, STRUCTS_AT, PAGES);

	for (const candidate_t *c = bench_candidates; *c; c++) {
		for (const struct row *row = rows; row < rows + sizeof(rows) / sizeof(*rows); row++) {
			if (!applies(row, *c))
				continue;
			printf("%s\t%s\t%u\t", (*c)->name, row->name, row->per);
			if (timing)
				time_row(row, *c, atof(argv[2]));
			else
				count_row(row, *c);
			putchar('\n');
			fflush(stdout);
		}
	}
}
