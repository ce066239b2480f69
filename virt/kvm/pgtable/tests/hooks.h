/* SPDX-License-Identifier: GPL-2.0-only */
/* Hooks of the test suites into the engine, see exchange.h and port.h. */
#ifndef __KVM_PGTABLE_TESTS_HOOKS_H
#define __KVM_PGTABLE_TESTS_HOOKS_H

struct kpt_tree;

void kpt_test_take_turns(void);
bool kpt_test_lose_race(struct kpt_tree *tree);
void kpt_test_read_lock(struct kpt_tree *tree);
void kpt_test_read_unlock(struct kpt_tree *tree);

#define KPT_TAKE_TURNS()	kpt_test_take_turns()
#define KPT_LOSE_RACE(tree)	kpt_test_lose_race(tree)
#define KPT_READ_LOCK(tree)	kpt_test_read_lock(tree)
#define KPT_READ_UNLOCK(tree)	kpt_test_read_unlock(tree)

#endif /* __KVM_PGTABLE_TESTS_HOOKS_H */
