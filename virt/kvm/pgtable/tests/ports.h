/* SPDX-License-Identifier: GPL-2.0-only */
/* Run a struct kpt_call; specialized into one function per format. */
#ifndef __KVM_PGTABLE_TESTS_PORTS_H
#define __KVM_PGTABLE_TESTS_PORTS_H

#include <kvm/pgtable.h>
#include <kvm/pgtable/dump.h>

#include "configs.h"
#include "env.h"

static const struct kpt_ops __maybe_unused kpt_test_ops = {
	KPT_TEST_OPS,
};

kpt_pte_t kpt_test_block(struct kpt_iter *it);
int kpt_test_visit(struct kpt_iter *it, void *arg);

static __always_inline int
kpt_test_change(const struct kpt_port *port, struct kpt_iter *it, struct kpt_call *c)
{
	int err;

	kpt_find(port, it, c->start, c->level);
	c->found = kpt_see(it);
	if (c->meanwhile)
		c->meanwhile(c);
	err = kpt_change(port, it, c->value);
	c->found = kpt_see(it);
	return err;
}

/* Like a client that changes leaves in its own loop. */
static __always_inline int
kpt_test_change_leaves(const struct kpt_port *port, struct kpt_iter *it, struct kpt_call *c)
{
	int err;

	kpt_iterate(it, 0, KPT_YIELDS);
	while (port->next_table(it)) {
		while (kpt_at_leaf(port, it)) {
			err = kpt_change(port, it, (it->pte & ~c->clear) | c->set);
			if (err && err != -EAGAIN)
				return err;
			if (!err)
				kpt_next(port, it);
		}
	}
	return 0;
}

/* Like a client that unlinks last-level tables, and continues to iterate. */
static __always_inline int
kpt_test_unlink(const struct kpt_port *port, struct kpt_iter *it, struct kpt_call *c)
{
	int err;

	kpt_iterate(it, 0, KPT_TABLES);
	while (port->next_table(it)) {
		while (kpt_at(port, it, KPT_LEAVES | KPT_TABLES)) {
			if (it->level > 1 && kpt_is_table(port->format, it->pte, it->level))
				break;
			if (it->level == 1 && kpt_is_table(port->format, it->pte, it->level)) {
				err = kpt_commit(port, it, port->format->empty, KPT_DETACH);
				if (err)
					return err;
				break;
			}
			c->mask++;
			kpt_next(port, it);
		}
	}
	return 0;
}

/* Like a client that unlinks tables one by one, with one flush for many of them. */
static __always_inline int
kpt_test_hand_over(const struct kpt_port *port, struct kpt_iter *it, struct kpt_call *c)
{
	int err;

	kpt_find(port, it, c->start, c->level);
	err = kpt_commit(port, it, port->format->empty, KPT_DETACH);
	c->flush = kpt_gather_take_flush(&it->gather);
	return err;
}

static __always_inline bool
kpt_test_first_leaf(const struct kpt_port *port, struct kpt_iter *it, struct kpt_call *c)
{
	kpt_find(port, it, c->start, c->level);
	if (!kpt_is_table(port->format, it->pte, it->level))
		return false;

	c->found.pte = kpt_first_leaf(port, it->tree, it->pte, it->level, &c->found.level);
	return c->found.pte != port->format->empty;
}

/* Like reading a file: one operation per line, starting at the end of the previous. */
static __always_inline int
kpt_test_dump(const struct kpt_port *port, struct kpt_iter *it, struct seq_file *m)
{
	struct kpt_range r;

	while (it->start < it->end && kpt_dump_next(port, it, port->format, &r)) {
		kpt_dump_print(m, &r);
		it->start = r.end;
	}
	return 0;
}

static __always_inline int
kpt_test_relax(const struct kpt_port *port, struct kpt_iter *it, struct kpt_call *c)
{
	const struct kpt_test *t = container_of(c->tree, struct kpt_test, tree);

	return kpt_relax(port, it, c->prot, t->config->features, &c->level);
}

static __always_inline int
kpt_test_map(const struct kpt_port *port, struct kpt_iter *it, struct kpt_call *c)
{
	struct kpt_mapping m = {
		.memory = c->op == KPT_OP_MAP,
		.flags = c->flags,
		.max_level = c->level,
		.base = it->start,
		.oa = c->oa,
		.attrs = c->value,
	};

	return kpt_map(port, it, &m);
}

static __always_inline int
kpt_test_operation(const struct kpt_port *port, struct kpt_iter *it, struct kpt_call *c)
{
	switch (c->op) {
	case KPT_OP_MAP:
	case KPT_OP_ANNOTATE:
		return kpt_test_map(port, it, c);
	case KPT_OP_UNMAP:
		return kpt_unmap(port, it, c->what);
	case KPT_OP_ZAP:
		return kpt_zap(port, it, c->level);
	case KPT_OP_WRPROT:
		return kpt_wrprot(port, it, c->level, c->what);
	case KPT_OP_PROTECT:
		return kpt_protect(port, it, c->level, c->clear, c->set);
	case KPT_OP_CLEAR_DIRTY:
		return kpt_clear_dirty(port, it, c->clear, c->what);
	case KPT_OP_CLEAR_MASK:
		c->blocks = c->mask;
		return kpt_clear_dirty_mask(port, it, &c->blocks, c->clear);
	case KPT_OP_RELAX:
		return kpt_test_relax(port, it, c);
	case KPT_OP_AGE:
		return kpt_age(port, it, c->clear, c->what);
	case KPT_OP_SPLIT:
		return kpt_split(port, it, c->level);
	case KPT_OP_COLLAPSE:
		return kpt_collapse(port, it, c->level ?: 1, kpt_test_block);
	case KPT_OP_LOOKUP:
		return kpt_lookup(port, it->tree, c->start, c->ptes);
	case KPT_OP_FIRST_LEAF:
		return kpt_test_first_leaf(port, it, c);
	case KPT_OP_CHANGE:
		return kpt_test_change(port, it, c);
	case KPT_OP_VISIT:
		return port->walk(it, c->level, c->what, kpt_test_visit, c);
	case KPT_OP_CHANGE_EACH:
		return kpt_test_change_leaves(port, it, c);
	case KPT_OP_DUMP:
		return kpt_test_dump(port, it, c->arg);
	case KPT_OP_HAND_OVER:
		return kpt_test_hand_over(port, it, c);
	case KPT_OP_UNLINK_EACH:
		return kpt_test_unlink(port, it, c);
	}
	return -EOPNOTSUPP;
}

static __always_inline long
kpt_test_dispatch(const struct kpt_port *port, struct kpt_call *c)
{
	static atomic_t calls;
	struct kpt_iter it;
	int err;

	/* A stack may hold anything.  Do not poison pointers that would crash the test. */
	memset(&it, atomic_inc_return(&calls) % 2 ? 0xa5 : 0, sizeof(it));
	it.gather.tables = NULL;
	it.gather.bbm = NULL;
	/* A lookup may be beyond the end of the tree. */
	if (c->op == KPT_OP_LOOKUP)
		err = kpt_begin(port, &it, c->tree, 0, kpt_span(port->format, 0), c->shared);
	else
		err = kpt_begin(port, &it, c->tree, c->start, c->end, c->shared);
	if (err)
		return err;

	err = kpt_test_operation(port, &it, c);
	c->done = kpt_done(&it);
	if (c->noflush)
		c->flush = kpt_end_noflush(port, &it);
	else
		kpt_end(port, &it);
	return err;
}

#endif /* __KVM_PGTABLE_TESTS_PORTS_H */
