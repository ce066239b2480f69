// SPDX-License-Identifier: GPL-2.0
/* Linked into selftests with --wrap: the tests' clock stands still while their thread waits. */
#include <time.h>

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	return __real_clock_gettime(clock == CLOCK_MONOTONIC ? CLOCK_THREAD_CPUTIME_ID : clock, now);
}
