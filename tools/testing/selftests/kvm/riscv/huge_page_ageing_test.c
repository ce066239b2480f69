// SPDX-License-Identifier: GPL-2.0-only
/*
 * A huge page of the host is not idle if the guest has used any part of it, also if the
 * G-stage maps it with small pages, as it does while writes are logged.
 */
#include <linux/sizes.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include <kvm_util.h>
#include <page_idle.h>
#include <processor.h>
#include <test_util.h>
#include <ucall_common.h>

#define TEST_SLOT	10
#define TEST_GPA	SZ_4G
#define TEST_SIZE	((u64)SZ_2M)
/* The host batches new pages before it adds them to the LRU, so use several huge pages. */
#define NR_HUGE		32

static void guest_code(u64 stride)
{
	for (u64 offset = 0; offset < NR_HUGE * TEST_SIZE; offset += stride)
		WRITE_ONCE(*(u64 *)(TEST_GPA + offset), offset);
	GUEST_SYNC(0);

	/* For each page of the first huge page. */
	for (u64 offset = 0; offset < TEST_SIZE; offset += stride) {
		READ_ONCE(*(u64 *)(TEST_GPA + offset));
		GUEST_SYNC(1);
	}
}

static void guest_runs(struct kvm_vcpu *vcpu)
{
	vcpu_run(vcpu);
	TEST_ASSERT_EQ(get_ucall(vcpu, NULL), UCALL_SYNC);
}

int main(void)
{
	static const u64 pages[] = { 0, 1, 255, 511 };
	int idle = page_idle_open();
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	u64 pages_of_tables, pfn, page = 0;
	void *memory;

	__TEST_REQUIRE(get_nprocs() > 1, "at least two CPUs are required");

	pin_self_to_cpu(1);
	pages_of_tables = vm_calc_num_guest_pages(VM_MODE_DEFAULT, NR_HUGE * TEST_SIZE);
	vm = __vm_create_with_one_vcpu(&vcpu, pages_of_tables, guest_code);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS_THP, TEST_GPA, TEST_SLOT,
				    NR_HUGE * TEST_SIZE / vm->page_size, 0);
	virt_map(vm, TEST_GPA, TEST_GPA, NR_HUGE * TEST_SIZE / vm->page_size);
	vcpu_args_set(vcpu, 1, getpagesize());
	memory = addr_gpa2hva(vm, TEST_GPA);

	vm_mem_region_set_flags(vm, TEST_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	guest_runs(vcpu);
	pfn = page_idle_pfn(memory);
	for (int i = 0; i < ARRAY_SIZE(pages); i++) {
		for (; page < pages[i]; page++)
			guest_runs(vcpu);
		page_idle_mark(idle, pfn);
		/* Ageing does not flush TLBs, but a vCPU that moves to another CPU does. */
		pin_self_to_cpu(i % 2);
		TEST_ASSERT(page_idle_is(idle, pfn), "page is not idle, but was not accessed");

		guest_runs(vcpu);
		page++;
		TEST_ASSERT(!page_idle_is(idle, pfn),
			    "page is idle, but the guest read page %lu of it", pages[i]);
	}

	kvm_vm_free(vm);
	close(idle);
	return 0;
}
