/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_PGTABLE_LINUX_GFP_H
#define __KVM_PGTABLE_LINUX_GFP_H

#include <linux/types.h>

#define __GFP_ZERO	0

#endif
