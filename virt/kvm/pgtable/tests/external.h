/* SPDX-License-Identifier: GPL-2.0-only */
/* A fake of the tables that a mirror stands for, as TDX has them. */
#ifndef __KVM_PGTABLE_TESTS_EXTERNAL_H
#define __KVM_PGTABLE_TESTS_EXTERNAL_H

#include <linux/xarray.h>

#include "env.h"

/**
 * struct kpt_external - external tables
 * @entries:	by level, what stands at an index: a leaf or a table
 * @tables:	by page of the mirror's table, where its external counterpart is linked
 * @leaves:	how many leaves there are
 * @table_count: how many tables there are
 * @refuse:	chances to refuse a change
 * @error:	what is answered then, -EIO if it is 0
 */
struct kpt_external {
	struct xarray entries[KPT_MAX_LEVELS];
	struct xarray tables;
	long leaves;
	long table_count;
	struct kpt_trap refuse;
	int error;
};

void kpt_external_start(struct kpt_test *t, struct kpt_external *x);
void kpt_external_finish(struct kpt_test *t);
void kpt_external_compare(struct kpt_test *t);

/* As if what was refused at this address, and @tables above it, had been removed. */
void kpt_external_forget(struct kpt_test *t, u64 ia, int tables);

int kpt_external_set(struct kpt_tree *tree, u64 ia, int level, kpt_pte_t old, kpt_pte_t new);
void kpt_external_free(struct kpt_tree *tree, kpt_pte_t *table);

#endif /* __KVM_PGTABLE_TESTS_EXTERNAL_H */
