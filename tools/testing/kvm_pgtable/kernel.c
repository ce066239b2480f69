// SPDX-License-Identifier: GPL-2.0-only
/* Kernel functions that the suites and the engine use. */
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/xarray.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(start, size)
#define ASAN_UNPOISON_MEMORY_REGION(start, size)
#endif

/* Pages: one free list per order, never merged */

#define ORDERS	12

char *kpt_memory;
struct page kpt_pages[KPT_PAGES];

static struct page *free_pages[ORDERS];
static unsigned long first_unused;
static pthread_mutex_t pages_lock = PTHREAD_MUTEX_INITIALIZER;

static __attribute__((constructor)) void reserve_memory(void)
{
	/* Align for the largest tables. */
	char *memory = mmap(NULL, 2ul * KPT_MEMORY, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		abort();
	kpt_memory = (char *)ALIGN((unsigned long)memory, KPT_MEMORY);
	/* Do not use address 0 for a table. */
	first_unused = BIT(ORDERS);
}

static struct page *unused_pages(unsigned int order)
{
	unsigned long first = ALIGN(first_unused, BIT(order));

	if (first + BIT(order) > KPT_PAGES)
		return NULL;
	first_unused = first + BIT(order);
	return &kpt_pages[first];
}

struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	struct page *page;

	pthread_mutex_lock(&pages_lock);
	page = free_pages[order];
	if (page)
		free_pages[order] = page->next;
	else
		page = unused_pages(order);
	pthread_mutex_unlock(&pages_lock);
	if (page) {
		ASAN_UNPOISON_MEMORY_REGION(page_address(page), PAGE_SIZE << order);
		memset(page_address(page), 0, PAGE_SIZE << order);
	}
	return page;
}

void __free_pages(struct page *page, unsigned int order)
{
	ASAN_POISON_MEMORY_REGION(page_address(page), PAGE_SIZE << order);
	pthread_mutex_lock(&pages_lock);
	page->next = free_pages[order];
	free_pages[order] = page;
	pthread_mutex_unlock(&pages_lock);
}

/*
 * RCU: each thread records in which grace period its read-side section began.  It
 * writes only to data of its own, so that readers do not order each other.
 */

struct reader {
	unsigned long since;	/* 0 outside of read-side sections */
	unsigned int nesting;
	bool known;
	struct reader *next;
};

static __thread struct reader me;
static struct reader *readers;
static unsigned long grace_period = 1;
static struct rcu_head *queued;
static pthread_mutex_t rcu_lock = PTHREAD_MUTEX_INITIALIZER;

static void know_me(void)
{
	pthread_mutex_lock(&rcu_lock);
	me.known = true;
	me.next = readers;
	readers = &me;
	pthread_mutex_unlock(&rcu_lock);
}

static void forget_me(void)
{
	struct reader **r = &readers;

	pthread_mutex_lock(&rcu_lock);
	while (*r && *r != &me)
		r = &(*r)->next;
	if (*r)
		*r = me.next;
	pthread_mutex_unlock(&rcu_lock);
}

void rcu_read_lock(void)
{
	if (!me.known)
		know_me();
	/* If an updater misses this store, its grace period ends before this section's reads. */
	if (!me.nesting++)
		xchg(&me.since, __atomic_load_n(&grace_period, __ATOMIC_RELAXED));
}

void rcu_read_unlock(void)
{
	if (!--me.nesting)
		/* Order all reads of the section before this; pairs with all_began_in(). */
		smp_store_release(&me.since, 0);
}

bool rcu_read_lock_held(void)
{
	return me.nesting;
}

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	head->func = func;
	head->next = __atomic_load_n(&queued, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&queued, &head->next, head, false, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED))
		;
}

static bool all_began_in(unsigned long period)
{
	for (struct reader *r = readers; r; r = r->next) {
		unsigned long since = __atomic_load_n(&r->since, __ATOMIC_SEQ_CST);

		if (since && since < period)
			return false;
	}
	return true;
}

