/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_PGTABLE_LINUX_BITFIELD_H
#define __KVM_PGTABLE_LINUX_BITFIELD_H

#include_next <linux/bitfield.h>

#define FIELD_PREP_CONST(mask, value)	(((mask) & -(mask)) * (value))

#endif
