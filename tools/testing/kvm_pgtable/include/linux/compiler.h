/* SPDX-License-Identifier: GPL-2.0-only */
/* READ_ONCE() and WRITE_ONCE() as ThreadSanitizer knows them: volatile accesses are races to it. */
#ifndef __KVM_PGTABLE_LINUX_COMPILER_H
#define __KVM_PGTABLE_LINUX_COMPILER_H

#include_next <linux/compiler.h>

#undef READ_ONCE
#undef WRITE_ONCE

/* What is read through a pointer that was read so is ordered behind it, as in the kernel. */
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_CONSUME)
#define WRITE_ONCE(x, value)	__atomic_store_n(&(x), value, __ATOMIC_RELAXED)

/*
 * Nothing folds: one copy of each operation serves all formats, or the ports would take
 * minutes to compile.
 */
#undef __always_inline
#define __always_inline		inline

/* What tools/include does not have. */
#define __uninitialized
#define noinline_for_stack	noinline

#endif
