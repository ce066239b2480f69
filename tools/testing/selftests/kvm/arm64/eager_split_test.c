// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE: if enabled, all huge pages are split when dirty
 * logging is enabled, one chunk at a time, and the contents of memory do not change.
 */
#include <linux/sizes.h>

#include <expect_ucall.h>
#include <kvm_util.h>
#include <processor.h>
#include <stage2_blocks.h>
#include <test_util.h>
#include <ucall_common.h>

#define TEST_SLOT	10
#define TEST_GPA	SZ_4G
#define TEST_SOURCE	VM_MEM_SRC_ANONYMOUS_HUGETLB

static void guest_code(u64 size, u64 stride)
{
	for (u64 offset = 0; offset < size; offset += stride)
		WRITE_ONCE(*(u64 *)(TEST_GPA + offset), offset);
	GUEST_SYNC(1);

	for (u64 offset = 0; offset < size; offset += stride)
		GUEST_ASSERT_EQ(READ_ONCE(*(u64 *)(TEST_GPA + offset)), offset);
	GUEST_DONE();
}

static int set_chunk_size(struct kvm_vm *vm, u64 size)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE,
		.args[0] = size,
	};

	return __vm_ioctl(vm, KVM_ENABLE_CAP, &cap);
}

/* The size cannot be set while there are memslots, so delete slot 0 temporarily. */
static struct kvm_vm *create_vm(struct kvm_vcpu **vcpu, u64 chunk, u64 size)
{
	/* Reserve memory for the guest's page tables. */
	u64 pages = vm_calc_num_guest_pages(VM_MODE_DEFAULT, size);
	struct kvm_vm *vm = __vm_create_with_one_vcpu(vcpu, pages, guest_code);
	struct userspace_mem_region *slot = memslot2region(vm, 0);
	struct kvm_userspace_memory_region2 none = slot->region;

	none.memory_size = 0;
	vm_ioctl(vm, KVM_SET_USER_MEMORY_REGION2, &none);
	TEST_ASSERT(!set_chunk_size(vm, chunk), "chunks of %#lx: %s", chunk, strerror(errno));
	vm_ioctl(vm, KVM_SET_USER_MEMORY_REGION2, &slot->region);
	return vm;
}

static void splits(u64 chunk, u64 size)
{
	struct stage2_mapped mapped;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, chunk, size);
	u64 tables;

	vm_userspace_mem_region_add(vm, TEST_SOURCE, TEST_GPA, TEST_SLOT, size / vm->page_size, 0);
	virt_map(vm, TEST_GPA, TEST_GPA, size / vm->page_size);
	vcpu_args_set(vcpu, 2, size, getpagesize());
	TEST_ASSERT(set_chunk_size(vm, 0) && errno == EINVAL, "size changed despite memslots");

	expect_ucall(vcpu, UCALL_SYNC);
	mapped = stage2_read_mapped(vm, TEST_GPA, TEST_GPA + size);
	TEST_ASSERT(mapped.blocks == size, "%lu bytes of %lu mapped by blocks", mapped.blocks,
		    size);

	vm_mem_region_set_flags(vm, TEST_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	mapped = stage2_read_mapped(vm, TEST_GPA, TEST_GPA + size);
	TEST_ASSERT(chunk ? mapped.pages == size && !mapped.blocks : mapped.blocks == size,
		    "chunks of %#lx: blocks map %lu bytes, pages %lu, of %lu",
		    chunk, mapped.blocks, mapped.pages, size);

	expect_ucall(vcpu, UCALL_DONE);
	pr_info("chunks of %#lx: %lu bytes mapped by pages\n", chunk, mapped.pages);

	tables = vm_get_stat(vm, tlbi_table);
	TEST_ASSERT(!madvise(addr_gpa2hva(vm, TEST_GPA), size, MADV_DONTNEED),
		    "madvise: %s", strerror(errno));
	mapped = stage2_read_mapped(vm, TEST_GPA, TEST_GPA + size);
	TEST_ASSERT(!mapped.pages && !mapped.blocks, "discarded memory is still mapped");
	TEST_ASSERT(!chunk || vm_get_stat(vm, tlbi_table) > tables,
		    "the tables of discarded memory were not freed");
	kvm_vm_free(vm);
}

static void refuses(u64 chunk)
{
	struct kvm_vm *vm = ____vm_create(VM_SHAPE_DEFAULT);

	TEST_ASSERT(set_chunk_size(vm, chunk) && errno == EINVAL, "chunks of %#lx", chunk);
	kvm_vm_free(vm);
}

int main(void)
{
	u64 block = get_backing_src_pagesz(TEST_SOURCE);
	u64 sizes = kvm_check_cap(KVM_CAP_ARM_SUPPORTED_BLOCK_SIZES);

	TEST_REQUIRE(sizes);

	refuses(block + getpagesize());
	refuses(block / 2);
	splits(0, 2 * block);
	for (; sizes; sizes &= sizes - 1)
		splits(sizes & -sizes, 2 * block);

	return 0;
}
