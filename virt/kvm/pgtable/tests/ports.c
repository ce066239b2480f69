// SPDX-License-Identifier: GPL-2.0-only
#include "ports.h"

kpt_pte_t kpt_test_block(struct kpt_walk *w, struct kpt_visit *v)
{
	/* The format is known at run time only, so that one copy serves all ports. */
	struct kpt_port port = {
		.format	= container_of(w->tree, struct kpt_test, tree)->config->format,
		.env	= &kpt_test_env,
	};

	return kpt_uniform_block(&port, w->tree, v, 0);
}
