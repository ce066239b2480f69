/* SPDX-License-Identifier: GPL-2.0-only */
/* Read what the host says about its memory. */
#ifndef SELFTEST_KVM_MEMINFO_H
#define SELFTEST_KVM_MEMINFO_H

#include <test_util.h>

/* In KiB, or 0 if the host does not have @field. */
static inline long meminfo_read(const char *field)
{
	FILE *file = fopen("/proc/meminfo", "r");
	size_t length = strlen(field);
	char line[128];
	long size = 0;

	TEST_ASSERT(file, "/proc/meminfo: %s", strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, field, length) && line[length] == ':')
			size = atol(line + length + 1);
	}
	fclose(file);
	return size;
}

#endif /* SELFTEST_KVM_MEMINFO_H */
