/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_PGTABLE_LINUX_BITOPS_H
#define __KVM_PGTABLE_LINUX_BITOPS_H

#include_next <linux/bitops.h>
#include <linux/atomic.h>
#include <linux/bitmap.h>

#define __ffs64(word)	((unsigned int)__builtin_ctzll(word))

#endif
