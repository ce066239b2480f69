/* SPDX-License-Identifier: GPL-2.0-only */
/* A fake of the tables that a mirror stands for, as TDX has them. */
#ifndef __KVM_PGTABLE_TESTS_EXTERNAL_H
#define __KVM_PGTABLE_TESTS_EXTERNAL_H

#include <kvm/pgtable/port.h>

int kpt_external_set(struct kpt_tree *tree, u64 ia, int level, kpt_pte_t old, kpt_pte_t new);
void kpt_external_free(struct kpt_tree *tree, kpt_pte_t *table);

#endif /* __KVM_PGTABLE_TESTS_EXTERNAL_H */
