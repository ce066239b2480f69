// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm.eager_page_split: all huge pages are split when dirty logging is enabled, and the
 * contents of memory do not change.  Discarded memory is unmapped, and its tables are
 * freed.
 */
#include <linux/sizes.h>

#include <expect_ucall.h>
#include <kvm_util.h>
#include <meminfo.h>
#include <processor.h>
#include <stage2_blocks.h>
#include <test_util.h>
#include <ucall_common.h>

#define TEST_SLOT	10
#define TEST_GPA	SZ_4G
#define TEST_SOURCE	VM_MEM_SRC_ANONYMOUS_HUGETLB
/* More tables than KVM allocates at a time. */
#define TEST_BLOCKS	128

static void guest_code(u64 size, u64 stride)
{
	for (u64 offset = 0; offset < size; offset += stride)
		WRITE_ONCE(*(u64 *)(TEST_GPA + offset), offset);
	GUEST_SYNC(1);

	for (u64 offset = 0; offset < size; offset += stride)
		GUEST_ASSERT_EQ(READ_ONCE(*(u64 *)(TEST_GPA + offset)), offset);
	GUEST_DONE();
}

/* Tables of all VMs, in KiB; each CPU counts some pages for itself. */
static u64 secondary_tables(void)
{
	return meminfo_read("SecPageTables");
}

/* Tables are freed after a grace period of RCU. */
static bool were_freed(u64 before, u64 split)
{
	for (int i = 0; i < 20; i++) {
		if (secondary_tables() < before + split / 2)
			return true;
		usleep(100000);
	}
	return false;
}

int main(void)
{
	u64 size = TEST_BLOCKS * get_backing_src_pagesz(TEST_SOURCE), before, split;
	struct stage2_mapped mapped;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	TEST_REQUIRE(kvm_get_module_param_bool("kvm", "eager_page_split"));

	vm = __vm_create_with_one_vcpu(&vcpu, vm_calc_num_guest_pages(VM_MODE_DEFAULT, size),
				       guest_code);
	vm_userspace_mem_region_add(vm, TEST_SOURCE, TEST_GPA, TEST_SLOT, size / vm->page_size, 0);
	virt_map(vm, TEST_GPA, TEST_GPA, size / vm->page_size);
	vcpu_args_set(vcpu, 2, size, getpagesize());

	expect_ucall(vcpu, UCALL_SYNC);
	mapped = stage2_read_mapped(vm, TEST_GPA, TEST_GPA + size);
	TEST_ASSERT(mapped.blocks == size, "%lu bytes of %lu mapped by blocks", mapped.blocks,
		    size);

	before = secondary_tables();
	vm_mem_region_set_flags(vm, TEST_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	split = secondary_tables() - before;
	mapped = stage2_read_mapped(vm, TEST_GPA, TEST_GPA + size);
	TEST_ASSERT(mapped.pages == size && !mapped.blocks,
		    "blocks map %lu bytes, pages %lu, of %lu", mapped.blocks, mapped.pages, size);
	pr_info("%lu bytes mapped by pages, %lu KiB of tables\n", mapped.pages, split);

	/* Nothing was written meanwhile, but may be now. */
	vm_mem_region_set_flags(vm, TEST_SLOT, 0);
	mapped = stage2_read_mapped(vm, TEST_GPA, TEST_GPA + size);
	TEST_ASSERT(mapped.writable_blocks == size, "%lu bytes of %lu mapped by writable blocks",
		    mapped.writable_blocks, size);
	vm_mem_region_set_flags(vm, TEST_SLOT, KVM_MEM_LOG_DIRTY_PAGES);

	expect_ucall(vcpu, UCALL_DONE);

	TEST_ASSERT(!madvise(addr_gpa2hva(vm, TEST_GPA), size, MADV_DONTNEED),
		    "madvise: %s", strerror(errno));
	mapped = stage2_read_mapped(vm, TEST_GPA, TEST_GPA + size);
	TEST_ASSERT(!mapped.pages && !mapped.blocks, "discarded memory is still mapped");
	TEST_ASSERT(split && were_freed(before, split),
		    "the tables of discarded memory were not freed");
	kvm_vm_free(vm);
	return 0;
}
