// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measures the page-table code that is linked to it.
 *
 *	bench ns SECONDS	takes times, for so long for each row and candidate
 *	bench count		runs each row once, for Callgrind to count instructions
 *
 * A line for each candidate and row has their names, what the figures are to be divided by, and
 * with `ns` a pair of figures for each run: until the operation returned, and until all was
 * done that it left for later.
 */
#include <asm/prctl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

#include "bench.h"

/* The pool's pages and their structs, at addresses that Valgrind leaves free. */
#define PAGES		8192
#define PAGES_AT	((void *)0x1000000000)
#define STRUCTS_AT	((void *)0x2000000000)
#define STRUCT_SIZE	64

/* The guest's memory: where it is for the guest, and where in truth.  It is never touched. */
#define IA		BENCH_1G
#define OA		(64 * BENCH_1G)

#define PAGES_1G	(BENCH_1G / BENCH_4K)
#define PAGES_2M	(BENCH_2M / BENCH_4K)

/* Rows with calls for a part of a table make so many, each in a table of its own. */
#define SOME		256
#define TABLES		64
#define BLOCK_TABLES	8

#define LOOKUPS		4096
#define SPARSE_MASK	0x0001000100010001ULL

/* The first run is checked, and warms up; its time does not count. */
#define MIN_RUNS	5
#define MAX_RUNS	1000

/* Kernel objects do not align the stack. */
__attribute__((force_align_arg_pointer)) void bench_die(const char *why)
{
	fprintf(stderr, "error: %s\n", why);
	exit(1);
}

/* Instead of taking times: then there is one thread, as Callgrind runs one at a time. */
static bool counting;

typedef const struct bench_candidate *candidate_t;

typedef void (*map_t)(u64 ia, u64 oa, u64 size, u64 span);

/* Parts of the guest's memory */

static void map_each(map_t map)
{
	for (u64 at = 0; at < SOME * BENCH_4K; at += BENCH_4K)
		map(IA + at, OA + at, BENCH_4K, BENCH_4K);
}

static void map_some(map_t map)
{
	for (u64 at = 0; at < TABLES * BENCH_2M; at += BENCH_2M)
		map(IA + at, OA + at, SOME * BENCH_4K, BENCH_4K);
}

static void map_some_blocks(map_t map)
{
	for (u64 at = 0; at < BLOCK_TABLES * BENCH_1G; at += BENCH_1G)
		map(IA + at, OA + at, SOME * BENCH_2M, BENCH_2M);
}

static void map_full(map_t map)
{
	map(IA, OA, BENCH_1G, BENCH_4K);
}

/* What a row starts from */

static void empty(candidate_t c)
{
}

/* Tables are there, each with its last entry in use. */
static void tables(candidate_t c)
{
	for (u64 at = BENCH_2M - BENCH_4K; at < BENCH_1G; at += BENCH_2M)
		c->populate(IA + at, OA + at, BENCH_4K, BENCH_4K);
}

static void block_tables(candidate_t c)
{
	for (u64 at = BENCH_1G - BENCH_2M; at < BLOCK_TABLES * BENCH_1G; at += BENCH_1G)
		c->populate(IA + at, OA + at, BENCH_2M, BENCH_2M);
}

static void each(candidate_t c)
{
	tables(c);
	map_each(c->populate);
}

static void some(candidate_t c)
{
	tables(c);
	map_some(c->populate);
}

static void some_blocks(candidate_t c)
{
	block_tables(c);
	map_some_blocks(c->populate);
}

static void full(candidate_t c)
{
	map_full(c->populate);
}

static void block(candidate_t c)
{
	c->populate(IA, OA, BENCH_1G, BENCH_1G);
}

/* Checks */

/* The page at this offset is mapped by a leaf of at least @span bytes, or not if that is 0. */
static void expect(candidate_t c, u64 at, u64 span, unsigned int bits, unsigned int of)
{
	struct bench_leaf leaf = c->look(IA + at);

	if (span ? leaf.span >= span && leaf.oa == OA + at && (leaf.bits & of) == bits : !leaf.span)
		return;

	fprintf(stderr, "%s: %#llx is mapped to %#llx, %#llx bytes, bits %#x\n",
		c->name, IA + at, leaf.oa, leaf.span, leaf.bits);
	bench_die("an operation has not done what it should");
}

