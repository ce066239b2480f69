// SPDX-License-Identifier: GPL-2.0-only
/*
 * When dirty logging is disabled, huge pages are recovered immediately: the ioctl
 * replaces tables by blocks, without any fault, and with the permissions of the host's
 * mapping.
 */
#include <linux/sizes.h>
#include <sys/mman.h>

#include <kvm_util.h>
#include <processor.h>
#include <stage2_blocks.h>
#include <test_util.h>
#include <ucall_common.h>

#define TEST_SLOT	10
#define TEST_GPA	SZ_4G
#define TEST_SOURCE	VM_MEM_SRC_ANONYMOUS_HUGETLB
#define NR_PASSES	4

static void guest_code(u64 size, u64 stride)
{
	for (u64 pass = 1; pass <= NR_PASSES; pass++) {
		for (u64 offset = 0; offset < size; offset += stride) {
			u64 *word = (u64 *)(TEST_GPA + offset);

			GUEST_ASSERT_EQ(READ_ONCE(*word), (pass - 1) * offset);
			WRITE_ONCE(*word, pass * offset);
		}
		GUEST_SYNC(pass);
	}

	for (u64 offset = 0; offset < size; offset += stride)
		GUEST_ASSERT_EQ(READ_ONCE(*(u64 *)(TEST_GPA + offset)), NR_PASSES * offset);
	GUEST_SYNC(NR_PASSES + 1);
}

/* Let the guest write every page, or read it in the last pass.  Return the number of exits. */
static u64 run_pass(struct kvm_vcpu *vcpu, u64 pass)
{
	u64 exits = vcpu_get_stat(vcpu, exits);
	struct ucall uc;

	vcpu_run(vcpu);
	if (get_ucall(vcpu, &uc) == UCALL_ABORT)
		REPORT_GUEST_ASSERT(uc);
	TEST_ASSERT(uc.cmd == UCALL_SYNC && uc.args[1] == pass, "pass %lu did not end", pass);
	return vcpu_get_stat(vcpu, exits) - exits;
}

static double set_flags(struct kvm_vm *vm, u32 flags)
{
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	vm_mem_region_set_flags(vm, TEST_SLOT, flags);
	return timespec_to_ns(timespec_elapsed(start)) / 1e6;
}

static void expect_blocks(struct kvm_vm *vm, u64 size, u64 writable, const char *when)
{
	struct stage2_mapped mapped = stage2_read_mapped(vm, TEST_GPA, TEST_GPA + size);

	TEST_ASSERT(mapped.blocks == size && mapped.writable_blocks == writable && !mapped.pages,
		    "%s: blocks map %lu bytes, %lu of them writable, pages %lu; expected: %lu by blocks",
		    when, mapped.blocks, mapped.writable_blocks, mapped.pages, size);
}

static void expect_pages(struct kvm_vm *vm, u64 size, const char *when)
{
	struct stage2_mapped mapped = stage2_read_mapped(vm, TEST_GPA, TEST_GPA + size);

	TEST_ASSERT(mapped.pages == size && !mapped.blocks,
		    "%s: blocks map %lu bytes, pages %lu; expected: %lu by pages",
		    when, mapped.blocks, mapped.pages, size);
}

int main(void)
{
	u64 block = get_backing_src_pagesz(TEST_SOURCE);
	/* Use enough pages to measure a difference, and at least two blocks. */
	u64 size = max_t(u64, 2 * block, SZ_32M), split, recovered;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	double ms;

	/* Reserve memory for the guest's page tables. */
	vm = __vm_create_with_one_vcpu(&vcpu, vm_calc_num_guest_pages(VM_MODE_DEFAULT, size),
				       guest_code);
	vm_userspace_mem_region_add(vm, TEST_SOURCE, TEST_GPA, TEST_SLOT, size / vm->page_size, 0);
	virt_map(vm, TEST_GPA, TEST_GPA, size / vm->page_size);
	vcpu_args_set(vcpu, 2, size, getpagesize());

	run_pass(vcpu, 1);
	expect_blocks(vm, size, size, "after population");

	set_flags(vm, KVM_MEM_LOG_DIRTY_PAGES);
	split = run_pass(vcpu, 2);
	expect_pages(vm, size, "while dirty pages are logged");

	ms = set_flags(vm, 0);
	expect_blocks(vm, size, size, "after logging");

	recovered = run_pass(vcpu, 3);
	pr_info("%lu MiB: %lu exits to write every page while it is logged, %lu after; to switch logging off took %.3f ms\n",
		size / SZ_1M, split, recovered, ms);

	/* Not under test here, but the next recovery needs tables to replace. */
	set_flags(vm, KVM_MEM_LOG_DIRTY_PAGES);
	run_pass(vcpu, 4);
	expect_pages(vm, size, "while dirty pages are logged again");

	/* RISC-V does not change a memslot whose memory user space cannot write to. */
#ifndef __riscv
	TEST_ASSERT(!mprotect(addr_gpa2hva(vm, TEST_GPA), size, PROT_READ),
		    "mprotect: %s", strerror(errno));
	run_pass(vcpu, NR_PASSES + 1);
	expect_pages(vm, size, "while reading pages that the host protects");
	set_flags(vm, 0);
	expect_blocks(vm, size, 0, "after logging, with a read-only mapping in the host");
#endif

	kvm_vm_free(vm);
	return 0;
}
