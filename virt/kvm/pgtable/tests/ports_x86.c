// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/ept.h>
#include <fmt/npt.h>

#include "external.h"
#include "ports.h"

/* Without A/D flags, clear the permissions and save them in software bits, like KVM. */
static kpt_pte_t ept_noad_aged(kpt_pte_t pte)
{
	return (pte & ~KPT_EPT_PERMS) | (pte & KPT_EPT_SAVED) << KPT_EPT_SAVED_SHIFT;
}

/* A lockless fault restores permissions after ageing, and write permission. */
static bool ept_noad_volatile(kpt_pte_t pte)
{
	return !(pte & KPT_EPT_WRITE);
}

static const struct kpt_format ept_noad = {
	KPT_EPT_LAYOUT,
	.is_volatile	= ept_noad_volatile,
	.make_old	= ept_noad_aged,
};

static const struct kpt_ops ept_mirror_ops = {
	KPT_TEST_OPS,
	.recounts	= true,
	.external_set	= kpt_external_set,
};

/* Like KVM: do not freeze unlinked last-level tables, but count their leaves twice. */
static const struct kpt_ops ept_counted_ops = {
	KPT_TEST_OPS,
	.recounts	= true,
};

DEFINE_KPT_PORT(ept, kpt_ept, kpt_test_ops);

DEFINE_KPT_PORT(ept_counted, kpt_ept, ept_counted_ops);

DEFINE_KPT_PORT(ept_noad, ept_noad, kpt_test_ops);

DEFINE_KPT_PORT(npt, kpt_npt, kpt_test_ops);

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

/* Mirror tables, all changes are propagated to external tables. */

DEFINE_KPT_PORT(mirror, kpt_ept, ept_mirror_ops);

long kpt_run_ept_mirror(struct kpt_call *call)
{
	return kpt_test_dispatch(&mirror_port, call);
}
