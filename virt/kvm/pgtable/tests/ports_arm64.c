// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/arm64_hyp.h>
#include <fmt/arm64_s2.h>

#include "ports.h"

static const struct kpt_port s2_4k = {
	.format		= &kpt_s2_4k,
	.env		= &kpt_test_env,
	.detach		= kpt_test_detach,
	.settle		= kpt_test_settle,
	.change_slowly	= kpt_test_change_slowly,
};

long kpt_run_s2_4k(struct kpt_call *call)
{
	return kpt_test_dispatch(&s2_4k, call);
}

static const struct kpt_port s2_4k_lpa2 = {
	.format		= &kpt_s2_4k_lpa2,
	.env		= &kpt_test_env,
	.detach		= kpt_test_detach,
	.settle		= kpt_test_settle,
	.change_slowly	= kpt_test_change_slowly,
};

long kpt_run_s2_4k_lpa2(struct kpt_call *call)
{
	return kpt_test_dispatch(&s2_4k_lpa2, call);
}

static const struct kpt_port s2_16k = {
	.format		= &kpt_s2_16k,
	.env		= &kpt_test_env,
	.detach		= kpt_test_detach,
	.settle		= kpt_test_settle,
	.change_slowly	= kpt_test_change_slowly,
};

long kpt_run_s2_16k(struct kpt_call *call)
{
	return kpt_test_dispatch(&s2_16k, call);
}

static const struct kpt_port s2_16k_lpa2 = {
	.format		= &kpt_s2_16k_lpa2,
	.env		= &kpt_test_env,
	.detach		= kpt_test_detach,
	.settle		= kpt_test_settle,
	.change_slowly	= kpt_test_change_slowly,
};

long kpt_run_s2_16k_lpa2(struct kpt_call *call)
{
	return kpt_test_dispatch(&s2_16k_lpa2, call);
}

static const struct kpt_port s2_64k = {
	.format		= &kpt_s2_64k,
	.env		= &kpt_test_env,
	.detach		= kpt_test_detach,
	.settle		= kpt_test_settle,
	.change_slowly	= kpt_test_change_slowly,
};

long kpt_run_s2_64k(struct kpt_call *call)
{
	return kpt_test_dispatch(&s2_64k, call);
}

static const struct kpt_port s2_64k_lpa = {
	.format		= &kpt_s2_64k_lpa,
	.env		= &kpt_test_env,
	.detach		= kpt_test_detach,
	.settle		= kpt_test_settle,
	.change_slowly	= kpt_test_change_slowly,
};

long kpt_run_s2_64k_lpa(struct kpt_call *call)
{
	return kpt_test_dispatch(&s2_64k_lpa, call);
}

static const struct kpt_port hyp_4k = {
	.format		= &kpt_hyp_4k,
	.env		= &kpt_test_env,
	.detach		= kpt_test_detach,
	.settle		= kpt_test_settle,
	.change_slowly	= kpt_test_change_slowly,
};

long kpt_run_hyp_4k(struct kpt_call *call)
{
	return kpt_test_dispatch(&hyp_4k, call);
}

static const struct kpt_port hyp_4k_lpa2 = {
	.format		= &kpt_hyp_4k_lpa2,
	.env		= &kpt_test_env,
	.detach		= kpt_test_detach,
	.settle		= kpt_test_settle,
	.change_slowly	= kpt_test_change_slowly,
};

long kpt_run_hyp_4k_lpa2(struct kpt_call *call)
{
	return kpt_test_dispatch(&hyp_4k_lpa2, call);
}

static const struct kpt_port hyp_16k = {
	.format		= &kpt_hyp_16k,
	.env		= &kpt_test_env,
	.detach		= kpt_test_detach,
	.settle		= kpt_test_settle,
	.change_slowly	= kpt_test_change_slowly,
};

long kpt_run_hyp_16k(struct kpt_call *call)
{
	return kpt_test_dispatch(&hyp_16k, call);
}

static const struct kpt_port hyp_16k_lpa2 = {
	.format		= &kpt_hyp_16k_lpa2,
	.env		= &kpt_test_env,
	.detach		= kpt_test_detach,
	.settle		= kpt_test_settle,
	.change_slowly	= kpt_test_change_slowly,
};

long kpt_run_hyp_16k_lpa2(struct kpt_call *call)
{
	return kpt_test_dispatch(&hyp_16k_lpa2, call);
}

static const struct kpt_port hyp_64k = {
	.format		= &kpt_hyp_64k,
	.env		= &kpt_test_env,
	.detach		= kpt_test_detach,
	.settle		= kpt_test_settle,
	.change_slowly	= kpt_test_change_slowly,
};

long kpt_run_hyp_64k(struct kpt_call *call)
{
	return kpt_test_dispatch(&hyp_64k, call);
}

static const struct kpt_port hyp_64k_lpa = {
	.format		= &kpt_hyp_64k_lpa,
	.env		= &kpt_test_env,
	.detach		= kpt_test_detach,
	.settle		= kpt_test_settle,
	.change_slowly	= kpt_test_change_slowly,
};

long kpt_run_hyp_64k_lpa(struct kpt_call *call)
{
	return kpt_test_dispatch(&hyp_64k_lpa, call);
}

static const struct kpt_port hvhe_4k = {
	.format		= &kpt_hvhe_4k,
	.env		= &kpt_test_env,
	.detach		= kpt_test_detach,
	.settle		= kpt_test_settle,
	.change_slowly	= kpt_test_change_slowly,
};

long kpt_run_hvhe_4k(struct kpt_call *call)
{
	return kpt_test_dispatch(&hvhe_4k, call);
}
