// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measure the MMU during the life of a VM: faults, enabling and disabling dirty logging,
 * unmapping memory of existing memslots, deleting memslots, and destroying the VM.  All
 * phases and the vCPU run in one thread, so that no phase waits for another.
 */
#include <getopt.h>
#include <linux/sizes.h>

#include <kvm_util.h>
#include <processor.h>
#include <test_util.h>
#include <ucall_common.h>

#define FIRST_SLOT	10
#define TEST_GPA	SZ_4G

struct test_params {
	u64 size;
	u64 stride;
	u64 chunk;
	u32 slots;
	enum vm_mem_backing_src_type source;
};

static void guest_code(u64 size, u64 stride)
{
	for (;;) {
		for (u64 offset = 0; offset < size; offset += stride)
			WRITE_ONCE(*(u64 *)(TEST_GPA + offset), offset);
		GUEST_SYNC(0);
	}
}

static struct timespec now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time;
}

static void took(const char *what, struct timespec start)
{
	struct timespec time = timespec_elapsed(start);

	pr_info("%s: %ld.%.9lds\n", what, time.tv_sec, time.tv_nsec);
}

static void guest_writes(struct kvm_vcpu *vcpu, const char *what)
{
	struct timespec start = now();

	vcpu_run(vcpu);
	took(what, start);
	TEST_ASSERT_EQ(get_ucall(vcpu, NULL), UCALL_SYNC);
}

static void set_slot_size(struct kvm_vm *vm, u32 slot, u64 size)
{
	struct kvm_userspace_memory_region2 region = memslot2region(vm, slot)->region;

	region.memory_size = size;
	vm_ioctl(vm, KVM_SET_USER_MEMORY_REGION2, &region);
}

static void change_slots(struct kvm_vm *vm, struct test_params *p, const char *what,
			 void (*change)(struct kvm_vm *vm, u32 slot, u64 arg), u64 arg)
{
	struct timespec start = now();

	for (u32 slot = FIRST_SLOT; slot < FIRST_SLOT + p->slots; slot++)
		change(vm, slot, arg);
	took(what, start);
}

static void set_slot_flags(struct kvm_vm *vm, u32 slot, u64 flags)
{
	vm_mem_region_set_flags(vm, slot, flags);
}

static void drop_memory(struct kvm_vm *vm, u32 slot, u64 size)
{
	void *memory = (void *)memslot2region(vm, slot)->region.userspace_addr;

	TEST_ASSERT(!madvise(memory, size, MADV_DONTNEED), "madvise: %s", strerror(errno));
}

/* The chunk size cannot be set while there are memslots, so delete slot 0 temporarily. */
static void enable_eager_split(struct kvm_vm *vm, u64 chunk)
{
#ifdef __aarch64__
	u64 size = memslot2region(vm, 0)->region.memory_size;

	set_slot_size(vm, 0, 0);
	vm_enable_cap(vm, KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE, chunk);
	set_slot_size(vm, 0, size);
#else
	TEST_REQUIRE(!chunk);
#endif
}

static struct kvm_vm *create_vm(struct kvm_vcpu **vcpu, struct test_params *p)
{
	/* Reserve memory for the guest's page tables. */
	u64 pages = vm_calc_num_guest_pages(VM_MODE_DEFAULT, p->size);
	struct kvm_vm *vm = __vm_create_with_one_vcpu(vcpu, pages, guest_code);
	u64 slot_size = p->size / p->slots;

	if (p->chunk)
		enable_eager_split(vm, p->chunk);
	for (u32 slot = 0; slot < p->slots; slot++)
		vm_userspace_mem_region_add(vm, p->source, TEST_GPA + slot * slot_size,
					    FIRST_SLOT + slot, slot_size / vm->page_size, 0);
	virt_map(vm, TEST_GPA, TEST_GPA, pages);
	vcpu_args_set(*vcpu, 2, p->size, p->stride);
	return vm;
}

static void live(struct test_params *p)
{
	u64 slot_size = p->size / p->slots;
	struct timespec start;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = create_vm(&vcpu, p);

	guest_writes(vcpu, "Populating");
	change_slots(vm, p, "Enabling dirty logging", set_slot_flags, KVM_MEM_LOG_DIRTY_PAGES);
	guest_writes(vcpu, "Writing under dirty logging");
	change_slots(vm, p, "Disabling dirty logging", set_slot_flags, 0);
	guest_writes(vcpu, "Writing after dirty logging");
	change_slots(vm, p, "Unmapping memory", drop_memory, slot_size);
	guest_writes(vcpu, "Populating again");
	change_slots(vm, p, "Deleting memslots", set_slot_size, 0);
	for (u32 slot = 0; slot < p->slots; slot++)
		set_slot_size(vm, FIRST_SLOT + slot, slot_size);
	guest_writes(vcpu, "Mapping again");

	start = now();
	kvm_vm_release(vm);
	took("Destroying the VM", start);
}

static void help(const char *name)
{
	printf("usage: %s [-h] [-b bytes] [-p stride] [-s mem type] [-x memslots] [-c chunk]\n"
	       " -b: size of the memory, such as 64M or 8G (default: 64M)\n"
	       " -p: stride of the guest's writes in bytes (default: a page)\n"
	       " -x: split the memory into this number of memslots (default: 1)\n"
	       " -c: chunk size in bytes for eager splitting of huge pages, arm64 only\n", name);
	backing_src_help("-s");
}

int main(int argc, char **argv)
{
	struct test_params p = {
		.size = SZ_64M,
		.stride = getpagesize(),
		.slots = 1,
		.source = DEFAULT_VM_MEM_SRC,
	};
	int opt;

	while ((opt = getopt(argc, argv, "b:c:hp:s:x:")) != -1) {
		switch (opt) {
		case 'b':
			p.size = parse_size(optarg);
			break;
		case 'c':
			p.chunk = parse_size(optarg);
			break;
		case 'p':
			p.stride = parse_size(optarg);
			break;
		case 's':
			p.source = parse_backing_src_type(optarg);
			break;
		case 'x':
			p.slots = atoi_positive("Number of memslots", optarg);
			break;
		default:
			help(argv[0]);
			return opt == 'h' ? 0 : 1;
		}
	}
	TEST_ASSERT(p.stride && p.size % (p.slots * get_backing_src_pagesz(p.source)) == 0,
		    "%u memslots of %s do not make up %#lx bytes", p.slots,
		    vm_mem_backing_src_alias(p.source)->name, p.size);
	live(&p);
	return 0;
}
