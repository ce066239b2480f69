/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_PGTABLE_LINUX_BITOPS_H
#define __KVM_PGTABLE_LINUX_BITOPS_H

#include_next <linux/bitops.h>
#include <linux/atomic.h>
#include <linux/bitmap.h>

/* A plain read in tools/include, while others may set the bit. */
#undef test_bit
#define test_bit(nr, addr)	(READ_ONCE((addr)[BIT_WORD(nr)]) >> ((nr) % BITS_PER_LONG) & 1)

#define __ffs64(word)	((unsigned int)__builtin_ctzll(word))

#endif
