/* SPDX-License-Identifier: GPL-2.0-only */
/* Without the kernel's checks of types: u64 is another one here. */
#ifndef __KVM_PGTABLE_LINUX_MINMAX_H
#define __KVM_PGTABLE_LINUX_MINMAX_H

#include <linux/kernel.h>

#undef min
#undef max
#undef min_t
#undef max_t
#undef clamp

#define __best(x, op, y) \
	({ typeof(x) __x = (x); typeof(y) __y = (y); __x op __y ? __x : __y; })
#define min(x, y)		__best(x, <, y)
#define max(x, y)		__best(x, >, y)
#define min_t(type, x, y)	min((type)(x), (type)(y))
#define max_t(type, x, y)	max((type)(x), (type)(y))
#define clamp(x, low, high)	min(max(x, low), high)

#endif
