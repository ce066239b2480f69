/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_PGTABLE_LINUX_RANDOM_H
#define __KVM_PGTABLE_LINUX_RANDOM_H

#include <linux/types.h>

u32 get_random_u32(void);

#endif
