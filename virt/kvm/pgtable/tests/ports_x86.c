// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/ept.h>
#include <fmt/npt.h>

#include "external.h"
#include "ports.h"

/* Without A/D flags: access is taken away and what it was is saved, as KVM does. */
static kpt_pte_t ept_noad_aged(kpt_pte_t pte)
{
	return (pte & ~KPT_EPT_PERMS) | (pte & KPT_EPT_SAVED) << KPT_EPT_SAVED_SHIFT;
}

/* A lockless fault gives access back to what was aged, and write access to what had it. */
static bool ept_noad_volatile(kpt_pte_t pte)
{
	return !(pte & KPT_EPT_WRITE);
}

static const struct kpt_env ept_noad_env = {
	KPT_TEST_ENV,
	.aged		= ept_noad_aged,
	.is_volatile	= ept_noad_volatile,
};

static const struct kpt_env ept_mirror_env = {
	KPT_TEST_ENV,
	.external_set	= kpt_external_set,
	.external_free	= kpt_external_free,
};

static const struct kpt_port ept = {
	.format		= &kpt_ept,
	.env		= &kpt_test_env,
	.detach		= kpt_test_detach,
	.settle		= kpt_test_settle,
};

static const struct kpt_port ept_noad = {
	.format		= &kpt_ept,
	.env		= &ept_noad_env,
	.detach		= kpt_test_detach,
	.settle		= kpt_test_settle,
};

static const struct kpt_port npt = {
	.format		= &kpt_npt,
	.env		= &kpt_test_env,
	.detach		= kpt_test_detach,
	.settle		= kpt_test_settle,
};

long kpt_run_ept(struct kpt_call *call)
{
	return kpt_test_dispatch(&ept, call);
}

long kpt_run_ept_noad(struct kpt_call *call)
{
	return kpt_test_dispatch(&ept_noad, call);
}

long kpt_run_npt(struct kpt_call *call)
{
	return kpt_test_dispatch(&npt, call);
}

/* Mirror tables: every change goes through the external hooks, folded as a client has it. */

static void mirror_detach(struct kpt_walk *w, kpt_pte_t *table, u64 ia, int level);
static int mirror_change(struct kpt_walk *w, struct kpt_visit *v, kpt_pte_t new,
			 enum kpt_change change);

static const struct kpt_port mirror = {
	.format		= &kpt_ept,
	.env		= &ept_mirror_env,
	.detach		= mirror_detach,
	.settle		= kpt_test_settle,
	.change_slowly	= mirror_change,
};

static noinline void mirror_detach(struct kpt_walk *w, kpt_pte_t *table, u64 ia, int level)
{
	kpt_detach(&mirror, w, table, ia, level);
}

static noinline int mirror_change(struct kpt_walk *w, struct kpt_visit *v, kpt_pte_t new,
				  enum kpt_change change)
{
	return kpt_change_slowly(&mirror, w, v, new, change);
}

long kpt_run_ept_mirror(struct kpt_call *call)
{
	return kpt_test_dispatch(&mirror, call);
}
