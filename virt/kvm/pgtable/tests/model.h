/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reference model: the state of each cell in a window of input addresses, and how
 * each operation changes it.  A cell is a page, or a block if the test works on
 * blocks.  The window spans several tables, with a boundary of the largest blocks
 * about in the middle.
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
 * @level:	level of the entry that it is part of, not maintained for KPT_CELL_NONE
 * @perms:	KPT_PERMS of a leaf
 * @aged:	leaf whose permissions were cleared by ageing
 * @written:	a simulated CPU wrote to it, and the engine has not reported that yet
 * @oa:		output address of a leaf
 * @rest:	all other relevant bits of a leaf, or an annotation
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
 * @base:	input address of the first cell
 * @count:	number of cells
 * @cells:	cells
 * @first:	first cell that the operations of kpt_model_confine() may change
 * @end:	end of these cells, exclusive
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

/* Level of the largest blocks that may be used as cells. */
int kpt_largest_unit(const struct kpt_config *config);

struct kpt_model *kpt_model_create(struct kpt_test *t, int unit);

/*
 * Restrict kpt_model_copy() and kpt_model_compare_any() to the cells that @calls may
 * change.  All other cells of @m must not change.
 */
void kpt_model_confine(struct kpt_model *m, const struct kpt_call *calls, unsigned int count);
void kpt_model_copy(struct kpt_model *to, const struct kpt_model *from);
u64 kpt_model_end(const struct kpt_model *m);

/* Apply a successful operation to the window. */
void kpt_model_apply(struct kpt_model *m, const struct kpt_call *call);

/* Apply the splits that an operation may have done before it failed. */
void kpt_model_push_down(struct kpt_model *m, const struct kpt_call *call);

/* Compare the tree with the window; there must not be anything outside of it. */
void kpt_model_compare(struct kpt_model *m);

/**
 * kpt_model_compare_any() - Compare with several models, after a race or an error
 * @m:		model to update from the tree
 * @any:	models of which each cell has to match one; levels are ignored
 * @count:	number of models
 */
void kpt_model_compare_any(struct kpt_model *m, struct kpt_model **any, unsigned int count);

/* Bits of &kpt_cell.rest, i.e. without accessed and dirty. */
u64 kpt_rest_mask(const struct kpt_config *config);

/*
 * Simulated writes, recorded in &kpt_test.dirt and counted in &kpt_test.balance.  A
 * dirty block counts as a write to all of its pages.
 */
void kpt_dirt_set(struct kpt_test *t, u64 ia, u64 span);
void kpt_dirt_written(struct kpt_test *t, u64 ia, u64 span);
void kpt_dirt_changed(struct kpt_test *t, u64 ia, int level, kpt_pte_t old, kpt_pte_t new);
void kpt_dirt_balance(struct kpt_test *t, u64 ia, int level, kpt_pte_t old, kpt_pte_t new);

/* For tables without leaf events: when unlinked, and after the grace period. */
void kpt_dirt_unlinked(struct kpt_test *t, u64 ia);
void kpt_dirt_forgotten(struct kpt_test *t, const kpt_pte_t *table, u64 ia);

#endif /* __KVM_PGTABLE_TESTS_MODEL_H */
