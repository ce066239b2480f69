/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_PGTABLE_LINUX_SLAB_H
#define __KVM_PGTABLE_LINUX_SLAB_H

#include <stdlib.h>

#include <linux/gfp.h>

#define kzalloc(size, gfp)		calloc(1, size)
#define kvcalloc(count, size, gfp)	calloc(count, size)
#define kfree(object)			free(object)
#define kvfree(object)			free(object)

#endif