static void expect_all(candidate_t c, u64 span, unsigned int bits, unsigned int of)
{
	for (u64 at = 0; at < BENCH_1G; at += BENCH_4K)
		expect(c, at, span, bits, of);
}

/* Is this offset the last @part of a @whole? */
static bool is_last(u64 at, u64 part, u64 whole)
{
	return !((at + part) % whole);
}

static void check_each(candidate_t c)
{
	for (u64 at = 0; at < BENCH_2M; at += BENCH_4K)
		expect(c, at, at < SOME * BENCH_4K ||
		       is_last(at, BENCH_4K, BENCH_2M) ? BENCH_4K : 0, 0, 0);
}

/* The last page of each table has none of these bits, and no other page is mapped. */
static void expect_tables(candidate_t c, unsigned int of)
{
	for (u64 at = 0; at < BENCH_1G; at += BENCH_4K)
		expect(c, at, is_last(at, BENCH_4K, BENCH_2M) ? BENCH_4K : 0, 0, of);
}

static void check_tables(candidate_t c)
{
	expect_tables(c, 0);
}

static void check_some(candidate_t c)
{
	for (u64 at = 0; at < TABLES * BENCH_2M; at += BENCH_4K)
		expect(c, at, at % BENCH_2M < SOME * BENCH_4K ||
		       is_last(at, BENCH_4K, BENCH_2M) ? BENCH_4K : 0, 0, 0);
}

static void check_some_blocks(candidate_t c)
{
	for (u64 at = 0; at < BLOCK_TABLES * BENCH_1G; at += BENCH_2M)
		expect(c, at, at % BENCH_1G < SOME * BENCH_2M ||
		       is_last(at, BENCH_2M, BENCH_1G) ? BENCH_4K : 0, 0, 0);
}

static void check_block_tables(candidate_t c)
{
	for (u64 at = 0; at < BLOCK_TABLES * BENCH_1G; at += BENCH_2M)
		expect(c, at, is_last(at, BENCH_2M, BENCH_1G) ? BENCH_4K : 0, 0, 0);
}

static void check_first_pages(candidate_t c)
{
	for (u64 at = 0; at < BENCH_1G; at += BENCH_4K)
		expect(c, at, at % BENCH_2M ? 0 : BENCH_4K, 0, 0);
}

static void check_full(candidate_t c)
{
	expect_all(c, BENCH_4K, BENCH_WRITABLE, BENCH_WRITABLE);
}

static void check_empty(candidate_t c)
{
	expect_all(c, 0, 0, 0);
}

static void check_wrprot(candidate_t c)
{
	expect_all(c, BENCH_4K, 0, BENCH_WRITABLE);
}

static void check_wrprot_tables(candidate_t c)
{
	expect_tables(c, BENCH_WRITABLE);
}

static void check_clean(candidate_t c)
{
	expect_all(c, BENCH_4K, 0, BENCH_DIRTY);
}

static void check_sparse(candidate_t c, unsigned int bit)
{
	for (u64 page = 0; page < PAGES_1G; page++)
		expect(c, page * BENCH_4K, BENCH_4K, SPARSE_MASK >> page % 64 & 1 ? 0 : bit, bit);
}

static void check_sparse_wrprot(candidate_t c)
{
	check_sparse(c, BENCH_WRITABLE);
}

static void check_sparse_clean(candidate_t c)
{
	check_sparse(c, BENCH_DIRTY);
}

static void check_old(candidate_t c)
{
	expect_all(c, BENCH_4K, 0, BENCH_YOUNG);
}

static void check_old_each(candidate_t c)
{
	for (u64 at = 0; at < SOME * BENCH_4K; at += BENCH_4K)
		expect(c, at, BENCH_4K, 0, BENCH_YOUNG);
}

