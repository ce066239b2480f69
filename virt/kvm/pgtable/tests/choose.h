/* SPDX-License-Identifier: GPL-2.0-only */
/* Choose random operations that are valid for the current contents of the window. */
#ifndef __KVM_PGTABLE_TESTS_CHOOSE_H
#define __KVM_PGTABLE_TESTS_CHOOSE_H

#include "env.h"
#include "model.h"

/* Choose a cell of the window; half of the time, the first one of a table. */
u64 kpt_choose_cell(const struct kpt_model *m);

/*
 * If TLB conflicts between different sizes are an error, a range must not be mapped
 * again between unmapping and the flush, so clients unmap with the lock held for
 * write.
 */
bool kpt_unmaps_alone(const struct kpt_config *config, enum kpt_op op);

/* Choose an operation that must succeed unless it is disturbed. */
void kpt_choose_call(const struct kpt_model *m, struct kpt_call *c);

/* Print the operation at which a test failed. */
void kpt_describe_call(struct kpt_test *t, const struct kpt_call *c, long ret);

#endif /* __KVM_PGTABLE_TESTS_CHOOSE_H */
