// SPDX-License-Identifier: GPL-2.0-only
#include "ports.h"

/* The format is known at run time only, so that one copy serves all ports. */
static struct kpt_port port_of(struct kpt_tree *tree)
{
	return (struct kpt_port) {
		.format		= container_of(tree, struct kpt_test, tree)->config->format,
		.env		= &kpt_test_env,
		.detach		= kpt_test_detach,
		.settle		= kpt_test_settle,
		.change_slowly	= kpt_test_change_slowly,
	};
}

void kpt_test_detach(struct kpt_walk *w, kpt_pte_t *table, u64 ia, int level)
{
	struct kpt_port port = port_of(w->tree);

	kpt_detach(&port, w, table, ia, level);
}

void kpt_test_settle(struct kpt_tree *tree, struct kpt_gather *g)
{
	struct kpt_port port = port_of(tree);

	kpt_settle(&port, tree, g);
}

int kpt_test_change_slowly(struct kpt_walk *w, struct kpt_visit *v, kpt_pte_t new,
			   enum kpt_change change)
{
	struct kpt_port port = port_of(w->tree);

	return kpt_change_slowly(&port, w, v, new, change);
}

kpt_pte_t kpt_test_block(struct kpt_walk *w, struct kpt_visit *v)
{
	struct kpt_port port = port_of(w->tree);

	return kpt_uniform_block(&port, w->tree, v);
}