static void check_blocks(candidate_t c)
{
	expect_all(c, BENCH_2M, BENCH_WRITABLE, BENCH_WRITABLE);
}

static void check_destroyed(candidate_t c)
{
	if (bench_taken())
		bench_die("tables are left");
}

/* Rows */

static u64 found;

static void set_limit(candidate_t c)
{
	bench_set_entries(OA);
}

static void exchange_limit(candidate_t c)
{
	bench_exchange_entries(OA);
}

static void read_limit(candidate_t c)
{
	found += bench_read_entries();
}

static void check_limit(candidate_t c)
{
	u64 expected = 0;

	for (u64 i = 0; i < PAGES_1G; i++)
		expected += OA + i / PAGES_2M;
	if (bench_read_entries() != expected)
		bench_die("the entries are not what was written");
}

static void run_map_each(candidate_t c)
{
	map_each(c->map);
}

static void run_unmap_each(candidate_t c)
{
	for (u64 at = 0; at < SOME * BENCH_4K; at += BENCH_4K)
		c->unmap(IA + at, BENCH_4K);
}

static void run_map_some(candidate_t c)
{
	map_some(c->map);
}

static void run_unmap_some(candidate_t c)
{
	for (u64 at = 0; at < TABLES * BENCH_2M; at += BENCH_2M)
		c->unmap(IA + at, SOME * BENCH_4K);
}

static void run_map_some_blocks(candidate_t c)
{
	map_some_blocks(c->map);
}

static void run_unmap_some_blocks(candidate_t c)
{
	for (u64 at = 0; at < BLOCK_TABLES * BENCH_1G; at += BENCH_1G)
		c->unmap(IA + at, SOME * BENCH_2M);
}

static void run_map_full(candidate_t c)
{
	map_full(c->map);
}

static void run_unmap_full(candidate_t c)
{
	c->unmap(IA, BENCH_1G);
}

/* In an order that no prefetcher knows. */
static u64 lookup_at(unsigned int n)
{
	return n * 40503ULL % PAGES_1G * BENCH_4K;
}

static void run_lookup(candidate_t c)
{
	for (unsigned int n = 0; n < LOOKUPS; n++)
		found += c->lookup(IA + lookup_at(n)) - OA;
}

static void check_lookup(candidate_t c)
{
	u64 expected = 0;

	for (unsigned int n = 0; n < LOOKUPS; n++)
		expected += lookup_at(n);
	if (found != expected)
		bench_die("a lookup finds something else");
}

static void run_fault_pages(candidate_t c)
{
	for (u64 table = 0; table < TABLES * BENCH_2M; table += BENCH_2M)
		for (u64 at = table; at < table + SOME * BENCH_4K; at += BENCH_4K)
			c->fault(IA + at, OA + at);
}

static void run_fault_tables(candidate_t c)
{
	for (u64 at = 0; at < BENCH_1G; at += BENCH_2M)
		c->fault(IA + at, OA + at);
}

/* vCPUs that fault at once, each in tables of its own. */

static struct {
	candidate_t c;
	pthread_t thread;
	bool started;
	atomic_bool go, done;
} second;

static void fault_part(candidate_t c, unsigned int vcpu)
{
	for (u64 table = vcpu * BENCH_2M; table < TABLES * BENCH_2M; table += BENCH_VCPUS * BENCH_2M)
		for (u64 at = table; at < table + SOME * BENCH_4K; at += BENCH_4K)
			c->fault_of(vcpu, IA + at, OA + at);
}

/* Per-CPU data of its own, and a CPU beside the one that the program is bound to. */
static void become_another_cpu(void)
{
	unsigned long size;
	void *data = bench_per_cpu_data(&size), *copy = malloc(size);
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET((sched_getcpu() + 1) % sysconf(_SC_NPROCESSORS_ONLN), &cpu);
	if (!copy || sched_setaffinity(0, sizeof(cpu), &cpu) ||
	    syscall(SYS_arch_prctl, ARCH_SET_GS, memcpy(copy, data, size) - data))
		bench_die("there is no second CPU");
}

