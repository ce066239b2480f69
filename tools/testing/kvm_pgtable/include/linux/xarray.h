/* SPDX-License-Identifier: GPL-2.0-only */
/* A sorted array, of values only. */
#ifndef __KVM_PGTABLE_LINUX_XARRAY_H
#define __KVM_PGTABLE_LINUX_XARRAY_H

#include <linux/types.h>

struct xarray {
	struct kpt_xa_entry {
		unsigned long index;
		void *value;
	} *entries;
	size_t count;
	size_t size;
};

#define XA_PRESENT		0

#define xa_mk_value(value)	((void *)((unsigned long)(value) << 1 | 1))
#define xa_to_value(entry)	((unsigned long)(entry) >> 1)
#define xa_err(entry)		((void)(entry), 0)
#define xa_init(xa)		((void)(*(xa) = (struct xarray) {}))

void *xa_load(struct xarray *xa, unsigned long index);
void *xa_store(struct xarray *xa, unsigned long index, void *value, gfp_t gfp);
void *xa_erase(struct xarray *xa, unsigned long index);
void *xa_find(struct xarray *xa, unsigned long *index, unsigned long max, unsigned int filter);
void xa_destroy(struct xarray *xa);

#endif
