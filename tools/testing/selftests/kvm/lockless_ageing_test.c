// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM ages pages without holding its MMU lock: age a page repeatedly while one
 * KVM_CLEAR_DIRTY_LOG holds the lock.  The slot is large, so that the clear takes longer
 * than a time slice, but uses hardly any memory.
 *
 * A guest's write is also an access through the host's page tables, on its way into the
 * dirty log.  A read is only visible in KVM's own tables.
 */
#include <linux/bitmap.h>
#include <linux/sizes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include <kvm_util.h>
#include <page_idle.h>
#include <processor.h>
#include <test_util.h>
#include <ucall_common.h>

#define TEST_SLOT	10
#define TEST_GPA	SZ_4G
#define TEST_PAGES	((u64)SZ_8M)
#define TEST_ROUNDS	5
/* About ten are possible before the lock is taken, while the ioctl copies the bitmap. */
#define ENOUGH		200
/* The host batches new pages before it adds them to the LRU, so use several. */
#define USED_PAGES	64

static struct kvm_vm *vm;
static unsigned long *dirty;

/* Odd while the dirty log is being cleared. */
static atomic_ulong clears;
static atomic_bool clear_wanted, done;

static void guest_code(u64 stride)
{
	for (;;) {
		for (u64 page = 0; page < USED_PAGES; page++)
			WRITE_ONCE(*(u64 *)(TEST_GPA + page * stride), page);
		GUEST_SYNC(0);
		READ_ONCE(*(u64 *)TEST_GPA);
		GUEST_SYNC(0);
	}
}

static void guest_runs(struct kvm_vcpu *vcpu)
{
	vcpu_run(vcpu);
	TEST_ASSERT_EQ(get_ucall(vcpu, NULL), UCALL_SYNC);
}

/* With KVM_DIRTY_LOG_INITIALLY_SET, logging starts with all pages dirty. */
static void log_anew(void *memory)
{
	u64 size = TEST_PAGES * getpagesize();

	vm_set_user_memory_region(vm, TEST_SLOT, 0, TEST_GPA, size, memory);
	vm_set_user_memory_region(vm, TEST_SLOT, KVM_MEM_LOG_DIRTY_PAGES, TEST_GPA, size, memory);
}

static void *clear_when_wanted(void *unused)
{
	pin_self_to_cpu(1);
	while (!atomic_load(&done)) {
		if (!atomic_exchange(&clear_wanted, false))
			continue;
		atomic_fetch_add(&clears, 1);
		kvm_vm_clear_dirty_log(vm, TEST_SLOT, dirty, 0, TEST_PAGES);
		atomic_fetch_add(&clears, 1);
	}
	return NULL;
}

/* Return how often the page was aged, from start to end, during one KVM_CLEAR_DIRTY_LOG. */
static unsigned int age_during_clear(int fd, u64 pfn)
{
	unsigned long before = atomic_load(&clears), now;
	unsigned int aged = 0;

	atomic_store(&clear_wanted, true);
	while ((now = atomic_load(&clears)) == before)
		;
	do {
		page_idle_mark(fd, pfn);
		now = atomic_load(&clears);
		aged += now == before + 1;
	} while (now == before + 1);
	while (atomic_load(&clears) != before + 2)
		;
	return aged;
}

int main(void)
{
	int idle = page_idle_open();
	u64 flags = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET;
	u64 size = TEST_PAGES * getpagesize();
	unsigned int aged = 0;
	struct kvm_vcpu *vcpu;
	pthread_t clearer;
	void *memory;
	u64 pfn;

	__TEST_REQUIRE(get_nprocs() > 1, "at least two CPUs are required");
	TEST_REQUIRE((kvm_check_cap(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2) & flags) == flags);

	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	TEST_ASSERT(memory != MAP_FAILED, "mmap: %s", strerror(errno));
	vm = vm_create_with_one_vcpu(&vcpu, guest_code);
	vm_enable_cap(vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, flags);
	vm_set_user_memory_region(vm, TEST_SLOT, 0, TEST_GPA, size, memory);
	virt_map(vm, TEST_GPA, TEST_GPA, USED_PAGES * getpagesize() / vm->page_size);
	vcpu_args_set(vcpu, 1, getpagesize());
	dirty = bitmap_zalloc(TEST_PAGES);
	memset(dirty, 0xff, TEST_PAGES / 8);
	pin_self_to_cpu(0);
	pthread_create(&clearer, NULL, clear_when_wanted, NULL);

	guest_runs(vcpu);
	pfn = page_idle_pfn(memory);
	guest_runs(vcpu);
	for (int round = 0; round < TEST_ROUNDS; round++) {
		log_anew(memory);
		aged += age_during_clear(idle, pfn);
		TEST_ASSERT(page_idle_is(idle, pfn), "page is not idle, but was not accessed");

		guest_runs(vcpu);
		TEST_ASSERT(!page_idle_is(idle, pfn), "page is idle, but the guest wrote to it");

		page_idle_mark(idle, pfn);
		/* Flush the TLB: ageing does not, so the next access would be missed. */
		kvm_vm_clear_dirty_log(vm, TEST_SLOT, dirty, 0, BITS_PER_LONG);
		guest_runs(vcpu);
		TEST_ASSERT(!page_idle_is(idle, pfn), "page is idle, but the guest read it");
	}

	pr_info("aged %u times during %u clears\n", aged, TEST_ROUNDS);
	TEST_ASSERT(aged > ENOUGH * TEST_ROUNDS, "ageing waits for the lock");

	atomic_store(&done, true);
	pthread_join(clearer, NULL);
	free(dirty);
	kvm_vm_free(vm);
	munmap(memory, size);
	close(idle);
	return 0;
}
