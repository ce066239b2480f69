// SPDX-License-Identifier: GPL-2.0-only
/*
 * What stands in for the rest of the kernel.
 *
 * Everything under measurement is the machine code that a kernel for x86-64 would
 * have; only what it calls outside of page-table code is here. All candidates get
 * the same, and what they call while the clock runs does as little as it can:
 *
 * - memory: __va(), __pa() and virt_to_page() are the kernel's own inline code; here are
 *   the variables that they read.  Physical memory starts with a pool of tables;
 * - tables: taken from the pool, where they wait with all entries empty, and given back to be
 *   emptied when the clock stands still.  Zeroing is nobody's advantage;
 * - RCU: read sections are the kernel's own inline code, callbacks wait in a list until
 *   bench_grace_period();
 * - per-CPU data: the code adds the base of %gs to a variable's address, which is 0 in a program's
 *   first thread; another thread makes it lead to a copy.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "surroundings.h"

/* Memory */

unsigned long page_offset_base;
unsigned long vmemmap_base;
unsigned long phys_base;
unsigned long zero_page_pfn;
struct pglist_data contig_page_data;

static void *free_tables[8192];
static unsigned long free_count;
static void *used_tables[ARRAY_SIZE(free_tables)];
static unsigned long used_count;
static unsigned long all_count;

void *bench_take(void)
{
	bench_demand(free_count, "the pool has no more tables");
	return free_tables[--free_count];
}

void bench_give(void *table)
{
	used_tables[used_count++] = table;
}

/* How many tables are in use. */
unsigned long bench_taken(void)
{
	return all_count - free_count - used_count;
}

void bench_setup(void *pages, void *structs, unsigned long count)
{
	page_offset_base = (unsigned long)pages;
	vmemmap_base = (unsigned long)structs;

	/* Physical address 0 is no table. */
	for (unsigned long i = 1; i < count && i <= ARRAY_SIZE(used_tables); i++)
		bench_give(pages + i * PAGE_SIZE);
	all_count = used_count;
}

void bench_refill(u64 empty)
{
	for (unsigned long i = 0; i < free_count; i++)
		memset64(free_tables[i], empty, PTRS_PER_PTE);
	while (used_count) {
		void *table = used_tables[--used_count];

		memset64(table, empty, PTRS_PER_PTE);
		memset(virt_to_page(table), 0, sizeof(struct page));
		free_tables[free_count++] = table;
	}
}

/* Scheduling */

static struct task_struct task;
struct task_struct *bench_current asm("const_current_task") = &task;
DEFINE_PER_CPU_CACHE_HOT(unsigned long, __preempt_count) = PREEMPT_ENABLED;

/* Where the variables above are. */
void *bench_per_cpu_data(unsigned long *size)
{
	void *count = &__preempt_count, *current_task = &bench_current;

	*size = max(count, current_task) - min(count, current_task) + sizeof(void *);
	return min(count, current_task);
}

void preempt_schedule_thunk(void)
{
	bench_die("somebody wants to be scheduled");
}

/* RCU */

static struct rcu_head *callbacks;
static struct rcu_head **callbacks_end = &callbacks;

void call_rcu(struct rcu_head *head, rcu_callback_t func)
{
	head->func = func;
	head->next = NULL;
	*callbacks_end = head;
	callbacks_end = &head->next;
}

void bench_grace_period(void)
{
	struct rcu_head *head = callbacks;

	callbacks = NULL;
	callbacks_end = &callbacks;
	while (head) {
		struct rcu_head *next = head->next;

		head->func(head);
		head = next;
	}
}

void rcu_barrier(void)
{
	bench_grace_period();
}

/* Complaints */

int _printk(const char *format, ...)
{
	bench_die(format);
}

void warn(void) asm("__SCT__WARN_trap");
void warn(void)
{
	bench_die("the code under measurement warns");
}

/* Only what static_call() refers to but never reads. */
void *bench_warn_key asm("__SCK__WARN_trap");

/* The physical limit */

#define LIMIT_TABLES	512

static u64 entries[LIMIT_TABLES][PTRS_PER_PTE] __aligned(PAGE_SIZE);

void bench_set_entries(u64 first)
{
	for (unsigned int i = 0; i < LIMIT_TABLES; i++)
		memset64(entries[i], first + i, PTRS_PER_PTE);
}

u64 bench_read_entries(void)
{
	const u64 *end = entries[LIMIT_TABLES];
	u64 sum = 0;

	for (const u64 *entry = entries[0]; entry < end; entry++)
		sum += READ_ONCE(*entry);
	return sum;
}

/* Where others may write an entry at any time, it costs a locked instruction. */
void bench_exchange_entries(u64 first)
{
	for (unsigned int i = 0; i < LIMIT_TABLES; i++)
		for (unsigned int k = 0; k < PTRS_PER_PTE; k++)
			xchg(&entries[i][k], first + i);
}
