// SPDX-License-Identifier: GPL-2.0-only
/*
 * With KVM_DIRTY_LOG_INITIALLY_SET, huge pages stay writable until some of their pages are
 * cleared in the log: then the next write to these is logged, whether KVM splits huge pages
 * at that time (kvm.eager_page_split) or not.
 */
#include <linux/bitmap.h>
#include <linux/sizes.h>

#include <kvm_util.h>
#include <processor.h>
#include <test_util.h>
#include <ucall_common.h>

#define TEST_SLOT	10
#define TEST_GPA	SZ_4G
#define TEST_SOURCE	VM_MEM_SRC_ANONYMOUS_HUGETLB
#define TEST_SIZE	(2 * (u64)SZ_2M)
/* As many as KVM clears at once. */
#define CLEARED		64
#define WRITTEN		5

static void guest_code(u64 stride)
{
	for (u64 offset = 0; offset < TEST_SIZE; offset += stride)
		WRITE_ONCE(*(u64 *)(TEST_GPA + offset), offset);
	GUEST_SYNC(0);

	WRITE_ONCE(*(u64 *)(TEST_GPA + WRITTEN * stride), 1);
	GUEST_SYNC(1);
}

static void guest_runs(struct kvm_vcpu *vcpu)
{
	vcpu_run(vcpu);
	TEST_ASSERT_EQ(get_ucall(vcpu, NULL), UCALL_SYNC);
}

int main(void)
{
	u64 flags = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET;
	struct kvm_vcpu *vcpu;
	unsigned long *dirty;
	struct kvm_vm *vm;
	u64 pages;

	TEST_REQUIRE((kvm_check_cap(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2) & flags) == flags);

	vm = __vm_create_with_one_vcpu(&vcpu, vm_calc_num_guest_pages(VM_MODE_DEFAULT, TEST_SIZE),
				       guest_code);
	pages = TEST_SIZE / vm->page_size;
	vm_enable_cap(vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, flags);
	vm_userspace_mem_region_add(vm, TEST_SOURCE, TEST_GPA, TEST_SLOT, pages, 0);
	virt_map(vm, TEST_GPA, TEST_GPA, pages);
	vcpu_args_set(vcpu, 1, vm->page_size);
	dirty = bitmap_zalloc(pages);

	guest_runs(vcpu);
	vm_mem_region_set_flags(vm, TEST_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	kvm_vm_get_dirty_log(vm, TEST_SLOT, dirty);
	for (u64 page = 0; page < pages; page++)
		TEST_ASSERT(test_bit(page, dirty), "page %lu is not dirty initially", page);

	kvm_vm_clear_dirty_log(vm, TEST_SLOT, dirty, 0, CLEARED);
	kvm_vm_get_dirty_log(vm, TEST_SLOT, dirty);
	TEST_ASSERT(!test_bit(WRITTEN, dirty), "a page is dirty that was cleared");

	guest_runs(vcpu);
	kvm_vm_get_dirty_log(vm, TEST_SLOT, dirty);
	TEST_ASSERT(test_bit(WRITTEN, dirty), "a write to a huge page was not logged");

	free(dirty);
	kvm_vm_free(vm);
	return 0;
}
