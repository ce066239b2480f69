// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/arm64_hyp.h>
#include <fmt/arm64_s2.h>

#include "ports.h"

DEFINE_KPT_PORT(s2_4k, kpt_s2_4k, kpt_test_ops);

long kpt_run_s2_4k(struct kpt_call *call)
{
	return kpt_test_dispatch(&s2_4k_port, call);
}

DEFINE_KPT_PORT(s2_4k_lpa2, kpt_s2_4k_lpa2, kpt_test_ops);

long kpt_run_s2_4k_lpa2(struct kpt_call *call)
{
	return kpt_test_dispatch(&s2_4k_lpa2_port, call);
}

DEFINE_KPT_PORT(s2_16k, kpt_s2_16k, kpt_test_ops);

long kpt_run_s2_16k(struct kpt_call *call)
{
	return kpt_test_dispatch(&s2_16k_port, call);
}

DEFINE_KPT_PORT(s2_16k_lpa2, kpt_s2_16k_lpa2, kpt_test_ops);

long kpt_run_s2_16k_lpa2(struct kpt_call *call)
{
	return kpt_test_dispatch(&s2_16k_lpa2_port, call);
}

DEFINE_KPT_PORT(s2_64k, kpt_s2_64k, kpt_test_ops);

long kpt_run_s2_64k(struct kpt_call *call)
{
	return kpt_test_dispatch(&s2_64k_port, call);
}

DEFINE_KPT_PORT(s2_64k_lpa, kpt_s2_64k_lpa, kpt_test_ops);

long kpt_run_s2_64k_lpa(struct kpt_call *call)
{
	return kpt_test_dispatch(&s2_64k_lpa_port, call);
}

DEFINE_KPT_PORT(hyp_4k, kpt_hyp_4k, kpt_test_ops);

long kpt_run_hyp_4k(struct kpt_call *call)
{
	return kpt_test_dispatch(&hyp_4k_port, call);
}

DEFINE_KPT_PORT(hyp_4k_lpa2, kpt_hyp_4k_lpa2, kpt_test_ops);

long kpt_run_hyp_4k_lpa2(struct kpt_call *call)
{
	return kpt_test_dispatch(&hyp_4k_lpa2_port, call);
}

DEFINE_KPT_PORT(hyp_16k, kpt_hyp_16k, kpt_test_ops);

long kpt_run_hyp_16k(struct kpt_call *call)
{
	return kpt_test_dispatch(&hyp_16k_port, call);
}

DEFINE_KPT_PORT(hyp_16k_lpa2, kpt_hyp_16k_lpa2, kpt_test_ops);

long kpt_run_hyp_16k_lpa2(struct kpt_call *call)
{
	return kpt_test_dispatch(&hyp_16k_lpa2_port, call);
}

DEFINE_KPT_PORT(hyp_64k, kpt_hyp_64k, kpt_test_ops);

long kpt_run_hyp_64k(struct kpt_call *call)
{
	return kpt_test_dispatch(&hyp_64k_port, call);
}

DEFINE_KPT_PORT(hyp_64k_lpa, kpt_hyp_64k_lpa, kpt_test_ops);

long kpt_run_hyp_64k_lpa(struct kpt_call *call)
{
	return kpt_test_dispatch(&hyp_64k_lpa_port, call);
}

DEFINE_KPT_PORT(hvhe_4k, kpt_hvhe_4k, kpt_test_ops);

long kpt_run_hvhe_4k(struct kpt_call *call)
{
	return kpt_test_dispatch(&hvhe_4k_port, call);
}
