/* SPDX-License-Identifier: GPL-2.0-only */
/* A warning fails the run. */
#ifndef __KVM_PGTABLE_LINUX_BUG_H
#define __KVM_PGTABLE_LINUX_BUG_H

#include <stdbool.h>

#include <linux/build_bug.h>

bool kpt_warn(bool condition, const char *what, const char *file, int line);

#define WARN_ON(condition)	kpt_warn(condition, #condition, __FILE__, __LINE__)
#define WARN_ON_ONCE(condition)	WARN_ON(condition)

#endif
