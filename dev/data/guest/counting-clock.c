// SPDX-License-Identifier: GPL-2.0
/*
 * Linked into selftests with --wrap. What a test takes for seconds are instructions in KVM's MMU,
 * and below them is its own thread's time, which stands still while the thread waits. A phase
 * whose thread ran for less than a second so prints both.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

/* The device's memory, in which bootlib/count.c counts. Bochs has none, and no such count. */
#define COUNTER "/sys/bus/pci/devices/0000:00:10.0/resource2"

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

static const uint64_t nothing;
static const volatile uint64_t *counter = &nothing;

__attribute__((constructor)) static void map_counter(void)
{
	int file = open(COUNTER, O_RDONLY);

	if (file < 0)
		return;
	counter = mmap(NULL, sizeof(*counter), PROT_READ, MAP_SHARED, file, 0);
	if (counter == MAP_FAILED) {
		perror(COUNTER);
		exit(1);
	}
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	int error;

	if (clock != CLOCK_MONOTONIC)
		return __real_clock_gettime(clock, now);
	error = __real_clock_gettime(CLOCK_THREAD_CPUTIME_ID, now);
	now->tv_sec += *counter;
	return error;
}