/* Try to end the grace period, or start one.  Return true if there are no callbacks. */
static bool end_grace_period(void)
{
	static struct rcu_head *waiting;
	struct rcu_head *head;

	if (!waiting) {
		waiting = __atomic_exchange_n(&queued, NULL, __ATOMIC_ACQUIRE);
		if (!waiting)
			return true;
		__atomic_add_fetch(&grace_period, 1, __ATOMIC_SEQ_CST);
	}
	if (!all_began_in(grace_period))
		return false;
	while ((head = waiting)) {
		waiting = head->next;
		head->func(head);
	}
	return false;
}

void cond_resched(void)
{
	if (__atomic_load_n(&queued, __ATOMIC_RELAXED) && !pthread_mutex_trylock(&rcu_lock)) {
		end_grace_period();
		pthread_mutex_unlock(&rcu_lock);
	}
	sched_yield();
}

void rcu_barrier(void)
{
	bool done;

	do {
		pthread_mutex_lock(&rcu_lock);
		done = end_grace_period();
		pthread_mutex_unlock(&rcu_lock);
		if (!done)
			sched_yield();
	} while (!done);
}

/* Threads */

struct task_struct {
	pthread_t thread;
	int (*run)(void *data);
	void *data;
	int result;
	int users;
	struct completion ended;
	/* These are for fibers only. */
	bool bound;
	ucontext_t context;
	char *stack;
	struct completion *awaited;
	struct task_struct *next;
};

/*
 * Threads that are bound to a CPU take turns, and each waits for its own.  They are
 * fibers, as a switch between those takes a tenth of the time.  The sanitizers do not
 * know fibers.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAVE_FIBERS	false
#else
#define HAVE_FIBERS	true
#endif
#define FIBER_STACK	BIT(20)

/* The first is the program's own thread. */
static struct task_struct first_fiber;
static struct task_struct *running_fiber = &first_fiber;

static bool can_run(const struct task_struct *fiber)
{
	int value = 1;

	if (fiber->awaited)
		sem_getvalue(&fiber->awaited->done, &value);
	return value > 0;
}

static void switch_fiber(void)
{
	struct task_struct *from = running_fiber, *to = &first_fiber;

	while (to && (to == from || !can_run(to)))
		to = to->next;
	/* All wait for each other. */
	if (!to)
		abort();
	running_fiber = to;
	swapcontext(&from->context, &to->context);
}

static void end_fiber(struct task_struct *fiber)
{
	struct task_struct *before = &first_fiber;

	while (before->next != fiber)
		before = before->next;
	before->next = fiber->next;
	complete(&fiber->ended);
	switch_fiber();
}

static void run_fiber(void)
{
	running_fiber->result = running_fiber->run(running_fiber->data);
	end_fiber(running_fiber);
}

static void start_fiber(struct task_struct *task)
{
	task->stack = malloc(FIBER_STACK);
	if (!task->stack || getcontext(&task->context))
		abort();
	task->context.uc_stack.ss_sp = task->stack;
	task->context.uc_stack.ss_size = FIBER_STACK;
	makecontext(&task->context, run_fiber, 0);
	task->next = first_fiber.next;
	first_fiber.next = task;
}

void kthread_bind(struct task_struct *task, unsigned int cpu)
{
	task->bound = HAVE_FIBERS;
}

void init_completion(struct completion *x)
{
	sem_init(&x->done, 0, 0);
}

void complete(struct completion *x)
{
	sem_post(&x->done);
}

static void wait_as_a_thread(struct completion *x)
{
	while (sem_wait(&x->done))
		;
}

void wait_for_completion(struct completion *x)
{
	while (sem_trywait(&x->done)) {
		if (!first_fiber.next) {
			wait_as_a_thread(x);
			return;
		}
		running_fiber->awaited = x;
		switch_fiber();
		running_fiber->awaited = NULL;
	}
}

