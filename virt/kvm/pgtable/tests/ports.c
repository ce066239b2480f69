// SPDX-License-Identifier: GPL-2.0-only
#include "ports.h"

kpt_pte_t kpt_test_block(struct kpt_iter *it)
{
	struct kpt_test *t = container_of(it->tree, struct kpt_test, tree);
	/* Use the format at run time, so that one copy serves all ports. */
	struct kpt_port port = {
		.format	= t->config->format,
		.ops	= &kpt_test_ops,
	};

	if (it->gather.bbm && it->gather.bbm->nr == KPT_BBM_MAX) {
		kpt_test_report(t, "the bbm batch is full, but was not flushed");
		return 0;
	}
	return kpt_uniform_block(&port, it, t->vary);
}

int kpt_test_visit(struct kpt_iter *it, void *arg)
{
	struct kpt_call *c = arg;

	return c->visit(it, c->arg);
}
