// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which harts a change of the G-stage makes KVM fence, as counted by kprobes: mapping a page
 * and allowing a logged write do not disturb other vCPUs, and a range is fenced at once.
 */
#include <fcntl.h>
#include <linux/sizes.h>
#include <sys/mman.h>

#include <kvm_util.h>
#include <processor.h>
#include <test_util.h>
#include <tracing.h>
#include <ucall_common.h>

#define PROBE		"kvm_fences/request"
/* A fence is two requests: to the vCPUs whose queues take it, and to the others. */
#define REQUESTS	2
#define TEST_SLOT	10
#define TEST_GPA	SZ_4G
#define TEST_PAGES	512ul

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

static void add_probe(void)
{
	__TEST_REQUIRE(tracing_write("kprobe_events", O_APPEND,
				     "p:" PROBE " kvm_make_vcpus_request_mask\n"),
		       "kprobes are required");
	TEST_ASSERT(tracing_write("events/" PROBE "/enable", O_TRUNC, "1"), "cannot enable kprobe");
}

static void remove_probe(void)
{
	tracing_write("events/" PROBE "/enable", O_TRUNC, "0");
	tracing_write("kprobe_events", O_APPEND, "-:" PROBE "\n");
}

/* Since the last call. */
static u64 count_since(const char *what)
{
	u64 fences = tracing_count("request: ") / REQUESTS;

	tracing_clear();
	pr_info("%s: %lu fences of all vCPUs\n", what, fences);
	return fences;
}

int main(void)
{
	u64 size = TEST_PAGES * getpagesize(), mapping, protecting, logging, discarding;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	vm = vm_create_with_one_vcpu(&vcpu, guest_code);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, TEST_GPA, TEST_SLOT,
				    size / vm->page_size, 0);
	virt_map(vm, TEST_GPA, TEST_GPA, size / vm->page_size);
	vcpu_args_set(vcpu, 1, getpagesize());
	/* What the host maps first, as a page of zeros, it unmaps for the first write. */
	memset(addr_gpa2hva(vm, TEST_GPA), 1, size);

	add_probe();
	count_since("before");
	guest_writes_all(vcpu);
	mapping = count_since("mapping");
	vm_mem_region_set_flags(vm, TEST_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	protecting = count_since("write-protecting");
	guest_writes_all(vcpu);
	logging = count_since("logging writes");
	madvise(addr_gpa2hva(vm, TEST_GPA), size, MADV_DONTNEED);
	discarding = count_since("unmapping");
	remove_probe();

	TEST_ASSERT(!mapping, "mapping new pages fenced other vCPUs");
	TEST_ASSERT(protecting && protecting <= 2, "write protection was not fenced at once");
	TEST_ASSERT(!logging, "logging writes fenced other vCPUs");
	TEST_ASSERT(discarding && discarding <= 2, "discarded memory was not fenced at once");
	kvm_vm_free(vm);
	return 0;
}
