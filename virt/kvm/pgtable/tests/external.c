// SPDX-License-Identifier: GPL-2.0-only
#include "external.h"
int kpt_external_set(struct kpt_tree *tree, u64 ia, int level, kpt_pte_t old, kpt_pte_t new)
{
	return 0;
}
void kpt_external_free(struct kpt_tree *tree, kpt_pte_t *table)
{
}
