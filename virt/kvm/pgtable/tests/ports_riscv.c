// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/riscv_gstage.h>

#include "ports.h"

static const struct kpt_port gstage = {
	.format		= &kpt_gstage,
	.env		= &kpt_test_env,
	.detach		= kpt_test_detach,
	.settle		= kpt_test_settle,
};

long kpt_run_gstage(struct kpt_call *call)
{
	return kpt_test_dispatch(&gstage, call);
}
