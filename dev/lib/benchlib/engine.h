/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine as an architecture without metadata for tables would use it: folded into
 * one set of functions per format.
 */
#ifndef __BENCH_ENGINE_H
#define __BENCH_ENGINE_H

#include <linux/mm.h>
#include <kvm/pgtable.h>

#include "surroundings.h"

static __always_inline kpt_pte_t *engine_table_va(const struct kpt_tree *tree, u64 pa)
{
	return __va(pa);
}

static __always_inline kpt_pte_t *
engine_alloc(struct kpt_tree *tree, const struct kpt_iter *parent)
{
	return bench_take();
}

static __always_inline void engine_free(struct kpt_tree *tree, kpt_pte_t *table)
{
	bench_give(table);
}

static inline void engine_free_rcu(struct rcu_head *head)
{
	bench_give(page_address(container_of(head, struct page, rcu_head)));
}

static __always_inline void engine_reclaim(struct kpt_tree *tree, kpt_pte_t *table)
{
	call_rcu(&virt_to_page(table)->rcu_head, engine_free_rcu);
}

static __always_inline bool engine_want_yield(struct kpt_tree *tree)
{
	return need_resched();
}

static inline void engine_yield(struct kpt_tree *tree, bool shared)
{
	bench_die("a walk yields");
}

void engine_flush(struct kpt_tree *tree, const struct kpt_flush *flush);

#define ENGINE_OPS						\
	.table_va	= engine_table_va,			\
	.alloc		= engine_alloc,				\
	.free		= engine_free,				\
	.reclaim	= engine_reclaim,			\
	.flush	= engine_flush,			\
	.want_yield	= engine_want_yield,			\
	.yield		= engine_yield

/**
 * struct engine - what the functions of a format work on
 * @tree:	tree
 * @attrs:	of each leaf that they make
 * @decide:	the block that replaces a table
 */
struct engine {
	struct kpt_tree tree;
	u64 attrs;
	kpt_decide_t decide;
};

static inline void engine_create(struct engine *e, int top, u8 ia_bits)
{
	e->tree = (struct kpt_tree) {
		.root = (kpt_ptep_t)bench_take(),
		.ia_bits = ia_bits,
		.top = top,
	};
}

static __always_inline void
engine_destroy(const struct kpt_port *port, struct engine *e)
{
	struct kpt_iter it __uninitialized;
	int err;

	e->tree.no_flush = true;
	err = kpt_begin(port, &it, &e->tree, 0, BIT_ULL(e->tree.ia_bits), false);
	if (!err) {
		err = kpt_zap(port, &it, e->tree.top);
		kpt_end(port, &it);
	}
	bench_demand(!err, "the tree is not destroyed");
	bench_give((__force void *)e->tree.root);
}

static __always_inline void
engine_install(const struct kpt_port *port, struct engine *e, u64 ia, u64 oa, u64 size, int level,
	       bool shared)
{
	struct kpt_mapping m = {
		.memory = true,
		.max_level = level,
		.base = ia,
		.oa = oa,
		.attrs = e->attrs,
	};
	struct kpt_iter it __uninitialized;
	int err = kpt_begin(port, &it, &e->tree, ia, ia + size, shared);

	if (!err) {
		err = kpt_map(port, &it, &m);
		kpt_end(port, &it);
	}
	bench_demand(!err, "a range is not mapped");
}

static __always_inline void
engine_map(const struct kpt_port *port, struct engine *e, u64 ia, u64 oa, u64 size, u64 span)
{
	engine_install(port, e, ia, oa, size, span == BENCH_1G ? 2 : span == BENCH_2M, false);
}

static __always_inline void
engine_fault(const struct kpt_port *port, struct engine *e, u64 ia, u64 oa)
{
	engine_install(port, e, ia, oa, BENCH_4K, 0, true);
}

static __always_inline void
engine_unmap(const struct kpt_port *port, struct engine *e, u64 ia, u64 size)
{
	struct kpt_iter it __uninitialized;
	int err = kpt_begin(port, &it, &e->tree, ia, ia + size, false);

	if (!err) {
		err = kpt_unmap(port, &it, KPT_TABLES);
		kpt_end(port, &it);
	}
	bench_demand(!err, "a range is not unmapped");
}

