/* SPDX-License-Identifier: GPL-2.0-only */
/* Random operations that make sense for what the window holds. */
#ifndef __KVM_PGTABLE_TESTS_CHOOSE_H
#define __KVM_PGTABLE_TESTS_CHOOSE_H

#include "env.h"
#include "model.h"

/* A cell of the window, in half of all cases the first of a table. */
u64 kpt_choose_cell(const struct kpt_model *m);

/*
 * Where two sizes at once confuse the CPU, nobody may map again what another has unmapped and
 * not invalidated yet: there clients hold the lock for write when they unmap.
 */
bool kpt_unmaps_alone(const struct kpt_config *config, enum kpt_op op);

/* An operation that must succeed, unless it is disturbed. */
void kpt_choose_call(const struct kpt_model *m, struct kpt_call *c);

/* Tells people which operation it was that a test failed at. */
void kpt_describe_call(struct kpt_test *t, const struct kpt_call *c, long ret);

#endif /* __KVM_PGTABLE_TESTS_CHOOSE_H */
