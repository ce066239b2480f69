// SPDX-License-Identifier: GPL-2.0-only
#include "ports.h"

kpt_pte_t kpt_test_block(struct kpt_walk *w, struct kpt_visit *v)
{
	struct kpt_test *t = container_of(w->tree, struct kpt_test, tree);
	/* The format is known at run time only, so that one copy serves all ports. */
	struct kpt_port port = {
		.format	= t->config->format,
		.env	= &kpt_test_env,
	};

	if (w->gather.broken && w->gather.broken->nr == KPT_BROKEN_MAX) {
		kpt_test_report(t, "broken entries wait, and there is no room for more");
		return 0;
	}
	return kpt_uniform_block(&port, w->tree, v, t->vary);
}
