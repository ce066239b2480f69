// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compare the dump of a VM's page tables in debugfs with the guest's accesses: every page
 * that the guest wrote is mapped, accessed until it is aged, and dirty.  With dirty
 * logging, every write is tracked.
 */
#include <linux/bitmap.h>
#include <linux/sizes.h>
#include <sys/stat.h>

#include <kvm_util.h>
#include <page_idle.h>
#include <processor.h>
#include <test_util.h>
#include <ucall_common.h>

#define TEST_SLOT	10
#define TEST_GPA	SZ_4G
#define TEST_SIZE	SZ_4M
#define TEST_NPAGES	(TEST_SIZE / PAGE_SIZE)

struct mapped {
	u64 pages;
	u64 accessed;
	u64 unnoticed;	/* the next write would be missed by the dirty log */
};

/* PML tracks writes by dirty bit, otherwise they are tracked by write protection. */
static bool has_pml;
static bool has_accessed_bits;

static void guest_code(void)
{
	for (;;) {
		for (u64 page = 0; page < TEST_NPAGES; page++)
			WRITE_ONCE(*(u64 *)(TEST_GPA + page * PAGE_SIZE), page);
		GUEST_SYNC(0);
	}
}

static void guest_writes(struct kvm_vcpu *vcpu)
{
	vcpu_run(vcpu);
	TEST_ASSERT_EQ(get_ucall(vcpu, NULL), UCALL_SYNC);
}

static char *dump_path(struct kvm_vm *vm)
{
	char *path;

	TEST_ASSERT(asprintf(&path, "/sys/kernel/debug/kvm/%d-%d/page_tables",
			     getpid(), vm->fd) > 0, "asprintf() failed");
	return path;
}

static FILE *open_dump(const char *path)
{
	FILE *file = fopen(path, "r");

	TEST_ASSERT(file, "cannot open %s: %s", path, strerror(errno));
	return file;
}

/* Parse lines such as "0x...-0x... 2048K level 1 RWXU AD 0x...". */
static struct mapped read_dump(const char *path)
{
	unsigned long long start, end, last = 0;
	struct mapped found = { };
	char line[256], perms[5], used[3];
	FILE *file = open_dump(path);

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "0x%llx-0x%llx %*uK level %*d %4[-RWXU] %2[-AD] ",
			   &start, &end, perms, used) != 4)
			continue;

		TEST_ASSERT(last <= start && start < end, "out of order: %s", line);
		last = end;
		if (start < TEST_GPA || end > TEST_GPA + TEST_SIZE)
			continue;

		found.pages += (end - start) / PAGE_SIZE;
		if (used[0] == 'A')
			found.accessed += (end - start) / PAGE_SIZE;
		if (perms[1] == 'W' && (used[1] == 'D' || !has_pml))
			found.unnoticed += (end - start) / PAGE_SIZE;
	}
	fclose(file);
	return found;
}

static void expect(const char *path, u64 pages, u64 unnoticed)
{
	struct mapped found = read_dump(path);

	TEST_ASSERT(found.pages == pages && found.unnoticed == unnoticed,
		    "%lu pages mapped, %lu written unnoticed; expected %lu and %lu",
		    found.pages, found.unnoticed, pages, unnoticed);
}

static void expect_accessed(const char *path, u64 pages)
{
	u64 accessed = read_dump(path).accessed;

	TEST_ASSERT(!has_accessed_bits || accessed == pages, "%lu pages accessed; expected %lu",
		    accessed, pages);
}

/* Mapped pages are not adjacent, so that there is one line per page. */
static void map_every_other_page(struct kvm_vcpu *vcpu)
{
	for (u64 page = 0; page < TEST_NPAGES; page += 2) {
		struct kvm_pre_fault_memory range = {
			.gpa = TEST_GPA + page * PAGE_SIZE,
			.size = PAGE_SIZE,
		};

		vcpu_ioctl(vcpu, KVM_PRE_FAULT_MEMORY, &range);
	}
}

static u64 lines_of_test_memory(FILE *file)
{
	unsigned long long start, end;
	char line[256];
	u64 lines = 0;

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "0x%llx-0x%llx ", &start, &end) == 2 &&
		    start >= TEST_GPA && end <= TEST_GPA + TEST_SIZE)
			lines++;
	}
	return lines;
}

/* A dump shows the tables at the time of each read, not at the time of the open. */
static void test_partial_reads(struct kvm_vm *vm, struct kvm_vcpu *vcpu, const char *path)
{
	char line[256];
	FILE *file;
	u64 lines;

	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, TEST_GPA, TEST_SLOT, TEST_NPAGES, 0);
	map_every_other_page(vcpu);

	file = open_dump(path);
	TEST_ASSERT_EQ(lines_of_test_memory(file), TEST_NPAGES / 2);
	fclose(file);

	/* Use small reads, of a dump that does not fit into one buffer. */
	file = open_dump(path);
	setvbuf(file, NULL, _IOFBF, 128);
	TEST_ASSERT(fgets(line, sizeof(line), file), "the dump is empty");
	vm_mem_region_delete(vm, TEST_SLOT);
	lines = lines_of_test_memory(file);
	TEST_ASSERT(lines < TEST_NPAGES / 4, "%lu lines of memory that is gone", lines);
	fclose(file);
}

int main(void)
{
	unsigned long *dirty = bitmap_zalloc(TEST_NPAGES);
	int idle = page_idle_open();
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	struct stat status;
	char *path;
	u64 pfn;

	vm = vm_create_with_one_vcpu(&vcpu, guest_code);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, TEST_GPA, TEST_SLOT, TEST_NPAGES, 0);
	virt_map(vm, TEST_GPA, TEST_GPA, TEST_NPAGES);
	path = dump_path(vm);
	has_pml = host_cpu_is_intel && get_kvm_intel_param_bool("pml");
	has_accessed_bits = !host_cpu_is_intel || get_kvm_intel_param_bool("eptad");

	TEST_ASSERT(!stat(path, &status), "cannot find %s: %s", path, strerror(errno));
	TEST_ASSERT((status.st_mode & 0777) == 0400, "%s has mode %o", path, status.st_mode & 0777);
	expect(path, 0, 0);

	guest_writes(vcpu);
	expect(path, TEST_NPAGES, TEST_NPAGES);
	expect_accessed(path, TEST_NPAGES);

	pfn = page_idle_pfn(addr_gpa2hva(vm, TEST_GPA));
	page_idle_mark(idle, pfn);
	expect_accessed(path, TEST_NPAGES - 1);

	vm_mem_region_set_flags(vm, TEST_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	expect(path, TEST_NPAGES, 0);

	/* Enabling logging has flushed TLBs, so the next access sets the accessed bit. */
	guest_writes(vcpu);
	expect(path, TEST_NPAGES, TEST_NPAGES);
	TEST_ASSERT(!page_idle_is(idle, pfn), "page is idle, but the guest wrote to it");
	kvm_vm_get_dirty_log(vm, TEST_SLOT, dirty);
	for (int i = 0; i < TEST_NPAGES / BITS_PER_LONG; i++)
		TEST_ASSERT_EQ(dirty[i], ~0ul);
	expect(path, TEST_NPAGES, 0);

	vm_mem_region_delete(vm, TEST_SLOT);
	expect(path, 0, 0);
	test_partial_reads(vm, vcpu, path);

	kvm_vm_free(vm);
	TEST_ASSERT(stat(path, &status) && errno == ENOENT, "%s is there after the VM", path);
	free(path);
	free(dirty);
	close(idle);
	return 0;
}