bool try_wait_for_completion(struct completion *x)
{
	return !sem_trywait(&x->done);
}

static void *run_thread(void *data)
{
	struct task_struct *task = data;

	task->result = task->run(task->data);
	forget_me();
	complete(&task->ended);
	put_task_struct(task);
	return NULL;
}

struct task_struct *kthread_create(int (*run)(void *data), void *data, const char *name, ...)
{
	struct task_struct *task = calloc(1, sizeof(*task));

	if (!task)
		return ERR_PTR(-ENOMEM);
	task->run = run;
	task->data = data;
	task->users = 1;
	init_completion(&task->ended);
	return task;
}

void wake_up_process(struct task_struct *task)
{
	if (task->bound) {
		start_fiber(task);
		return;
	}
	if (pthread_create(&task->thread, NULL, run_thread, task))
		abort();
	pthread_detach(task->thread);
}

int kthread_stop(struct task_struct *task)
{
	int result;

	wait_for_completion(&task->ended);
	result = task->result;
	/* A thread does that itself, but a fiber still uses its stack. */
	if (task->bound)
		put_task_struct(task);
	return result;
}

void get_task_struct(struct task_struct *task)
{
	__atomic_add_fetch(&task->users, 1, __ATOMIC_SEQ_CST);
}

void put_task_struct(struct task_struct *task)
{
	if (__atomic_sub_fetch(&task->users, 1, __ATOMIC_SEQ_CST))
		return;
	free(task->stack);
	free(task);
}

unsigned int num_online_cpus(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

unsigned long kpt_jiffies(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Printing and random numbers */

void seq_printf(struct seq_file *m, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(m->buf + m->count, m->size - m->count, format, args);
	va_end(args);
	m->count = m->count + length < m->size ? m->count + length : m->size;
}

u32 get_random_u32(void)
{
	u32 number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		abort();
	return number;
}

/* Sorted arrays */

/* Position of the index, or where to insert it. */
static size_t xa_position(const struct xarray *xa, unsigned long index)
{
	size_t first = 0, end = xa->count;

	while (first < end) {
		size_t middle = (first + end) / 2;

		if (xa->entries[middle].index < index)
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

void *xa_find(struct xarray *xa, unsigned long *index, unsigned long max, unsigned int filter)
{
	size_t at = xa_position(xa, *index);

	if (at == xa->count || xa->entries[at].index > max)
		return NULL;
	*index = xa->entries[at].index;
	return xa->entries[at].value;
}

void *xa_load(struct xarray *xa, unsigned long index)
{
	return xa_find(xa, &index, index, XA_PRESENT);
}

static void xa_grow(struct xarray *xa)
{
	if (xa->count < xa->size)
		return;
	xa->size = xa->size ? 2 * xa->size : 16;
	xa->entries = realloc(xa->entries, xa->size * sizeof(*xa->entries));
	if (!xa->entries)
		abort();
}

void *xa_store(struct xarray *xa, unsigned long index, void *value, gfp_t gfp)
{
	size_t at = xa_position(xa, index);
	void *old = xa_load(xa, index);

	if (!old) {
		xa_grow(xa);
		memmove(&xa->entries[at + 1], &xa->entries[at],
			(xa->count++ - at) * sizeof(*xa->entries));
	}
	xa->entries[at] = (struct kpt_xa_entry) { .index = index, .value = value };
	return old;
}

void *xa_erase(struct xarray *xa, unsigned long index)
{
	size_t at = xa_position(xa, index);
	void *old = xa_load(xa, index);

	if (old)
		memmove(&xa->entries[at], &xa->entries[at + 1],
			(--xa->count - at) * sizeof(*xa->entries));
	return old;
}

void xa_destroy(struct xarray *xa)
{
	free(xa->entries);
	xa_init(xa);
}