static __always_inline u64
engine_lookup(const struct kpt_port *port, struct engine *e, u64 ia)
{
	kpt_pte_t ptes[KPT_MAX_LEVELS];
	int level;

	kpt_read_lock(port, &e->tree);
	level = kpt_lookup(port, &e->tree, ia, ptes);
	kpt_read_unlock(port, &e->tree);
	if (!kpt_is_leaf(port->format, ptes[level], level))
		return 0;
	return kpt_oa(port->format, ptes[level]) | (ia & (kpt_span(port->format, level) - 1));
}

static __always_inline void
engine_wrprot(const struct kpt_port *port, struct engine *e, u64 ia, u64 size)
{
	struct kpt_iter it __uninitialized;
	int err = kpt_begin(port, &it, &e->tree, ia, ia + size, true);

	if (!err) {
		err = kpt_wrprot(port, &it, 0, KPT_YIELDS);
		kpt_end(port, &it);
	}
	bench_demand(!err, "a range is not write-protected");
}

static __always_inline void
engine_clear_dirty(const struct kpt_port *port, struct engine *e, u64 ia, u64 size)
{
	struct kpt_iter it __uninitialized;
	int err = kpt_begin(port, &it, &e->tree, ia, ia + size, true);

	if (!err) {
		err = kpt_clear_dirty(port, &it, port->format->dirty, KPT_YIELDS);
		kpt_end(port, &it);
	}
	bench_demand(!err, "a range is not clean");
}

static __always_inline void
engine_clear_mask(const struct kpt_port *port, struct engine *e, u64 ia, u64 mask, u64 bits)
{
	struct kpt_iter it __uninitialized;
	int err = kpt_begin(port, &it, &e->tree, ia, ia + 64 * BENCH_4K, false);

	if (!err) {
		err = kpt_clear_dirty_mask(port, &it, &mask, bits);
		kpt_end(port, &it);
	}
	bench_demand(!err, "pages are not edited");
}

static __always_inline void
engine_wrprot_mask(const struct kpt_port *port, struct engine *e, u64 ia, u64 mask)
{
	engine_clear_mask(port, e, ia, mask, port->format->write);
}

static __always_inline void
engine_clear_dirty_mask(const struct kpt_port *port, struct engine *e, u64 ia, u64 mask)
{
	engine_clear_mask(port, e, ia, mask, port->format->dirty);
}

static __always_inline void
engine_age(const struct kpt_port *port, struct engine *e, u64 ia, u64 size)
{
	struct kpt_iter it __uninitialized;
	int err = kpt_begin(port, &it, &e->tree, ia, ia + size, true);
	bool young = false;

	if (!err) {
		young = kpt_age(port, &it, port->format->accessed, false);
		kpt_end(port, &it);
	}
	bench_demand(young, "nothing is young");
}

static __always_inline void
engine_split(const struct kpt_port *port, struct engine *e, u64 ia, u64 size)
{
	struct kpt_iter it __uninitialized;
	int err = kpt_begin(port, &it, &e->tree, ia, ia + size, true);

	if (!err) {
		err = kpt_split(port, &it, 0);
		kpt_end(port, &it);
	}
	bench_demand(!err, "blocks are not split");
}

static __always_inline void
engine_collapse(const struct kpt_port *port, struct engine *e, u64 ia, u64 oa, u64 size)
{
	struct kpt_iter it __uninitialized;
	int err = kpt_begin(port, &it, &e->tree, ia, ia + size, true);

	if (!err) {
		err = kpt_collapse(port, &it, 1, e->decide);
		kpt_end(port, &it);
	}
	bench_demand(!err, "tables are not collapsed");
}

static __always_inline void
engine_teardown(const struct kpt_port *port, struct engine *e, u64 ia)
{
	struct kpt_iter it __uninitialized;
	int err = kpt_begin(port, &it, &e->tree, ia, ia + BENCH_1G, true);

	if (!err) {
		err = kpt_zap(port, &it, 2);
		kpt_end(port, &it);
	}
	bench_demand(!err, "a subtree is not removed");
}

