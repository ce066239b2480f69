/* SPDX-License-Identifier: GPL-2.0-only */
/* By the compiler's builtins, which ThreadSanitizer knows; it does not see assembly. */
#ifndef __KVM_PGTABLE_LINUX_ATOMIC_H
#define __KVM_PGTABLE_LINUX_ATOMIC_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/types.h>

typedef struct {
	s64 counter;
} atomic64_t;

#define atomic_read(v)		__atomic_load_n(&(v)->counter, __ATOMIC_RELAXED)
#define atomic_add(i, v)	((void)__atomic_fetch_add(&(v)->counter, i, __ATOMIC_RELAXED))
#define atomic_inc(v)		atomic_add(1, v)
#define atomic_dec(v)		atomic_add(-1, v)
#define atomic_sub(i, v)	atomic_add(-(i), v)
#define atomic_inc_return(v)	__atomic_add_fetch(&(v)->counter, 1, __ATOMIC_SEQ_CST)
#define atomic_dec_and_test(v)	(!__atomic_sub_fetch(&(v)->counter, 1, __ATOMIC_SEQ_CST))
#define atomic_xchg(v, i)	xchg(&(v)->counter, i)

#define atomic_long_read	atomic_read
#define atomic_long_add		atomic_add
#define atomic_long_sub		atomic_sub
#define atomic_long_inc		atomic_inc
#define atomic_long_dec		atomic_dec

#define atomic64_fetch_andnot(i, v) \
	__atomic_fetch_and(&(v)->counter, ~(i), __ATOMIC_SEQ_CST)

#define xchg(ptr, value)	__atomic_exchange_n(ptr, value, __ATOMIC_SEQ_CST)

/* Whoever loses may go on to what he found, as after READ_ONCE(). */
#define try_cmpxchg64(ptr, old, new) \
	__atomic_compare_exchange_n(ptr, old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_CONSUME)

#define cmpxchg64(ptr, old, new)		\
({						\
	typeof(*(ptr)) __found = (old);		\
						\
	try_cmpxchg64(ptr, &__found, new);	\
	__found;				\
})

#define smp_store_release(ptr, value)	__atomic_store_n(ptr, value, __ATOMIC_RELEASE)

static inline bool test_and_set_bit(long nr, unsigned long *addr)
{
	return __atomic_fetch_or(addr + BIT_WORD(nr), BIT_MASK(nr), __ATOMIC_SEQ_CST) &
	       BIT_MASK(nr);
}

#endif
