// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scope of KVM's stage-2 TLB invalidations, as counted by its statistics: adding
 * permissions flushes only the CPU that faulted, and unmapping or protecting a range is
 * flushed at once, not page by page.
 */
#include <linux/sizes.h>
#include <sys/mman.h>

#include <kvm_util.h>
#include <processor.h>
#include <test_util.h>
#include <ucall_common.h>

#define TEST_SLOT	10
#define TEST_GPA	SZ_4G
#define TEST_PAGES	512UL
#define FEW_PAGES	4

struct invalidations {
	u64 local;
	u64 page;
	u64 range;
	u64 vmid;
	u64 table;
};

/* Sum of the statistics of the VM and of its only vCPU. */
static struct invalidations count(struct kvm_vm *vm)
{
	struct kvm_vcpu *vcpu = list_first_entry(&vm->vcpus, struct kvm_vcpu, list);

	return (struct invalidations) {
		.local = vm_get_stat(vm, tlbi_local) + vcpu_get_stat(vcpu, tlbi_fault_local),
		.page = vm_get_stat(vm, tlbi_page) + vcpu_get_stat(vcpu, tlbi_fault_page),
		.range = vm_get_stat(vm, tlbi_range) + vcpu_get_stat(vcpu, tlbi_fault_range),
		.vmid = vm_get_stat(vm, tlbi_vmid) + vcpu_get_stat(vcpu, tlbi_fault_vmid),
		.table = vm_get_stat(vm, tlbi_table) + vcpu_get_stat(vcpu, tlbi_fault_table),
	};
}

static struct invalidations since(struct kvm_vm *vm, struct invalidations before)
{
	struct invalidations now = count(vm);

	return (struct invalidations) {
		.local = now.local - before.local,
		.page = now.page - before.page,
		.range = now.range - before.range,
		.vmid = now.vmid - before.vmid,
		.table = now.table - before.table,
	};
}

static u64 broadcast(struct invalidations i)
{
	return i.page + i.range + i.vmid;
}

static void report(const char *what, struct invalidations i)
{
	pr_info("%s: %lu local, %lu page, %lu range, %lu VMID; %lu for tables\n",
		what, i.local, i.page, i.range, i.vmid, i.table);
}

static void guest_code(u64 stride)
{
	for (;;) {
		for (u64 page = 0; page < TEST_PAGES; page++)
			WRITE_ONCE(*(u64 *)(TEST_GPA + page * stride), page);
		GUEST_SYNC(0);
	}
}

static void guest_writes_all(struct kvm_vcpu *vcpu)
{
	vcpu_run(vcpu);
	TEST_ASSERT_EQ(get_ucall(vcpu, NULL), UCALL_SYNC);
}

int main(void)
{
	u64 size = TEST_PAGES * getpagesize();
	struct invalidations before, found;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	void *memory;

	vm = vm_create_with_one_vcpu(&vcpu, guest_code);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, TEST_GPA, TEST_SLOT,
				    size / vm->page_size, 0);
	virt_map(vm, TEST_GPA, TEST_GPA, size / vm->page_size);
	vcpu_args_set(vcpu, 1, getpagesize());
	memory = addr_gpa2hva(vm, TEST_GPA);

	before = count(vm);
	guest_writes_all(vcpu);
	found = since(vm, before);
	report("mapping", found);
	TEST_ASSERT(!broadcast(found), "new mappings caused broadcast flushes");

	before = count(vm);
	vm_mem_region_set_flags(vm, TEST_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	found = since(vm, before);
	report("write-protecting", found);
	TEST_ASSERT(broadcast(found) >= 1 && broadcast(found) <= 2,
		    "write protection was not flushed at once");

	before = count(vm);
	guest_writes_all(vcpu);
	found = since(vm, before);
	report("relaxing", found);
	TEST_ASSERT(found.local >= TEST_PAGES, "relaxing permissions did not flush locally");
	TEST_ASSERT(!broadcast(found), "relaxing permissions caused broadcast flushes");
	TEST_ASSERT(!vm_get_stat(vm, tlbi_local), "the VM counted a fault of its vCPU");

	before = count(vm);
	TEST_ASSERT(!madvise(memory, FEW_PAGES * getpagesize(), MADV_DONTNEED), "madvise: %s",
		    strerror(errno));
	found = since(vm, before);
	report("unmapping few pages", found);
	TEST_ASSERT(broadcast(found) && !found.vmid, "unmapping few pages flushed the whole VMID");

	before = count(vm);
	TEST_ASSERT(!madvise(memory, size, MADV_DONTNEED), "madvise: %s", strerror(errno));
	found = since(vm, before);
	report("unmapping", found);
	TEST_ASSERT(broadcast(found) >= 1, "discarded memory was not flushed");
	/* Without FWB, KVM also flushes before cache maintenance of a batch of pages. */
	TEST_ASSERT(broadcast(found) <= TEST_PAGES / 16, "unmapping was flushed page by page");
	TEST_ASSERT(found.table, "the table of discarded memory was not freed");

	kvm_vm_free(vm);
	return 0;
}
