// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that the host discards is unmapped, also where the range begins and ends within
 * huge pages.
 */
#include <linux/sizes.h>
#include <sys/mman.h>

#include <expect_ucall.h>
#include <kvm_util.h>
#include <processor.h>
#include <test_util.h>
#include <ucall_common.h>

#define TEST_SLOT	10
#define TEST_GPA	SZ_4G
#define TEST_SIZE	(4 * (u64)SZ_2M)
/* From the middle of the first huge page to the middle of the last. */
#define DISCARDED	((u64)SZ_1M)
#define DISCARDED_SIZE	(TEST_SIZE - SZ_2M)

static void guest_code(u64 stride)
{
	/* From the end, so that a huge page is mapped for an access to its last page. */
	for (u64 offset = TEST_SIZE - stride; offset < TEST_SIZE; offset -= stride)
		WRITE_ONCE(*(u64 *)(TEST_GPA + offset), ~offset);
	GUEST_SYNC(0);

	for (u64 offset = 0; offset < TEST_SIZE; offset += stride) {
		bool gone = offset >= DISCARDED && offset < DISCARDED + DISCARDED_SIZE;

		GUEST_ASSERT_EQ(READ_ONCE(*(u64 *)(TEST_GPA + offset)), gone ? 0 : ~offset);
	}
	GUEST_DONE();
}

int main(void)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	void *memory;

	vm = __vm_create_with_one_vcpu(&vcpu, vm_calc_num_guest_pages(VM_MODE_DEFAULT, TEST_SIZE),
				       guest_code);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS_THP, TEST_GPA, TEST_SLOT,
				    TEST_SIZE / vm->page_size, 0);
	virt_map(vm, TEST_GPA, TEST_GPA, TEST_SIZE / vm->page_size);
	vcpu_args_set(vcpu, 1, getpagesize());
	memory = addr_gpa2hva(vm, TEST_GPA);

	expect_ucall(vcpu, UCALL_SYNC);
	TEST_ASSERT(!madvise(memory + DISCARDED, DISCARDED_SIZE, MADV_DONTNEED),
		    "madvise: %s", strerror(errno));
	expect_ucall(vcpu, UCALL_DONE);
	kvm_vm_free(vm);
	return 0;
}