static void *run_second(void *arg)
{
	become_another_cpu();
	while (!second.go)
		;
	fault_part(second.c, 1);
	second.done = true;
	return NULL;
}

static void tables_and_second(candidate_t c)
{
	tables(c);
	if (counting)
		return;
	if (second.started)
		pthread_join(second.thread, NULL);
	second.c = c;
	second.go = second.done = false;
	second.started = !pthread_create(&second.thread, NULL, run_second, NULL);
	if (!second.started)
		bench_die("there is no second thread");
}

static void run_fault_vcpus(candidate_t c)
{
	if (counting) {
		fault_part(c, 0);
		fault_part(c, 1);
		return;
	}
	second.go = true;
	fault_part(c, 0);
	while (!second.done)
		;
}

static void run_wrprot(candidate_t c)
{
	c->wrprot(IA, BENCH_1G);
}

static void run_clear_dirty(candidate_t c)
{
	c->clear_dirty(IA, BENCH_1G);
}

static void edit_masks(void (*edit)(u64 ia, u64 mask), u64 mask)
{
	for (u64 at = 0; at < BENCH_1G; at += 64 * BENCH_4K)
		edit(IA + at, mask);
}

static void run_wrprot_sparse(candidate_t c)
{
	edit_masks(c->wrprot_mask, SPARSE_MASK);
}

static void run_wrprot_dense(candidate_t c)
{
	edit_masks(c->wrprot_mask, ~0ULL);
}

static void run_clear_dirty_sparse(candidate_t c)
{
	edit_masks(c->clear_dirty_mask, SPARSE_MASK);
}

static void run_clear_dirty_dense(candidate_t c)
{
	edit_masks(c->clear_dirty_mask, ~0ULL);
}

static void run_age(candidate_t c)
{
	c->age(IA, BENCH_1G);
}

static void run_age_each(candidate_t c)
{
	for (u64 at = 0; at < SOME * BENCH_4K; at += BENCH_4K)
		c->age(IA + at, BENCH_4K);
}

static void run_split(candidate_t c)
{
	c->split(IA, BENCH_1G);
}

static void run_collapse(candidate_t c)
{
	c->collapse(IA, OA, BENCH_1G);
}

static void run_destroy(candidate_t c)
{
	c->destroy();
}

static void run_teardown(candidate_t c)
{
	c->teardown(IA);
}

static void run_zap(candidate_t c)
{
	c->zap();
}

#define NEEDS(op)	offsetof(struct bench_candidate, op)

/**
 * struct row - something to measure
 * @name:	in the results
 * @needs:	an operation that the candidate must have
 * @per:	what the figures are divided by: entries, or calls
 * @prepare:	brings an empty tree to where the row starts
 * @run:	what is measured
 * @check:	ends the program if that did not do its work
 * @destroys:	no tree is left
 */
struct row {
	const char *name;
	size_t needs;
	unsigned int per;
	void (*prepare)(candidate_t c);
	void (*run)(candidate_t c);
	void (*check)(candidate_t c);
	bool destroys;
};

