/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reference model: what each cell of a window of input addresses is, and
 * what each operation makes of it.  A cell is a page, or a block where the test
 * works on blocks; the window spans several tables, about the middle of which a
 * boundary of the largest blocks runs.
 */
#ifndef __KVM_PGTABLE_TESTS_MODEL_H
#define __KVM_PGTABLE_TESTS_MODEL_H

#include "env.h"

enum kpt_cell_kind {
	KPT_CELL_NONE,
	KPT_CELL_LEAF,
	KPT_CELL_NOTE,
};

/**
 * struct kpt_cell - one cell
 * @kind:	kind
 * @level:	level of the entry that it is part of; not kept for KPT_CELL_NONE
 * @perms:	KPT_PERMS of a leaf
 * @aged:	a leaf whose access was taken away by ageing
 * @written:	a simulated CPU wrote to it, and nobody has collected that
 * @oa:		output address of a leaf
 * @rest:	all other bits of a leaf that count, or an annotation
 */
struct kpt_cell {
	u8 kind;
	s8 level;
	u8 perms;
	bool aged;
	bool written;
	u64 oa;
	u64 rest;
};

/**
 * struct kpt_model - a window
 * @t:		test
 * @unit:	level of a cell
 * @shift:	log2 of the size of a cell
 * @base:	input address of the first
 * @count:	cells
 * @cells:	cells
 * @first:	first cell that the operations of kpt_model_confine() can change
 * @end:	the one behind the last of them
 */
struct kpt_model {
	struct kpt_test *t;
	int unit;
	unsigned int shift;
	u64 base;
	unsigned int count;
	struct kpt_cell *cells;
	unsigned int first;
	unsigned int end;
};

/* The largest blocks that a window can be made of. */
int kpt_largest_unit(const struct kpt_config *config);

struct kpt_model *kpt_model_create(struct kpt_test *t, int unit);

/*
 * Copies hold, and kpt_model_compare_any() takes from them, no more cells than @calls can change;
 * all others must stay what they are in @m.
 */
void kpt_model_confine(struct kpt_model *m, const struct kpt_call *calls, unsigned int count);
void kpt_model_copy(struct kpt_model *to, const struct kpt_model *from);
u64 kpt_model_end(const struct kpt_model *m);

/* What an operation that succeeds makes of the window. */
void kpt_model_apply(struct kpt_model *m, const struct kpt_call *call);

/* What one that gave up may leave behind: parts of what it was about to change a part of. */
void kpt_model_push_down(struct kpt_model *m, const struct kpt_call *call);

/* Compares the tree with the window; outside of it there must be nothing. */
void kpt_model_compare(struct kpt_model *m);

/**
 * kpt_model_compare_any() - compare where an operation was cut short or another came between
 * @m:		receives what the tree holds
 * @any:	what each cell may be by itself, levels apart
 * @count:	of @any
 */
void kpt_model_compare_any(struct kpt_model *m, struct kpt_model **any, unsigned int count);

/* Which bits decide about the rest of a leaf, @config's accessed and dirty excepted. */
u64 kpt_rest_mask(const struct kpt_config *config);

/*
 * Simulated writes, noted in &kpt_test.dirt and counted in &kpt_test.balance.  All pages of a
 * dirty block are.
 */
void kpt_dirt_set(struct kpt_test *t, u64 ia, u64 span);
void kpt_dirt_written(struct kpt_test *t, u64 ia, u64 span);
void kpt_dirt_changed(struct kpt_test *t, u64 ia, int level, kpt_pte_t old, kpt_pte_t new);
void kpt_dirt_balance(struct kpt_test *t, u64 ia, int level, kpt_pte_t old, kpt_pte_t new);

/* The same for the leaves of a table that nobody hears of: when it goes, and when it is gone. */
void kpt_dirt_unlinked(struct kpt_test *t, const kpt_pte_t *table, u64 ia);
void kpt_dirt_forgotten(struct kpt_test *t, const kpt_pte_t *table, u64 ia);

#endif /* __KVM_PGTABLE_TESTS_MODEL_H */
