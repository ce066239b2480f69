/* SPDX-License-Identifier: GPL-2.0-only */
/* Runs an operation that is given as data; folded into one function per format. */
#ifndef __KVM_PGTABLE_TESTS_PORTS_H
#define __KVM_PGTABLE_TESTS_PORTS_H

#include <kvm/pgtable.h>
#include <kvm/pgtable/dump.h>

#include "configs.h"
#include "env.h"

static const struct kpt_env __maybe_unused kpt_test_env = {
	KPT_TEST_ENV,
};

kpt_pte_t kpt_test_block(struct kpt_walk *w, struct kpt_visit *v);

static __always_inline int
kpt_test_visit(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v, void *arg)
{
	struct kpt_call *c = arg;

	return c->visit(w, v, c->arg);
}

static __always_inline int
kpt_test_change(const struct kpt_port *port, struct kpt_walk *w, struct kpt_call *c)
{
	kpt_find(port, w->tree, c->start, c->level, &c->found);
	if (c->meanwhile)
		c->meanwhile(c);
	return kpt_change(port, w, &c->found, c->value);
}

/* As a client changes leaves by a visitor of its own. */
static __always_inline int
kpt_test_change_leaf(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v,
		     void *arg)
{
	struct kpt_call *c = arg;

	return kpt_step(kpt_change(port, w, v, (v->pte & ~c->clear) | c->set));
}

/* As a client that unlinks the tables of last level and leaves it to the walk to go on. */
static __always_inline int
kpt_test_unlink(const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v, void *arg)
{
	struct kpt_call *c = arg;

	if (kpt_is_table(port->format, v->pte, v->level))
		return v->level == 1 ? kpt_commit(port, w, v, port->format->empty, KPT_DETACH) :
				       KPT_NEXT;
	c->mask++;
	return KPT_NEXT;
}

/* As a client that unlinks tables one by one, and pays once for many of them. */
static __always_inline int
kpt_test_hand_over(const struct kpt_port *port, struct kpt_walk *w, struct kpt_call *c)
{
	int err;

	kpt_find(port, w->tree, c->start, c->level, &c->found);
	err = kpt_commit(port, w, &c->found, port->format->empty, KPT_DETACH);
	c->debt = kpt_hand_over(&w->gather);
	return err;
}

static __always_inline bool
kpt_test_first_leaf(const struct kpt_port *port, struct kpt_walk *w, struct kpt_call *c)
{
	struct kpt_visit v;

	kpt_find(port, w->tree, c->start, c->level, &v);
	return kpt_is_table(port->format, v.pte, v.level) &&
	       kpt_first_leaf(port, w->tree, &v, &c->found);
}

/* As a file is read: each line by a walk of its own, from where the last one ended. */
static __always_inline int
kpt_test_dump(const struct kpt_port *port, struct kpt_walk *w, struct seq_file *m)
{
	struct kpt_range r;

	while (w->start < w->end && kpt_dump_next(port, w, &r)) {
		kpt_dump_print(m, &r);
		w->start = r.end;
	}
	return 0;
}

static __always_inline int
kpt_test_relax(const struct kpt_port *port, struct kpt_walk *w, struct kpt_call *c)
{
	const struct kpt_test *t = container_of(c->tree, struct kpt_test, tree);

	return kpt_relax(port, w, c->prot, t->config->features, &c->level);
}

static __always_inline int
kpt_test_operation(const struct kpt_port *port, struct kpt_walk *w, struct kpt_call *c)
{
	switch (c->op) {
	case KPT_OP_MAP:
		return kpt_map(port, w, c->oa, c->value, c->level);
	case KPT_OP_ANNOTATE:
		return kpt_annotate(port, w, c->value, c->level);
	case KPT_OP_UNMAP:
		return kpt_unmap(port, w, c->what);
	case KPT_OP_ZAP:
		return kpt_zap(port, w, c->level);
	case KPT_OP_WRPROT:
		return kpt_wrprot(port, w, c->level, c->what);
	case KPT_OP_PROTECT:
		return kpt_protect(port, w, c->level, c->clear, c->set);
	case KPT_OP_CLEAR_DIRTY:
		return kpt_clear_dirty(port, w, c->clear, c->what);
	case KPT_OP_EDIT_MASK:
		c->blocks = c->mask;
		return kpt_edit_mask(port, w, &c->blocks, c->clear, c->set);
	case KPT_OP_RELAX:
		return kpt_test_relax(port, w, c);
	case KPT_OP_AGE:
		return kpt_age(port, w, c->clear, c->what);
	case KPT_OP_SPLIT:
		return kpt_split(port, w, c->level, &c->budget);
	case KPT_OP_COLLAPSE:
		return kpt_collapse(port, w, c->level ?: 1, kpt_test_block);
	case KPT_OP_LOOKUP:
		return kpt_lookup(port, w->tree, c->start, c->ptes);
	case KPT_OP_FIRST_LEAF:
		return kpt_test_first_leaf(port, w, c);
	case KPT_OP_CHANGE:
		return kpt_test_change(port, w, c);
	case KPT_OP_VISIT:
		return kpt_walk_range(port, w, c->level, c->what, kpt_test_visit, c);
	case KPT_OP_CHANGE_EACH:
		return kpt_walk_range(port, w, 0, KPT_LEAVES | KPT_YIELDS,
				      kpt_test_change_leaf, c);
	case KPT_OP_DUMP:
		return kpt_test_dump(port, w, c->arg);
	case KPT_OP_HAND_OVER:
		return kpt_test_hand_over(port, w, c);
	case KPT_OP_UNLINK_EACH:
		return kpt_walk_range(port, w, 0, KPT_LEAVES | KPT_TABLES, kpt_test_unlink, c);
	}
	return -EOPNOTSUPP;
}

static __always_inline long
kpt_test_dispatch(const struct kpt_port *port, struct kpt_call *c)
{
	struct kpt_walk w;
	int err;

	/* Whatever was on the stack before, but for pointers that would end the test. */
	memset(&w, 0xa5, sizeof(w));
	w.gather.tables = NULL;
	w.gather.broken = NULL;
	/* A lookup is for any address. */
	if (c->op == KPT_OP_LOOKUP)
		err = kpt_begin(port, &w, c->tree, 0, kpt_span(port->format, 0), c->shared);
	else
		err = kpt_begin(port, &w, c->tree, c->start, c->end, c->shared);
	if (err)
		return err;

	err = kpt_test_operation(port, &w, c);
	c->done = w.start;
	if (c->owing)
		c->debt = kpt_end_owing(port, &w);
	else
		kpt_end(port, &w);
	return err;
}

#endif /* __KVM_PGTABLE_TESTS_PORTS_H */
