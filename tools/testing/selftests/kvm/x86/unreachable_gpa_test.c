// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest physical addresses that the CPU has and the root has not: a root of four
 * levels resolves 48 bits, however many MAXPHYADDR allows.  What cannot be mapped is
 * emulated, nothing loops, and an address never stands for another that is 2^48 below.
 */
#include <linux/bitmap.h>
#include <linux/sizes.h>
#include <signal.h>

#include <kvm_util.h>
#include <processor.h>
#include <test_util.h>
#include <ucall_common.h>

#define ROOT_END	BIT_ULL(48)

/* Half of it is below the end of what the root reaches, in one word of the dirty log. */
#define TEST_SLOT	10
#define TEST_NPAGES	64
#define TEST_GPA	(ROOT_END - TEST_NPAGES / 2 * PAGE_SIZE)

/* Memory and no memory below 2^48, whose addresses the guest also uses with that bit set. */
#define LOW_MEMORY	0x100000ul
#define LOW_MMIO	0xc0000000ul
#define FREE_GPA	0x7f00000000ul

#define GVA(nr)		(0x10000000000ul + (nr) * PAGE_SIZE)
#define VALUE(nr)	(0x5ca1ab1e00ul + (nr))

enum pages {
	HIGH_FREE,
	HIGH_ABOVE_MEMORY,
	LOW_MEMORY_PAGE,
	LOW_MMIO_PAGE,
	HIGH_ABOVE_MMIO,
	SLOT_BELOW,
	SLOT_ABOVE,
	NR_PAGES
};

static const gpa_t gpas[NR_PAGES] = {
	[HIGH_FREE]		= ROOT_END + FREE_GPA,
	[HIGH_ABOVE_MEMORY]	= ROOT_END + LOW_MEMORY,
	[LOW_MEMORY_PAGE]	= LOW_MEMORY,
	[LOW_MMIO_PAGE]		= LOW_MMIO,
	[HIGH_ABOVE_MMIO]	= ROOT_END + LOW_MMIO,
	[SLOT_BELOW]		= ROOT_END - PAGE_SIZE,
	[SLOT_ABOVE]		= ROOT_END + PAGE_SIZE,
};

static u64 guest_read(int nr)
{
	return READ_ONCE(*(u64 *)GVA(nr));
}

static void guest_code(void)
{
	/* No memory is there, and nothing below 2^48 either. */
	GUEST_ASSERT_EQ(guest_read(HIGH_FREE), VALUE(HIGH_FREE));
	GUEST_ASSERT_EQ(guest_read(HIGH_FREE), VALUE(HIGH_FREE));

	/* The access above must not be remembered in the entry of the memory below. */
	GUEST_ASSERT_EQ(guest_read(HIGH_ABOVE_MEMORY), VALUE(HIGH_ABOVE_MEMORY));
	GUEST_ASSERT_EQ(guest_read(LOW_MEMORY_PAGE), VALUE(LOW_MEMORY_PAGE));

	/* What is remembered of the access below is not of the one above. */
	GUEST_ASSERT_EQ(guest_read(LOW_MMIO_PAGE), VALUE(LOW_MMIO_PAGE));
	GUEST_ASSERT_EQ(guest_read(HIGH_ABOVE_MMIO), VALUE(HIGH_ABOVE_MMIO));
	GUEST_ASSERT_EQ(guest_read(LOW_MMIO_PAGE), VALUE(LOW_MMIO_PAGE));

	/* Memory that the root does not reach is used by emulation. */
	WRITE_ONCE(*(u64 *)GVA(SLOT_BELOW), VALUE(SLOT_BELOW));
	WRITE_ONCE(*(u64 *)GVA(SLOT_ABOVE), VALUE(SLOT_ABOVE));
	GUEST_ASSERT_EQ(guest_read(SLOT_BELOW), VALUE(SLOT_BELOW));
	GUEST_ASSERT_EQ(guest_read(SLOT_ABOVE), VALUE(SLOT_ABOVE));
	GUEST_DONE();
}

/* What would be mapped by another name of its address must not be what stands there. */
static void map(struct kvm_vm *vm)
{
	for (int nr = 0; nr < NR_PAGES; nr++) {
		virt_pg_map(vm, GVA(nr), gpas[nr] & (ROOT_END - 1));
		*vm_get_pte(vm, GVA(nr)) |= gpas[nr] & ROOT_END;
	}
}

static void answer_mmio(struct kvm_run *run)
{
	u64 value;

	for (int nr = 0; nr < NR_PAGES; nr++) {
		if (run->mmio.phys_addr != gpas[nr])
			continue;

		TEST_ASSERT(!run->mmio.is_write && run->mmio.len == sizeof(value) &&
			    nr != LOW_MEMORY_PAGE && nr != SLOT_BELOW && nr != SLOT_ABOVE,
			    "memory at 0x%llx is said to be MMIO", run->mmio.phys_addr);
		value = VALUE(nr);
		memcpy(run->mmio.data, &value, sizeof(value));
		return;
	}
	TEST_FAIL("MMIO at 0x%llx, where the guest did not go", run->mmio.phys_addr);
}

static void run_guest(struct kvm_vcpu *vcpu, int *exits)
{
	struct ucall uc;

	int err;

	for (;; ++*exits) {
		/* The alarm ends what does not end by itself. */
		err = __vcpu_run(vcpu) ? errno : 0;
		TEST_ASSERT(!err, "KVM_RUN: errno %d (%s)", err, strerror(err));
		if (vcpu->run->exit_reason != KVM_EXIT_MMIO)
			break;
		answer_mmio(vcpu->run);
	}
	switch (get_ucall(vcpu, &uc)) {
	case UCALL_ABORT:
		REPORT_GUEST_ASSERT(uc);
	case UCALL_DONE:
		return;
	default:
		TEST_FAIL("exit reason %s", exit_reason_str(vcpu->run->exit_reason));
	}
}

