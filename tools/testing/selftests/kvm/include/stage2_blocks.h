/* SPDX-License-Identifier: GPL-2.0-only */
/* Read from debugfs how much memory a VM's tables map with blocks and with pages. */
#ifndef SELFTEST_KVM_STAGE2_BLOCKS_H
#define SELFTEST_KVM_STAGE2_BLOCKS_H

#include <kvm_util.h>
#include <test_util.h>

struct stage2_mapped {
	u64 blocks;		/* bytes */
	u64 writable_blocks;
	u64 pages;
};

#ifdef __aarch64__
#define STAGE2_FILE	"stage2_page_tables"

/* Lines such as "0x0000000100000000-0x0000000100200000           2M 2   R W PXNUXN AF BLK". */
static inline bool stage2_parse(const char *line, bool *block, bool *writable)
{
	*block = strstr(line, "BLK");
	*writable = strstr(line, " W ");
	return strstr(line, " R");
}
#else
#define STAGE2_FILE	"page_tables"

/* Lines such as "0x0000000100000000-0x0000000100200000 2048K level 1 RWXU AD 0x...". */
static inline bool stage2_parse(const char *line, bool *block, bool *writable)
{
	char perms[5];
	int level;

	if (sscanf(line, "%*s %*s level %d %4[-RWXU]", &level, perms) != 2)
		return false;

	*block = level;
	*writable = perms[1] == 'W';
	return perms[0] == 'R';
}
#endif

static inline struct stage2_mapped stage2_read_mapped(struct kvm_vm *vm, u64 from, u64 to)
{
	struct stage2_mapped mapped = { };
	unsigned long long start, end;
	char path[64], line[256];
	bool block, writable;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-%d/" STAGE2_FILE, getpid(), vm->fd);
	file = fopen(path, "r");
	__TEST_REQUIRE(file, "%s: this kernel does not dump its page tables", path);

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "0x%llx-0x%llx", &start, &end) != 2 ||
		    start < from || end > to || !stage2_parse(line, &block, &writable))
			continue;

		if (!block)
			mapped.pages += end - start;
		else
			mapped.blocks += end - start;
		if (block && writable)
			mapped.writable_blocks += end - start;
	}
	fclose(file);
	return mapped;
}

#endif /* SELFTEST_KVM_STAGE2_BLOCKS_H */
