// SPDX-License-Identifier: GPL-2.0-only
/*
 * The G-stage tables of a VM are freed with it: create VMs, let each touch memory that
 * needs many tables, and compare the host's free memory.
 */
#include <linux/sizes.h>

#include <kvm_util.h>
#include <meminfo.h>
#include <processor.h>
#include <test_util.h>
#include <ucall_common.h>

#define TEST_SLOT	10
#define TEST_GVA	SZ_4G
/* Spread over the guest's memory, so that each needs tables of its own at all levels. */
#define TEST_PAGES	64
#define TEST_VMS	50
/* What else the host allocates or frees meanwhile: less than a table for each page. */
#define NOISE		(TEST_PAGES * TEST_VMS / 4)

static void guest_code(u64 stride)
{
	for (u64 i = 0; i < TEST_PAGES; i++)
		WRITE_ONCE(*(u64 *)(TEST_GVA + i * stride), i);
	GUEST_DONE();
}

static void run_vm(void)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	u64 gpa;

	vm = vm_create_with_one_vcpu(&vcpu, guest_code);
	for (u64 i = 0; i < TEST_PAGES; i++) {
		gpa = (i + 1) << (vm->pa_bits - 7);
		vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, gpa, TEST_SLOT + i, 1, 0);
		virt_map(vm, TEST_GVA + i * vm->page_size, gpa, 1);
	}
	vcpu_args_set(vcpu, 1, vm->page_size);
	vcpu_run(vcpu);
	TEST_ASSERT_EQ(get_ucall(vcpu, NULL), UCALL_DONE);
	kvm_vm_free(vm);
}

static long free_pages(void)
{
	return meminfo_read("MemFree") * 1024 / getpagesize();
}

/* Tables are freed after a grace period of RCU. */
static long settled(long before)
{
	long lost = 0;

	for (int i = 0; i < 20; i++) {
		lost = before - free_pages();
		if (lost < NOISE)
			break;
		usleep(100000);
	}
	return lost;
}

int main(void)
{
	long before, lost;

	/* Fill the caches of the host's allocators. */
	for (int i = 0; i < 5; i++)
		run_vm();

	before = free_pages();
	for (int i = 0; i < TEST_VMS; i++)
		run_vm();
	lost = settled(before);
	pr_info("%d VMs: %ld pages less are free\n", TEST_VMS, lost);
	TEST_ASSERT(lost < NOISE, "%ld pages are lost, tables of %d pages were used", lost,
		    TEST_PAGES * TEST_VMS);
	return 0;
}