/* Interrupted if it does not come back: that is the only way out of a loop in the kernel. */
static int prefault(struct kvm_vcpu *vcpu, gpa_t gpa)
{
	struct kvm_pre_fault_memory range = { .gpa = gpa, .size = PAGE_SIZE };

	alarm(10);
	return __vcpu_ioctl(vcpu, KVM_PRE_FAULT_MEMORY, &range) ? errno : 0;
}

static void ignore(int signal)
{
}

static void expect_no_prefault(struct kvm_vcpu *vcpu, gpa_t gpa)
{
	int err = prefault(vcpu, gpa);

	TEST_ASSERT(err == ENOENT, "prefault at 0x%lx: errno %d (%s), expected ENOENT",
		    gpa, err, strerror(err));
}

/* The library puts no slot behind what it takes for the last page. */
static u8 *add_slot(struct kvm_vm *vm)
{
	u8 *memory = mmap(NULL, TEST_NPAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	TEST_ASSERT(memory != MAP_FAILED, "mmap() failed");
	vm_set_user_memory_region(vm, TEST_SLOT, KVM_MEM_LOG_DIRTY_PAGES, TEST_GPA,
				  TEST_NPAGES * PAGE_SIZE, memory);
	return memory;
}

static void test_prefault(void)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	u8 *memory;

	vm = vm_create_with_one_vcpu(&vcpu, guest_code);
	expect_no_prefault(vcpu, ROOT_END);
	TEST_ASSERT_EQ(prefault(vcpu, LOW_MEMORY), 0);

	/* The page below is mapped now. */
	expect_no_prefault(vcpu, ROOT_END + LOW_MEMORY);
	expect_no_prefault(vcpu, BIT_ULL(vm->pa_bits) - PAGE_SIZE);

	/* Nor is there a way to map memory. */
	memory = add_slot(vm);
	TEST_ASSERT_EQ(prefault(vcpu, gpas[SLOT_BELOW]), 0);
	expect_no_prefault(vcpu, gpas[SLOT_ABOVE]);
	kvm_vm_free(vm);
	munmap(memory, TEST_NPAGES * PAGE_SIZE);
}

static u64 get_dirty_log(struct kvm_vm *vm)
{
	u64 dirty = 0;

	kvm_vm_get_dirty_log(vm, TEST_SLOT, &dirty);
	return dirty;
}

static u64 page_bit(int nr)
{
	return BIT_ULL((gpas[nr] - TEST_GPA) / PAGE_SIZE);
}

static void test_guest(bool manual)
{
	u64 all = ~0ull, written = page_bit(SLOT_BELOW) | page_bit(SLOT_ABOVE);
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	int exits = 0;
	u8 *memory;

	vm = vm_create_with_one_vcpu(&vcpu, guest_code);
	if (manual)
		vm_enable_cap(vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
			      KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET);
	memory = add_slot(vm);
	map(vm);
	*(u64 *)addr_gpa2hva(vm, LOW_MEMORY) = VALUE(LOW_MEMORY_PAGE);

	if (manual) {
		TEST_ASSERT_EQ(get_dirty_log(vm), all);
		kvm_vm_clear_dirty_log(vm, TEST_SLOT, &all, 0, TEST_NPAGES);
	}
	alarm(60);
	run_guest(vcpu, &exits);
	TEST_ASSERT_EQ(*(u64 *)(memory + TEST_NPAGES / 2 * PAGE_SIZE - PAGE_SIZE),
		       VALUE(SLOT_BELOW));
	TEST_ASSERT_EQ(*(u64 *)(memory + TEST_NPAGES / 2 * PAGE_SIZE + PAGE_SIZE),
		       VALUE(SLOT_ABOVE));
	TEST_ASSERT(exits >= 5, "%d exits for MMIO, expected 5 or more", exits);

	TEST_ASSERT_EQ(get_dirty_log(vm), written);
	if (manual)
		kvm_vm_clear_dirty_log(vm, TEST_SLOT, &all, 0, TEST_NPAGES);
	TEST_ASSERT_EQ(get_dirty_log(vm), 0ull);

	vm_set_user_memory_region(vm, TEST_SLOT, 0, TEST_GPA, TEST_NPAGES * PAGE_SIZE, memory);
	vm_set_user_memory_region(vm, TEST_SLOT, 0, TEST_GPA, 0, 0);
	kvm_vm_free(vm);
	munmap(memory, TEST_NPAGES * PAGE_SIZE);
}

int main(void)
{
	unsigned int bits, virtual_bits;

	TEST_REQUIRE(kvm_has_cap(KVM_CAP_PRE_FAULT_MEMORY));
	kvm_get_cpu_address_width(&bits, &virtual_bits);
	__TEST_REQUIRE(bits > 48, "MAXPHYADDR is %u: a root of 4 levels reaches all addresses",
		       bits);
	__TEST_REQUIRE(kvm_cpu_property(X86_PROPERTY_GUEST_MAX_PHY_ADDR) == 48,
		       "roots have 5 levels, which reach all addresses");

	signal(SIGALRM, ignore);
	test_prefault();
	test_guest(false);
	test_guest(true);
	return 0;
}
