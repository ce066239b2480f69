/* SPDX-License-Identifier: GPL-2.0-only */
/* Age single pages by idle page tracking of the host; requires root. */
#ifndef SELFTEST_KVM_PAGE_IDLE_H
#define SELFTEST_KVM_PAGE_IDLE_H

#include <fcntl.h>
#include <unistd.h>

#include <test_util.h>

#define PAGEMAP_PRESENT	BIT_ULL(63)
#define PAGEMAP_PFN	GENMASK_ULL(54, 0)

static inline int page_idle_open(void)
{
	int fd = open("/sys/kernel/mm/page_idle/bitmap", O_RDWR);

	__TEST_REQUIRE(fd >= 0, "CONFIG_IDLE_PAGE_TRACKING is required");
	return fd;
}

static inline u64 page_idle_pfn(const void *memory)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	u64 entry;

	TEST_ASSERT(fd >= 0, __KVM_SYSCALL_ERROR("open", fd));
	TEST_ASSERT_EQ(pread(fd, &entry, sizeof(entry),
			     (unsigned long)memory / getpagesize() * sizeof(entry)), sizeof(entry));
	close(fd);
	TEST_ASSERT(entry & PAGEMAP_PRESENT, "the page at %p is not present", memory);
	__TEST_REQUIRE(entry & PAGEMAP_PFN, "CAP_SYS_ADMIN is required to read PFNs");
	return entry & PAGEMAP_PFN;
}

static inline void page_idle_mark(int fd, u64 pfn)
{
	u64 bits = BIT_ULL(pfn % 64);

	TEST_ASSERT_EQ(pwrite(fd, &bits, sizeof(bits), pfn / 64 * sizeof(bits)), sizeof(bits));
}

static inline bool page_idle_is(int fd, u64 pfn)
{
	u64 bits;

	TEST_ASSERT_EQ(pread(fd, &bits, sizeof(bits), pfn / 64 * sizeof(bits)), sizeof(bits));
	return bits & BIT_ULL(pfn % 64);
}

#endif /* SELFTEST_KVM_PAGE_IDLE_H */
