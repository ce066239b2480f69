// SPDX-License-Identifier: GPL-2.0-only
/*
 * The G-stage tables of a VM are freed with it: create VMs, let each touch memory that
 * needs many tables, and compare the host's free memory.
 */
#include <linux/sizes.h>

#include <kvm_util.h>
#include <processor.h>
#include <test_util.h>
#include <ucall_common.h>

#define TEST_SLOT	10
#define TEST_GPA	SZ_4G
/* One page in each block of 2M, so that each needs a table of its own. */
#define TEST_TABLES	64
#define TEST_VMS	50
/* What else the host allocates or frees meanwhile, in tables. */
#define NOISE		(TEST_TABLES * TEST_VMS / 4)

static void guest_code(void)
{
	for (u64 i = 0; i < TEST_TABLES; i++)
		WRITE_ONCE(*(u64 *)(TEST_GPA + i * SZ_2M), i);
	GUEST_DONE();
}

static void run_vm(void)
{
	u64 size = (u64)TEST_TABLES * SZ_2M;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	vm = __vm_create_with_one_vcpu(&vcpu, vm_calc_num_guest_pages(VM_MODE_DEFAULT, size),
				       guest_code);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, TEST_GPA, TEST_SLOT,
				    size / vm->page_size, 0);
	virt_map(vm, TEST_GPA, TEST_GPA, size / vm->page_size);
	vcpu_run(vcpu);
	TEST_ASSERT_EQ(get_ucall(vcpu, NULL), UCALL_DONE);
	kvm_vm_free(vm);
}

static long free_pages(void)
{
	char line[128];
	long free = 0;
	FILE *file = fopen("/proc/meminfo", "r");

	TEST_ASSERT(file, "/proc/meminfo: %s", strerror(errno));
	while (fgets(line, sizeof(line), file) && sscanf(line, "MemFree: %ld", &free) != 1)
		;
	fclose(file);
	return free * 1024 / getpagesize();
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
	TEST_ASSERT(lost < NOISE, "%ld pages are lost, %d tables were used", lost,
		    TEST_TABLES * TEST_VMS);
	return 0;
}
