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
	.counted	= kpt_test_counted,
	.hears		= kpt_test_hears,
	.external_set	= kpt_external_set,
	.external_free	= kpt_external_free,
};

/* As KVM: unlinked tables of last level are left as they are, and counted twice. */
static const struct kpt_env ept_counted_env = {
	KPT_TEST_ENV,
	.counted	= kpt_test_counted,
	.hears		= kpt_test_hears,
};

DEFINE_KPT_PORT(ept, kpt_ept, kpt_test_env);

DEFINE_KPT_PORT(ept_counted, kpt_ept, ept_counted_env);

DEFINE_KPT_PORT(ept_noad, kpt_ept, ept_noad_env);

DEFINE_KPT_PORT(npt, kpt_npt, kpt_test_env);

long kpt_run_ept(struct kpt_call *call)
{
	return kpt_test_dispatch(&ept_port, call);
}

long kpt_run_ept_counted(struct kpt_call *call)
{
	return kpt_test_dispatch(&ept_counted_port, call);
}

long kpt_run_ept_noad(struct kpt_call *call)
{
	return kpt_test_dispatch(&ept_noad_port, call);
}

long kpt_run_npt(struct kpt_call *call)
{
	return kpt_test_dispatch(&npt_port, call);
}

/* Mirror tables: every change goes through the external hooks, folded as a client has it. */

DEFINE_KPT_PORT(mirror, kpt_ept, ept_mirror_env);

long kpt_run_ept_mirror(struct kpt_call *call)
{
	return kpt_test_dispatch(&mirror_port, call);
}