static const struct row rows[] = {
	{ "memset64 of 1G's entries", NEEDS(name), PAGES_1G, empty, set_limit, check_limit },
	{ "xchg of 1G's entries", NEEDS(name), PAGES_1G, empty, exchange_limit, check_limit },
	{ "read of 1G's entries", NEEDS(name), PAGES_1G, set_limit, read_limit, check_limit },
	{ "map 4K, one by one", NEEDS(map), SOME, tables, run_map_each, check_each },
	{ "unmap 4K, one by one", NEEDS(unmap), SOME, each, run_unmap_each, check_tables },
	{ "map 256x4K", NEEDS(map), TABLES * SOME, tables, run_map_some, check_some },
	{ "unmap 256x4K", NEEDS(unmap), TABLES * SOME, some, run_unmap_some, check_tables },
	{ "map 256x2M", NEEDS(map), BLOCK_TABLES * SOME, block_tables, run_map_some_blocks,
	  check_some_blocks },
	{ "unmap 256x2M", NEEDS(unmap), BLOCK_TABLES * SOME, some_blocks, run_unmap_some_blocks,
	  check_block_tables },
	{ "map 1G of 4K", NEEDS(map), PAGES_1G, empty, run_map_full, check_full },
	{ "unmap 1G of 4K", NEEDS(unmap), PAGES_1G, full, run_unmap_full, check_empty },
	{ "lookup", NEEDS(lookup), LOOKUPS, full, run_lookup, check_lookup },
	{ "fault, table there", NEEDS(fault), TABLES * SOME, tables, run_fault_pages, check_some },
	{ "fault, new table", NEEDS(fault), PAGES_2M, empty, run_fault_tables, check_first_pages },
	{ "fault, two vCPUs", NEEDS(fault_of), TABLES * SOME, tables_and_second, run_fault_vcpus,
	  check_some },
	{ "write-protect 1G", NEEDS(wrprot), PAGES_1G, full, run_wrprot, check_wrprot },
	{ "write-protect 1G, sparse", NEEDS(wrprot), PAGES_1G, tables, run_wrprot,
	  check_wrprot_tables },
	{ "clear dirty 1G", NEEDS(clear_dirty), PAGES_1G, full, run_clear_dirty, check_clean },
	{ "write-protect 4 of 64", NEEDS(wrprot_mask), PAGES_1G / 16, full, run_wrprot_sparse,
	  check_sparse_wrprot },
	{ "write-protect 64 of 64", NEEDS(wrprot_mask), PAGES_1G, full, run_wrprot_dense,
	  check_wrprot },
	{ "clear dirty 4 of 64", NEEDS(clear_dirty_mask), PAGES_1G / 16, full,
	  run_clear_dirty_sparse, check_sparse_clean },
	{ "clear dirty 64 of 64", NEEDS(clear_dirty_mask), PAGES_1G, full, run_clear_dirty_dense,
	  check_clean },
	{ "age 4K, one by one", NEEDS(age), SOME, each, run_age_each, check_old_each },
	{ "age 1G", NEEDS(age), PAGES_1G, full, run_age, check_old },
	{ "split 1G", NEEDS(split), PAGES_1G, block, run_split, check_full },
	{ "collapse 1G", NEEDS(collapse), PAGES_1G, full, run_collapse, check_blocks },
	{ "destroy 1G", NEEDS(destroy), PAGES_1G, full, run_destroy, check_destroyed, true },
	{ "tear down 1G, shared", NEEDS(teardown), PAGES_1G, full, run_teardown, check_empty },
	{ "zap 1G, shared", NEEDS(zap), PAGES_1G, full, run_zap, check_destroyed, true },
};

#define ROWS	(sizeof(rows) / sizeof(*rows))

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
	if (!row->destroys)
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

/* Takes times if there are @seconds to do it, else counts. */
static void measure(candidate_t c, double seconds)
{
	for (const struct row *row = rows; row < rows + ROWS; row++) {
		if (!applies(row, c))
			continue;
		printf("%s\t%s\t%u\t", c->name, row->name, row->per);
		if (seconds)
			time_row(row, c, seconds);
		else
			count_row(row, c);
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	bool timing = argc == 3 && !strcmp(argv[1], "ns");
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_POPULATE;
	const int access = PROT_READ | PROT_WRITE;

	counting = argc == 2 && !strcmp(argv[1], "count");
	if (!timing && !counting)
		bench_die("usage: bench ns SECONDS | bench count");
	if (mmap(PAGES_AT, PAGES * BENCH_4K, access, flags, -1, 0) != PAGES_AT ||
	    mmap(STRUCTS_AT, PAGES * STRUCT_SIZE, access, flags, -1, 0) != STRUCTS_AT)
		bench_die("no memory for tables");
	bench_setup(PAGES_AT, STRUCTS_AT, PAGES);

	for (const candidate_t *c = bench_candidates; *c; c++)
		measure(*c, timing ? atof(argv[2]) : 0);
}
