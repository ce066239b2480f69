// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest physical addresses that the CPU supports, but the root does not: a root with
 * four levels resolves 48 bits, regardless of MAXPHYADDR.  Accesses to addresses that
 * cannot be mapped must be emulated, must not loop, and must not alias the address that is
 * 2^48 below.
 */
#include <linux/bitmap.h>
#include <linux/sizes.h>
#include <signal.h>

#include <kvm_util.h>
#include <processor.h>
#include <test_util.h>
#include <ucall_common.h>

#define ROOT_END	BIT_ULL(48)

/* Half of the slot is below the end of the root, within one word of the dirty log. */
#define TEST_SLOT	10
#define TEST_NPAGES	64
#define TEST_GPA	(ROOT_END - TEST_NPAGES / 2 * PAGE_SIZE)

/* Memory and MMIO below 2^48, the guest also accesses these addresses plus 2^48. */
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
	/* There is no memory, neither here nor 2^48 below. */
	GUEST_ASSERT_EQ(guest_read(HIGH_FREE), VALUE(HIGH_FREE));
	GUEST_ASSERT_EQ(guest_read(HIGH_FREE), VALUE(HIGH_FREE));

	/* The access above 2^48 must not be cached as MMIO in the SPTE of the memory below. */
	GUEST_ASSERT_EQ(guest_read(HIGH_ABOVE_MEMORY), VALUE(HIGH_ABOVE_MEMORY));
	GUEST_ASSERT_EQ(guest_read(LOW_MEMORY_PAGE), VALUE(LOW_MEMORY_PAGE));

	/* Cached MMIO information of the access below must not be used for the one above. */
	GUEST_ASSERT_EQ(guest_read(LOW_MMIO_PAGE), VALUE(LOW_MMIO_PAGE));
	GUEST_ASSERT_EQ(guest_read(HIGH_ABOVE_MMIO), VALUE(HIGH_ABOVE_MMIO));
	GUEST_ASSERT_EQ(guest_read(LOW_MMIO_PAGE), VALUE(LOW_MMIO_PAGE));

	/* Accesses to memory beyond the root are emulated. */
	WRITE_ONCE(*(u64 *)GVA(SLOT_BELOW), VALUE(SLOT_BELOW));
	WRITE_ONCE(*(u64 *)GVA(SLOT_ABOVE), VALUE(SLOT_ABOVE));
	GUEST_ASSERT_EQ(guest_read(SLOT_BELOW), VALUE(SLOT_BELOW));
	GUEST_ASSERT_EQ(guest_read(SLOT_ABOVE), VALUE(SLOT_ABOVE));
	GUEST_DONE();
}

/* Set bit 48 separately, the library does not map addresses beyond its highest GFN. */
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
			    "MMIO exit for memory at 0x%llx", run->mmio.phys_addr);
		value = VALUE(nr);
		memcpy(run->mmio.data, &value, sizeof(value));
		return;
	}
	TEST_FAIL("MMIO exit for 0x%llx, which the guest did not access", run->mmio.phys_addr);
}

static void run_guest(struct kvm_vcpu *vcpu, int *exits)
{
	struct ucall uc;

	int err;

	for (;; ++*exits) {
		/* If this loops, the alarm interrupts it. */
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

/* An endless loop in the kernel can only be interrupted by a signal. */
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

/* The library does not allow slots beyond its highest GFN, so use the ioctl. */
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

	/* Now, the page 2^48 below is mapped. */
	expect_no_prefault(vcpu, ROOT_END + LOW_MEMORY);
	expect_no_prefault(vcpu, BIT_ULL(vm->pa_bits) - PAGE_SIZE);

	/* Memory beyond the root cannot be mapped, either. */
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
