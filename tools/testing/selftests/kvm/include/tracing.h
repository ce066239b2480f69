/* SPDX-License-Identifier: GPL-2.0-only */
/* Count events of the host by tracefs; requires root. */
#ifndef SELFTEST_KVM_TRACING_H
#define SELFTEST_KVM_TRACING_H

#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include <test_util.h>

#define TRACING		"/sys/kernel/tracing/"

static inline __printf(3, 4) bool tracing_write(const char *file, int flags,
						const char *format, ...)
{
	char path[128], text[128];
	ssize_t length;
	va_list args;
	int fd;

	va_start(args, format);
	length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);

	snprintf(path, sizeof(path), TRACING "%s", file);
	fd = open(path, O_WRONLY | flags);
	if (fd < 0)
		return false;
	length -= write(fd, text, length);
	close(fd);
	return !length;
}

static inline void tracing_clear(void)
{
	TEST_ASSERT(tracing_write("trace", O_TRUNC, " "), "trace: %s", strerror(errno));
}

static inline u64 tracing_count(const char *event)
{
	FILE *file = fopen(TRACING "trace", "r");
	char line[256];
	u64 count = 0;

	TEST_ASSERT(file, "trace: %s", strerror(errno));
	while (fgets(line, sizeof(line), file))
		count += line[0] != '#' && strstr(line, event);
	fclose(file);
	return count;
}

#endif /* SELFTEST_KVM_TRACING_H */
