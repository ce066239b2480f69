/* SPDX-License-Identifier: GPL-2.0-only */
/* Read from debugfs how much memory stage 2 maps with blocks and with pages. */
#ifndef SELFTEST_KVM_ARM64_STAGE2_BLOCKS_H
#define SELFTEST_KVM_ARM64_STAGE2_BLOCKS_H

#include <kvm_util.h>
#include <test_util.h>

struct stage2_mapped {
	u64 blocks;		/* bytes */
	u64 writable_blocks;
	u64 pages;
};

/* Lines such as "0x0000000100000000-0x0000000100200000           2M 2   R W PXNUXN AF BLK". */
static inline struct stage2_mapped stage2_read_mapped(struct kvm_vm *vm, u64 from, u64 to)
{
	struct stage2_mapped mapped = { };
	unsigned long long start, end;
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-%d/stage2_page_tables",
		 getpid(), vm->fd);
	file = fopen(path, "r");
	__TEST_REQUIRE(file, "%s: CONFIG_PTDUMP_STAGE2_DEBUGFS is needed", path);

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "0x%llx-0x%llx", &start, &end) != 2 ||
		    start < from || end > to || !strstr(line, " R"))
			continue;

		if (!strstr(line, "BLK"))
			mapped.pages += end - start;
		else
			mapped.blocks += end - start;
		if (strstr(line, "BLK") && strstr(line, " W "))
			mapped.writable_blocks += end - start;
	}
	fclose(file);
	return mapped;
}

#endif /* SELFTEST_KVM_ARM64_STAGE2_BLOCKS_H */
