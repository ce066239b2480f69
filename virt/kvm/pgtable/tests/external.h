/* SPDX-License-Identifier: GPL-2.0-only */
/* Fake external page tables for a mirror, as used by TDX. */
#ifndef __KVM_PGTABLE_TESTS_EXTERNAL_H
#define __KVM_PGTABLE_TESTS_EXTERNAL_H

#include <linux/xarray.h>

#include "env.h"

/**
 * struct kpt_external - external tables
 * @entries:	type of each entry, leaf or table, by level and index
 * @tables:	location of each external table, by the page of the mirror's table
 * @leaves:	number of leaves
 * @table_count: number of tables
 * @refuse:	makes changes fail
 * @error:	error to return in that case, -EIO if 0
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

/* Remove the leaf at @ia whose removal failed, and @tables levels of tables above it. */
void kpt_external_forget(struct kpt_test *t, u64 ia, int tables);

int kpt_external_set(struct kpt_tree *tree, u64 ia, int level, kpt_pte_t old, kpt_pte_t new);

#endif /* __KVM_PGTABLE_TESTS_EXTERNAL_H */
