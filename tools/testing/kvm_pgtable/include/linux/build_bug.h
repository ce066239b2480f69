/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_PGTABLE_LINUX_BUILD_BUG_H
#define __KVM_PGTABLE_LINUX_BUILD_BUG_H

#include_next <linux/build_bug.h>

/* What has to be constant need not be here, where formats do not fold; the kernel's build looks. */
#undef BUILD_BUG_ON_MSG
#define BUILD_BUG_ON_MSG(condition, text)	((void)(condition))

#endif
