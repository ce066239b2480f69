/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_PGTABLE_LINUX_STRING_H
#define __KVM_PGTABLE_LINUX_STRING_H

#include_next <linux/string.h>

#undef strscpy
#define strscpy(to, from, size)	snprintf(to, size, "%s", from)

#endif
