// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest must not write to a page that the host shares, whether or not writes are logged:
 * read pages that are shared with a child by fork(), one before logging is switched on and one
 * after, write, and see what the child reads.
 */
#include <linux/sizes.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <expect_ucall.h>
#include <kvm_util.h>
#include <processor.h>
#include <test_util.h>
#include <ucall_common.h>

#define TEST_SLOT	10
#define TEST_GPA	SZ_4G
#define BEFORE		0x1234567890abcdefull
#define WRITTEN		0xfedcba0987654321ull

static void guest_code(u64 stride)
{
	u64 *first = (u64 *)TEST_GPA, *second = (u64 *)(TEST_GPA + stride);

	GUEST_ASSERT_EQ(READ_ONCE(*first), BEFORE);
	GUEST_SYNC(0);
	GUEST_ASSERT_EQ(READ_ONCE(*second), BEFORE);
	WRITE_ONCE(*first, WRITTEN);
	WRITE_ONCE(*second, WRITTEN);
	GUEST_ASSERT_EQ(READ_ONCE(*first), WRITTEN);
	GUEST_DONE();
}

/* Reads the words when told to, and exits with 0 if nobody has changed them. */
static pid_t start_child(u64 *first, u64 *second, int *go)
{
	int ends[2];
	pid_t child;
	char byte;

	TEST_ASSERT(!pipe(ends), "pipe: %s", strerror(errno));
	child = fork();
	TEST_ASSERT(child >= 0, "fork: %s", strerror(errno));
	if (!child) {
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) != 1 || READ_ONCE(*first) != BEFORE ||
		      READ_ONCE(*second) != BEFORE);
	}
	close(ends[0]);
	*go = ends[1];
	return child;
}

int main(void)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	u64 *first, *second;
	int go, status;
	pid_t child;

	vm = vm_create_with_one_vcpu(&vcpu, guest_code);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, TEST_GPA, TEST_SLOT, 2, 0);
	virt_map(vm, TEST_GPA, TEST_GPA, 2);
	vcpu_args_set(vcpu, 1, vm->page_size);
	first = addr_gpa2hva(vm, TEST_GPA);
	second = addr_gpa2hva(vm, TEST_GPA + vm->page_size);
	/* Else the child has no copy. */
	TEST_ASSERT(!madvise(first, 2 * vm->page_size, MADV_DOFORK), "madvise: %s",
		    strerror(errno));
	*first = BEFORE;
	*second = BEFORE;
	child = start_child(first, second, &go);

	expect_ucall(vcpu, UCALL_SYNC);
	vm_mem_region_set_flags(vm, TEST_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	expect_ucall(vcpu, UCALL_DONE);
	TEST_ASSERT_EQ(*first, WRITTEN);
	TEST_ASSERT_EQ(*second, WRITTEN);

	TEST_ASSERT_EQ(write(go, "", 1), 1);
	TEST_ASSERT(waitpid(child, &status, 0) == child && WIFEXITED(status), "no child");
	TEST_ASSERT(!WEXITSTATUS(status), "the guest wrote to the page of another process");
	kvm_vm_free(vm);
	return 0;
}