static __always_inline struct bench_leaf
engine_look(const struct kpt_port *port, struct engine *e, u64 ia)
{
	const struct kpt_format *fmt = port->format;
	struct bench_leaf leaf = { };
	struct kpt_iter it __uninitialized;

	it.tree = &e->tree;
	kpt_read_lock(port, &e->tree);
	kpt_find(port, &it, ia, 0);
	kpt_read_unlock(port, &e->tree);
	if (!kpt_is_leaf(fmt, it.pte, it.level))
		return leaf;

	leaf.oa = kpt_oa(fmt, it.pte) | (ia - it.ia);
	leaf.span = kpt_span(fmt, it.level);
	leaf.bits = (kpt_writable(fmt, it.pte) ? BENCH_WRITABLE : 0) |
		    (it.pte & fmt->dirty ? BENCH_DIRTY : 0) |
		    (it.pte & fmt->accessed ? BENCH_YOUNG : 0);
	return leaf;
}

#define ENGINE_FUNCTION(_name, _op, _type, _params, _args...)			\
static _type __maybe_unused _name##_##_op _params				\
{										\
	return engine_##_op(&_name##_port, &_name##_engine, ##_args);		\
}

/* A port of the engine, and what a candidate consists of around it. */
#define DEFINE_ENGINE(_name, _format)						\
static kpt_pte_t _name##_make_table(struct kpt_tree *tree, kpt_pte_t *table)	\
{										\
	return kpt_table(&_format, __pa(table));				\
}										\
										\
static const struct kpt_ops _name##_env = {					\
	ENGINE_OPS,								\
	.make_table	= _name##_make_table,					\
};										\
										\
DEFINE_KPT_PORT(_name, _format, _name##_env);					\
static struct engine _name##_engine;						\
ENGINE_FUNCTION(_name, destroy, void, (void))					\
ENGINE_FUNCTION(_name, map, void, (u64 ia, u64 oa, u64 size, u64 span),		\
		ia, oa, size, span)						\
ENGINE_FUNCTION(_name, fault, void, (u64 ia, u64 oa), ia, oa)			\
ENGINE_FUNCTION(_name, unmap, void, (u64 ia, u64 size), ia, size)		\
ENGINE_FUNCTION(_name, lookup, u64, (u64 ia), ia)				\
ENGINE_FUNCTION(_name, wrprot, void, (u64 ia, u64 size), ia, size)		\
ENGINE_FUNCTION(_name, clear_dirty, void, (u64 ia, u64 size), ia, size)		\
ENGINE_FUNCTION(_name, wrprot_mask, void, (u64 ia, u64 mask), ia, mask)		\
ENGINE_FUNCTION(_name, clear_dirty_mask, void, (u64 ia, u64 mask), ia, mask)	\
ENGINE_FUNCTION(_name, age, void, (u64 ia, u64 size), ia, size)			\
ENGINE_FUNCTION(_name, split, void, (u64 ia, u64 size), ia, size)		\
ENGINE_FUNCTION(_name, collapse, void, (u64 ia, u64 oa, u64 size), ia, oa, size)	\
ENGINE_FUNCTION(_name, teardown, void, (u64 ia), ia)				\
ENGINE_FUNCTION(_name, look, struct bench_leaf, (u64 ia), ia)

/* Those operations that every format has; a candidate adds its own. */
#define ENGINE_OPERATIONS(_name)						\
	.destroy	= _name##_destroy,					\
	.populate	= _name##_map,						\
	.map		= _name##_map,						\
	.fault		= _name##_fault,					\
	.unmap		= _name##_unmap,					\
	.lookup		= _name##_lookup,					\
	.wrprot		= _name##_wrprot,					\
	.wrprot_mask	= _name##_wrprot_mask,					\
	.split		= _name##_split,					\
	.collapse	= _name##_collapse,					\
	.teardown	= _name##_teardown,					\
	.look		= _name##_look

#endif /* __BENCH_ENGINE_H */
